// How good the default recipe is: trains with several seeds and prints NDCG@10 beside the
// baselines, on one data folder. docs/quality.md keeps the figures.
//   bench_quality DATA TEXT_MODEL [--seeds=3] [--split=random:0.8/0.1/0.1] [KEY=VALUE...]

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "data/interactions.h"
#include "data/split.h"
#include "evaluate/evaluate.h"
#include "features/encoder.h"
#include "features/plan.h"
#include "features/spec.h"
#include "model/options.h"
#include "text/text_encoder.h"
#include "train/options.h"
#include "train/trainer.h"

namespace torii {
namespace {

using Clock = std::chrono::steady_clock;

struct Arguments {
  std::string data, text_model, split = "random:0.8/0.1/0.1";
  int seeds = 3;
  bool epochs_shown = false;
  model::ModelOptions model;
  train::TrainOptions train;
  features::DeclaredKinds users, items;
};

Result<Arguments> parse(std::span<char*> words) {
  Arguments arguments;
  OptionSet set;
  declare(arguments.model, set);
  declare(arguments.train, set);
  features::declare(arguments.users, "data.users", set);
  features::declare(arguments.items, "data.items", set);
  for (const std::string_view word : words) {
    if (word == "--epochs") {
      arguments.epochs_shown = true;
    } else if (word.starts_with("--seeds=")) {
      const std::string_view digits = word.substr(8);
      std::from_chars(digits.data(), digits.data() + digits.size(), arguments.seeds);
    } else if (word.starts_with("--split=")) {
      arguments.split = word.substr(8);
    } else if (word.find('=') != std::string_view::npos) {
      TORII_TRY_VOID(set.apply_assignment(word));
    } else {
      (arguments.data.empty() ? arguments.data : arguments.text_model) = word;
    }
  }
  if (arguments.data.empty() || arguments.seeds < 1) {
    return invalid("usage: bench_quality DATA TEXT_MODEL [--seeds=N] [--split=SPEC] [KEY=VALUE]");
  }
  return arguments;
}

class Notes : public Reporter {
 public:
  explicit Notes(bool shown) : shown_(shown) {}
  void note(std::string_view text) override {
    if (shown_) fmt::print("  {}\n", text);
  }
  void end(std::string_view summary) override {
    if (!summary.empty()) fmt::print("  {}\n", summary);
    std::fflush(stdout);
  }

 private:
  bool shown_;
};

struct Encoded {
  features::Spec spec;
  features::EncodedTable users, items;
};

Result<Encoded> encode(const Arguments& arguments, const data::Dataset& dataset,
                       Reporter& reporter) {
  using features::InferenceRule;
  TORII_TRY(auto user_plan,
            features::plan_columns(dataset.user_table, arguments.users, InferenceRule::kDefault));
  TORII_TRY(auto item_plan,
            features::plan_columns(dataset.item_table, arguments.items, InferenceRule::kDefault));
  fmt::print("{}", features::plan_as_yaml(user_plan, item_plan));
  Encoded result;
  TORII_TRY(result.spec.user, features::learn(dataset.user_table, user_plan, {}));
  TORII_TRY(result.spec.item, features::learn(dataset.item_table, item_plan, {}));
  std::unique_ptr<text::TextVectors> texts;
  if (!result.spec.user.text.empty() || !result.spec.item.text.empty()) {
    text::EncoderOptions encoder;
    encoder.model = arguments.text_model;
    encoder.threads = 2;
    TORII_TRY(texts, text::open_cached_encoder(encoder, ""));
    result.spec.text_identity = texts->identity();
    result.spec.text_width = texts->width();
  }
  TORII_TRY(result.users, features::encode(dataset.user_table, result.spec.user,
                                           result.spec.text_identity, texts.get(), reporter));
  TORII_TRY(result.items, features::encode(dataset.item_table, result.spec.item,
                                           result.spec.text_identity, texts.get(), reporter));
  return result;
}

Result<void> run(const Arguments& arguments) {
  Notes reporter(arguments.epochs_shown);
  ThreadPool pool(2);
  TORII_TRY(const auto files, data::options_for_folder(arguments.data));
  TORII_TRY(const auto spec, data::SplitSpec::parse(arguments.split));
  std::vector<std::string> extra;
  if (!spec.column.empty()) extra.push_back(spec.column);
  TORII_TRY(const auto loaded, data::load_dataset(files, extra));
  const data::Dataset& dataset = loaded.dataset;
  TORII_TRY(const Encoded encoded, encode(arguments, dataset, reporter));

  struct Line {
    double popularity, knn, model, seconds;
    int epoch;
  };
  std::vector<Line> lines;
  const std::vector<int> ks = {10};
  for (int seed = 1; seed <= arguments.seeds; ++seed) {
    TORII_TRY(const auto split,
              data::make_split(dataset, loaded.extra, spec, static_cast<std::uint64_t>(seed)));
    auto options = arguments.train;
    options.seed = seed;
    const auto start = Clock::now();
    TORII_TRY(const auto trained,
              train::train({&dataset, &split, &encoded.spec, &encoded.users, &encoded.items},
                           arguments.model, options, pool, reporter));
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    std::vector<std::int32_t> user_ids(dataset.users.size()), item_ids(dataset.items.size());
    for (std::size_t i = 0; i < user_ids.size(); ++i) user_ids[i] = static_cast<std::int32_t>(i);
    for (std::size_t i = 0; i < item_ids.size(); ++i) item_ids[i] = static_cast<std::int32_t>(i);
    const Matrix users = model::embed(trained.model.user, encoded.users, user_ids, pool);
    const Matrix items = model::embed(trained.model.item, encoded.items, item_ids, pool);
    const auto task = evaluate::make_task(dataset, split, data::Part::kTest);
    const auto ndcg = [&](const evaluate::Ranker& ranker) {
      return evaluate::evaluate(ranker, task, dataset.items.size(), ks, 1, pool)
          .metrics.at("ndcg@10");
    };
    const auto popularity =
        evaluate::make_popularity(dataset.interactions, task.fit_rows, dataset.items.size());
    const auto knn =
        evaluate::make_item_knn(dataset.interactions, task.fit_rows, dataset.users.size(),
                                dataset.items.size(), 100, 0.0, pool);
    const auto model = evaluate::make_embedding_ranker("two-tower", users.view(), items.view(),
                                                       trained.model.metric);
    lines.push_back({ndcg(*popularity), ndcg(*knn), ndcg(*model), seconds, trained.best_epoch});
    const Line& line = lines.back();
    fmt::print(
        "seed {}: popularity {:.4f}  item-knn {:.4f}  two-tower {:.4f}  "
        "({:.2f} x popularity, {:.2f} x item-knn)  epoch {}, {:.1f} s\n",
        seed, line.popularity, line.knn, line.model, line.model / line.popularity,
        line.model / line.knn, line.epoch, line.seconds);
    std::fflush(stdout);
  }
  const auto median = [&](double Line::*field) {
    std::vector<double> values;
    for (const Line& line : lines) values.push_back(line.*field);
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
  };
  fmt::print("median: popularity {:.4f}  item-knn {:.4f}  two-tower {:.4f}  {:.1f} s\n",
             median(&Line::popularity), median(&Line::knn), median(&Line::model),
             median(&Line::seconds));
  return {};
}

}  // namespace
}  // namespace torii

int main(int argc, char** argv) {
  const auto arguments = torii::parse(std::span(argv, static_cast<std::size_t>(argc)).subspan(1));
  if (!arguments.ok()) {
    fmt::print(stderr, "{}\n", arguments.error().message);
    return 2;
  }
  const auto result = torii::run(*arguments);
  if (!result.ok()) fmt::print(stderr, "{}\n", result.error().message);
  return result.ok() ? 0 : 1;
}

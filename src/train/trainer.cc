#include "train/trainer.h"

#include <chrono>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/metric.h"
#include "base/random.h"
#include "train/epochs.h"
#include "train/selection.h"

namespace torii::train {

namespace {

using Clock = std::chrono::steady_clock;

// Streams of the seed; batches have those from 1000 on.
constexpr std::uint64_t kUserTowerStream = 0;
constexpr std::uint64_t kItemTowerStream = 1;
constexpr auto kProgressEvery = std::chrono::milliseconds(100);

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Result<model::TwoTower> make_model(const TrainInput& input, const model::ModelOptions& options,
                                   std::uint64_t seed) {
  const auto metric = parse_metric(options.metric);
  if (!metric) {
    return invalid("model.metric: expected dot, cosine or euclidean, found \"{}\"", options.metric);
  }
  TORII_TRY(
      model::TowerShape user_shape,
      model::tower_shape(options, input.spec->user, input.spec->text_width, input.users->rows));
  TORII_TRY(
      model::TowerShape item_shape,
      model::tower_shape(options, input.spec->item, input.spec->text_width, input.items->rows));
  Random user_random(seed, kUserTowerStream);
  Random item_random(seed, kItemTowerStream);
  return model::TwoTower{model::EntityTower(std::move(user_shape), user_random),
                         model::EntityTower(std::move(item_shape), item_random), *metric};
}

/// What was best so far.
struct Best {
  int epoch = 0;
  double value = 0.0;
  std::optional<model::TwoTower> model;
};

std::string line(const EpochRecord& record, const std::string& select_by) {
  std::string text = fmt::format("epoch {}: loss {:.4f}, {:.0f} interactions/s", record.epoch,
                                 record.loss, record.interactions_per_second);
  if (const auto found = record.valid.find(select_by); found != record.valid.end()) {
    text += fmt::format(", valid {} {:.4f}", select_by, found->second);
  }
  return text;
}

/// Tells the reporter, not more often than people read.
class Progress {
 public:
  Progress(Reporter& reporter, int epochs, std::size_t rows)
      : reporter_(reporter), epochs_(epochs), rows_(rows) {}

  void validated(std::string text) { validated_ = std::move(text); }

  bool batch_done(int epoch, std::size_t rows_done, double loss) {
    if (reporter_.cancelled()) return false;
    const auto now = Clock::now();
    if (rows_done < rows_ && now - last_ < kProgressEvery) return true;
    last_ = now;
    reporter_.progress(static_cast<std::uint64_t>(epoch - 1) * rows_ + rows_done,
                       fmt::format("epoch {}/{}  loss {:.4f}{}", epoch, epochs_, loss, validated_));
    return true;
  }

 private:
  Reporter& reporter_;
  int epochs_;
  std::size_t rows_;
  Clock::time_point last_;
  std::string validated_;
};

}  // namespace

Result<TrainResult> train(const TrainInput& input, const model::ModelOptions& model_options,
                          const TrainOptions& options, ThreadPool& pool, Reporter& reporter) {
  TORII_CHECK(input.dataset != nullptr && input.split != nullptr && input.spec != nullptr &&
                  input.users != nullptr && input.items != nullptr,
              "everything to train on is given");
  TORII_CHECK(input.users->rows == input.dataset->users.size() &&
                  input.items->rows == input.dataset->items.size() &&
                  input.split->part.size() == input.dataset->interactions.size(),
              "tables and split belong to the dataset");
  TORII_TRY_VOID(check_metric(options, model_options.metric));
  const auto seed = static_cast<std::uint64_t>(options.seed);
  TORII_TRY(std::optional<Validator> validator, Validator::make(input, options.select_by, seed));
  TORII_TRY(model::TwoTower model, make_model(input, model_options, seed));
  TORII_TRY(std::unique_ptr<Epochs> epochs, options.loss == "magnitude"
                                                ? make_article_epochs(input, options, model, pool)
                                                : make_softmax_epochs(input, options, model, pool));

  const auto start = Clock::now();
  reporter.begin("train", static_cast<std::uint64_t>(options.epochs) * epochs->rows(),
                 "interactions");
  Progress progress(reporter, options.epochs, epochs->rows());
  std::vector<EpochRecord> history;
  Best best;
  for (int epoch = 1; epoch <= options.epochs; ++epoch) {
    const auto epoch_start = Clock::now();
    TORII_TRY(const double loss, epochs->run(epoch, [&](std::size_t rows, double so_far) {
      return progress.batch_done(epoch, rows, so_far);
    }));
    EpochRecord record;
    record.epoch = epoch;
    record.loss = loss;
    record.seconds = seconds_since(epoch_start);
    record.interactions_per_second =
        static_cast<double>(epochs->rows()) / std::max(record.seconds, 1e-9);
    if (validator) record.valid = validator->judge(model, pool);
    history.push_back(std::move(record));
    reporter.note(line(history.back(), options.select_by));
    if (!validator) continue;

    const double value = history.back().valid.at(options.select_by);
    progress.validated(fmt::format("  valid {} {:.4f}", options.select_by, value));
    if (!best.model || value > best.value) {
      best = {epoch, value, model::TwoTower{model.user.clone(), model.item.clone(), model.metric}};
    } else if (options.patience > 0 && epoch - best.epoch >= options.patience) {
      break;
    }
  }
  const int trained = static_cast<int>(history.size());
  std::string summary = fmt::format("{} epochs, loss {:.4f}, {:.1f} s", trained,
                                    history.back().loss, seconds_since(start));
  if (best.model) {
    summary +=
        fmt::format("; kept epoch {}: valid {} {:.4f}", best.epoch, options.select_by, best.value);
  }
  reporter.end(summary);
  if (!best.model) return TrainResult{std::move(model), trained, std::move(history)};
  return TrainResult{std::move(*best.model), best.epoch, std::move(history)};
}

}  // namespace torii::train

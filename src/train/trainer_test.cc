#include "train/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <string>

#include "evaluate/evaluate.h"
#include "train/divergence.h"
#include "train/toy_world.h"

namespace torii::train {
namespace {

using ::testing::HasSubstr;
using testing::make_toy;
using testing::Toy;
using testing::ToyOptions;

TrainOptions quick() {
  TrainOptions options;
  options.epochs = 15;
  options.batch_size = 64;
  options.learning_rate = 0.01;
  options.temperature = 0.2;
  options.embedding_dropout = 0.0;
  options.seed = 1;
  return options;
}

model::ModelOptions small(const char* metric = "cosine") {
  model::ModelOptions options;
  options.width = 16;
  options.metric = metric;
  return options;
}

Result<TrainResult> run(const Toy& toy, const TrainOptions& options,
                        const model::ModelOptions& model = small(), int threads = 2) {
  ThreadPool pool(threads);
  Reporter silent;
  return train(toy.input(), model, options, pool, silent);
}

std::vector<std::int32_t> all_ids(std::size_t count) {
  std::vector<std::int32_t> ids(count);
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

struct Embeddings {
  Matrix users, items;
};
Embeddings embed_all(const Toy& toy, const model::TwoTower& model) {
  ThreadPool pool(1);
  const bool ids = model.user.shape().ids > 0;
  return {model::embed(model.user, toy.users, all_ids(ids ? toy.users.rows : 0), pool),
          model::embed(model.item, toy.items, all_ids(ids ? toy.items.rows : 0), pool)};
}

double score(const Embeddings& e, std::size_t u, std::size_t i, Metric metric) {
  double dot = 0.0, uu = 0.0, ii = 0.0, distance = 0.0;
  for (std::size_t d = 0; d < e.users.cols(); ++d) {
    const double a = e.users(u, d), b = e.items(i, d);
    dot += a * b;
    uu += a * a;
    ii += b * b;
    distance += (a - b) * (a - b);
  }
  if (metric == Metric::kDot) return dot;
  return metric == Metric::kCosine ? dot / std::sqrt(uu * ii) : -std::sqrt(distance);
}

/// Chance that an item of the user's group stands before one of another group, over the items from
/// `first` on. 0.5 = knows nothing.
double group_auc(const Toy& toy, const model::TwoTower& model, std::size_t first) {
  const Embeddings e = embed_all(toy, model);
  double right = 0.0, all = 0.0;
  std::vector<double> scores(toy.items.rows);
  for (std::size_t u = 0; u < toy.users.rows; ++u) {
    for (std::size_t i = first; i < scores.size(); ++i) scores[i] = score(e, u, i, model.metric);
    for (std::size_t i = first; i < scores.size(); ++i) {
      if (toy.group(i) != toy.group(u)) continue;
      for (std::size_t j = first; j < scores.size(); ++j) {
        if (toy.group(j) == toy.group(u)) continue;
        all += 1.0;
        right += scores[i] > scores[j] ? 1.0 : 0.0;
      }
    }
  }
  return right / all;
}

std::string bytes(const model::TwoTower& model) {
  std::string all;
  for (const model::EntityTower* tower : {&model.user, &model.item}) {
    for (const model::Parameter& parameter : tower->parameters()) {
      all.append(reinterpret_cast<const char*>(parameter.value.data()),
                 parameter.value.size_bytes());
    }
  }
  return all;
}

TEST(Train, LearnsTheGroupsWithEveryMetric) {
  const Toy toy = make_toy();
  for (const char* metric : {"dot", "cosine", "euclidean"}) {
    TrainOptions options = quick();
    if (std::string(metric) == "dot") options.temperature = 1.0;
    const auto result = run(toy, options, small(metric));
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_GT(group_auc(toy, result->model, 0), 0.95) << metric;
    EXPECT_LT(result->history.back().loss, result->history.front().loss) << metric;
  }
}

TEST(Train, LearnsTheGroupsFromIdsAlone) {
  ToyOptions world;
  world.group_is_known = false;
  const Toy toy = make_toy(world);
  TrainOptions options = quick();
  options.epochs = 40;
  options.patience = 0;
  const auto result = run(toy, options);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_GT(group_auc(toy, result->model, 0), 0.85);
  model::ModelOptions without = small();
  without.id_embeddings = false;
  const auto blind = run(toy, options, without);
  ASSERT_TRUE(blind.ok());
  EXPECT_LT(group_auc(toy, blind->model, 0), 0.65);
}

TEST(Train, LearnsFromSampledNegatives) {
  ToyOptions world;
  world.items = 600;
  world.users = 300;
  world.rows_per_user = 20;
  const Toy toy = make_toy(world);
  for (const double popularity : {0.0, 1.0}) {
    TrainOptions options = quick();
    options.negatives = 40;
    options.negatives_popularity = popularity;
    const auto result = run(toy, options);
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_GT(group_auc(toy, result->model, 0), 0.95) << popularity;
  }
}

TEST(Train, UnseenItemsFallBackOnTheirFeatures) {
  ToyOptions world;
  world.items = 72;
  world.cold_items = 12;
  const Toy toy = make_toy(world);
  const auto result = run(toy, quick());
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_GT(group_auc(toy, result->model, 60), 0.9);

  // The id of an item without a training row adds nothing.
  ThreadPool pool(1);
  const Matrix with = model::embed(result->model.item, toy.items, all_ids(72), pool);
  const Matrix without = model::embed(result->model.item, toy.items, {}, pool);
  EXPECT_EQ(std::memcmp(with.row(65).data(), without.row(65).data(), 16 * sizeof(float)), 0);
  EXPECT_NE(std::memcmp(with.row(5).data(), without.row(5).data(), 16 * sizeof(float)), 0);
}

TEST(Train, SameSeedSameBytesForAnyThreadCount) {
  const Toy toy = make_toy();
  TrainOptions options = quick();
  options.epochs = 3;
  options.negatives = 20;
  options.id_dropout = 0.3;
  options.embedding_dropout = 0.2;
  const auto first = run(toy, options);
  const auto again = run(toy, options);
  const auto alone = run(toy, options, small(), 1);
  options.seed = 2;
  const auto other = run(toy, options);
  ASSERT_TRUE(first.ok() && again.ok() && alone.ok() && other.ok());
  EXPECT_EQ(bytes(first->model), bytes(again->model));
  EXPECT_EQ(bytes(first->model), bytes(alone->model));
  EXPECT_NE(bytes(first->model), bytes(other->model));
}

TEST(Train, KeepsTheBestEpochAndStopsAfterPatience) {
  const Toy toy = make_toy();
  TrainOptions options = quick();
  options.epochs = 60;
  options.patience = 3;
  const auto result = run(toy, options);
  ASSERT_TRUE(result.ok()) << result.error().message;
  const auto at = [](const EpochRecord& record) { return record.valid.at("ndcg@10"); };
  const auto best =
      std::max_element(result->history.begin(), result->history.end(),
                       [&](const EpochRecord& a, const EpochRecord& b) { return at(a) < at(b); });
  EXPECT_EQ(result->best_epoch, best->epoch);
  ASSERT_LT(result->history.size(), 60U);
  EXPECT_EQ(result->history.back().epoch, result->best_epoch + 3);

  // The model that is returned is the one that was measured, not the last one.
  const Embeddings e = embed_all(toy, result->model);
  ThreadPool pool(1);
  const auto task = evaluate::make_task(toy.dataset, toy.split, data::Part::kValid);
  const auto ranker = evaluate::make_embedding_ranker("model", e.users.view(), e.items.view(),
                                                      result->model.metric);
  const std::vector<int> ks = {10};
  EXPECT_DOUBLE_EQ(
      evaluate::evaluate(*ranker, task, toy.items.rows, ks, 1, pool).metrics.at("ndcg@10"),
      at(*best));
}

TEST(Train, WithoutAValidPartTheLastEpochIsKept) {
  ToyOptions world;
  world.has_parts = false;
  const Toy toy = make_toy(world);
  TrainOptions options = quick();
  options.epochs = 4;
  const auto result = run(toy, options);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->best_epoch, 4);
  EXPECT_EQ(result->history.size(), 4U);
  EXPECT_TRUE(result->history.back().valid.empty());
}

TEST(Train, ArticleLossBringsPurchasesNearerThanNegativeViews) {
  ToyOptions world;
  world.has_parts = false;
  world.stray = 0.5;
  const Toy toy = make_toy(world);
  TrainOptions options = quick();
  options.loss = "magnitude";
  options.epochs = 30;
  // One row is left over after the last whole batch.
  options.batch_size = static_cast<int>((toy.split.part.size() - 1) / 4);
  model::ModelOptions model = small("euclidean");
  model.batch_norm = true;
  model.id_embeddings = false;
  const auto result = run(toy, options, model);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_LT(result->history.back().loss, 0.5 * result->history.front().loss);
  EXPECT_GT(group_auc(toy, result->model, 0), 0.95);
}

// Otherwise the bundle would retrieve by a measure that nobody trained.
TEST(Train, MagnitudeTrainsNoMetricButEuclidean) {
  ToyOptions world;
  world.has_parts = false;
  const Toy toy = make_toy(world);
  TrainOptions options = quick();
  options.loss = "magnitude";
  options.epochs = 1;
  for (const std::string metric : {"cosine", "dot"}) {
    const auto result = run(toy, options, small(metric.c_str()));
    ASSERT_FALSE(result.ok()) << metric;
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(result.error().message,
              "train.loss: magnitude trains a Euclidean distance; set model.metric: euclidean "
              "(found " +
                  metric + ")");
  }
  const auto result = run(toy, options, small("euclidean"));
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->model.metric, Metric::kEuclidean);
}

TEST(Train, NothingPositiveIsAnError) {
  Toy toy = make_toy();
  std::fill(toy.dataset.interactions.positive.begin(), toy.dataset.interactions.positive.end(),
            std::uint8_t{0});
  const auto result = run(toy, quick());
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(result.error().message, HasSubstr("nothing to learn from"));
}

TEST(Train, SelectByMustBeAMetric) {
  const Toy toy = make_toy();
  for (const char* wrong : {"ndcg", "ndgc@10", "ndcg@0", "ndcg@", "ndcg@10x", ""}) {
    TrainOptions options = quick();
    options.select_by = wrong;
    const auto result = run(toy, options);
    ASSERT_FALSE(result.ok()) << wrong;
    EXPECT_THAT(result.error().message, HasSubstr("train.select_by"));
  }
}

TEST(Train, NaNStopsAndNamesEpochAndBatch) {
  Toy toy = make_toy();
  for (float& v : toy.items.numeric.flat()) v = std::nanf("");
  const auto result = run(toy, quick());
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kDiverged);
  EXPECT_THAT(result.error().message, HasSubstr("epoch 1, batch 1:"));
  EXPECT_THAT(result.error().message, HasSubstr("train.learning_rate"));
}

TEST(Train, ExplodingStepsStop) {
  const Toy toy = make_toy();
  for (const char* loss : {"softmax", "magnitude"}) {
    TrainOptions options = quick();
    options.loss = loss;
    options.learning_rate = 1e30;
    const auto result = run(toy, options, small("euclidean"));
    ASSERT_FALSE(result.ok()) << loss;
    EXPECT_EQ(result.error().code, ErrorCode::kDiverged);
    EXPECT_THAT(result.error().message, HasSubstr("epoch 1, batch "));
  }
}

TEST(Divergence, NamesTheTensor) {
  const Toy toy = make_toy();
  auto result = run(toy, [] {
    TrainOptions options = quick();
    options.epochs = 1;
    return options;
  }());
  ASSERT_TRUE(result.ok());
  model::TwoTower& model = result->model;
  EXPECT_EQ(first_not_finite(model), std::nullopt);
  for (const model::Parameter& parameter : model.item.parameters()) {
    if (parameter.name != "fn2.bias") continue;
    parameter.value[3] = std::nanf("");
  }
  EXPECT_EQ(first_not_finite(model), "item_tower.fn2.bias");
  const Error error = diverged({7, 12, std::nan(""), 0.5}, model);
  EXPECT_EQ(error.code, ErrorCode::kDiverged);
  EXPECT_THAT(error.message, HasSubstr("epoch 7, batch 12"));
  EXPECT_THAT(error.message, HasSubstr("item_tower.fn2.bias"));
}

class Impatient : public Reporter {
 public:
  [[nodiscard]] bool cancelled() const override { return calls_++ > 4; }

 private:
  mutable int calls_ = 0;
};

TEST(Train, CanBeCancelled) {
  const Toy toy = make_toy();
  for (const char* loss : {"softmax", "magnitude"}) {
    ThreadPool pool(2);
    Impatient reporter;
    TrainOptions options = quick();
    options.loss = loss;
    const auto result = train(toy.input(), small("euclidean"), options, pool, reporter);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
  }
}

class Recorder : public Reporter {
 public:
  void begin(std::string_view, std::uint64_t total, std::string_view) override { total_ = total; }
  void progress(std::uint64_t done, std::string_view detail) override {
    EXPECT_GT(done, done_);
    done_ = done;
    detail_ = detail;
  }
  void end(std::string_view summary) override { summary_ = summary; }
  std::uint64_t total_ = 0, done_ = 0;
  std::string detail_, summary_;
};

TEST(Train, ReportsLossMetricAndHowFarItIs) {
  const Toy toy = make_toy();
  ThreadPool pool(2);
  Recorder reporter;
  TrainOptions options = quick();
  options.epochs = 2;
  ASSERT_TRUE(train(toy.input(), small(), options, pool, reporter).ok());
  EXPECT_EQ(reporter.done_, reporter.total_);
  EXPECT_THAT(reporter.detail_, HasSubstr("epoch 2/2  loss "));
  EXPECT_THAT(reporter.detail_, HasSubstr("ndcg@10"));
  EXPECT_THAT(reporter.summary_, HasSubstr("kept epoch"));
}

}  // namespace
}  // namespace torii::train

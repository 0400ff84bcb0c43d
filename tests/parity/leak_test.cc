// The data set `reference` holds no preference signal at all: items were drawn at random. Whoever
// finds its test rows more often than random ranking of the same unseen items has seen them. So
// this test goes red if anything of the held-out rows reaches a model, a baseline or the ranking.
#include <gtest/gtest.h>

#include <numeric>

#include "base/reporter.h"
#include "evaluate/chance.h"
#include "evaluate/comparison.h"
#include "evaluate/evaluate.h"
#include "features/encoder.h"
#include "features/plan.h"
#include "support/shared_dir.h"
#include "train/trainer.h"

namespace torii {
namespace {

using evaluate::Task;

const std::vector<int> kKs = {10};

struct Prepared {
  data::Dataset dataset;
  data::Split split;
  Task task;
};

class LeakTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const auto shared = testing::shared_dir();
    if (!shared) GTEST_SKIP() << "TORII_SHARED_DIR is not set or missing: no data to judge";
    auto prepared = prepare((*shared / "data" / "reference").string());
    ASSERT_TRUE(prepared.ok()) << prepared.error().message;
    world_ = std::move(*prepared);
    ASSERT_GE(world_.task.relevant.users.size(), 50U);
  }

  static Result<Prepared> prepare(const std::string& folder) {
    TORII_TRY(const auto options, data::options_for_folder(folder));
    TORII_TRY(auto loaded, data::load_dataset(options));
    TORII_TRY(const auto spec, data::SplitSpec::parse(GetParam()));
    TORII_TRY(auto split, data::make_split(loaded.dataset, loaded.extra, spec, 42));
    Task task = evaluate::make_task(loaded.dataset, split, data::Part::kTest);
    return Prepared{std::move(loaded.dataset), std::move(split), std::move(task)};
  }

  // The 99.9 % interval of hit@10 must not lie above random ranking of the same candidates.
  void expect_no_leak(const evaluate::Ranker& ranker) {
    const std::size_t items = world_.dataset.items.size();
    const auto outcome = evaluate::evaluate(ranker, world_.task, items, kKs, 42, pool_);
    const auto chance =
        evaluate::random_ranking(world_.task.relevant, world_.task.seen, items, kKs);
    const auto comparison =
        evaluate::compare("random", outcome.per_user, chance,
                          {.resamples = 10000, .confidence = 0.999, .seed = 42}, pool_);
    const auto* hit = comparison.find("hit@10");
    ASSERT_NE(hit, nullptr);
    EXPECT_LE(hit->interval.low, 0.0)
        << ranker.name() << " on " << GetParam() << ": hit@10 " << hit->ours << " against "
        << hit->theirs << " expected of random ranking: something of the test rows leaked";
    // The expectation is no formality: who knows nothing does not lie far below it either, but for
    // baselines that put every cold item last.
    if (GetParam() != std::string_view("cold-items")) {
      EXPECT_GT(hit->interval.high, -0.05);
    }
  }

  // Both towers with everything but texts, which would take a text model; ids take part too.
  Result<model::TwoTower> train_model(features::EncodedTable& users,
                                      features::EncodedTable& items) {
    const data::Dataset& dataset = world_.dataset;
    const auto plan = [](const data::Table& table) -> Result<features::EntityPlan> {
      TORII_TRY(auto columns, features::plan_columns(table, {}, features::InferenceRule::kDefault));
      std::erase_if(columns, [](const features::ColumnPlan& column) {
        return column.kind == features::Kind::kText;
      });
      return columns;
    };
    TORII_TRY(const auto user_plan, plan(dataset.user_table));
    TORII_TRY(const auto item_plan, plan(dataset.item_table));
    features::Spec spec;
    TORII_TRY(spec.user, features::learn(dataset.user_table, user_plan, {}));
    TORII_TRY(spec.item, features::learn(dataset.item_table, item_plan, {}));
    EXPECT_GE(spec.user.numeric.size() + spec.user.categorical.size(), 2U);
    EXPECT_GE(spec.item.numeric.size() + spec.item.categorical.size(), 2U);
    TORII_TRY(users, features::encode(dataset.user_table, spec.user, "", nullptr, reporter_));
    TORII_TRY(items, features::encode(dataset.item_table, spec.item, "", nullptr, reporter_));
    train::TrainOptions options;
    options.epochs = 12;
    options.patience = 0;
    model::ModelOptions model;
    model.width = 32;
    TORII_TRY(auto result, train::train({.dataset = &dataset,
                                         .split = &world_.split,
                                         .spec = &spec,
                                         .users = &users,
                                         .items = &items},
                                        model, options, pool_, reporter_));
    return std::move(result.model);
  }

  Prepared world_;
  ThreadPool pool_{0};
  Reporter reporter_;
};

std::vector<std::int32_t> all_ids(const model::EntityTower& tower, std::size_t rows) {
  std::vector<std::int32_t> ids(tower.shape().ids > 0 ? rows : 0);
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

TEST_P(LeakTest, BaselinesFindNoMoreThanChance) {
  for (const auto name : evaluate::baseline_names()) {
    const auto baseline = evaluate::make_baseline(name,
                                                  {.interactions = &world_.dataset.interactions,
                                                   .fit_rows = world_.task.fit_rows,
                                                   .users = world_.dataset.users.size(),
                                                   .items = world_.dataset.items.size()},
                                                  pool_);
    ASSERT_TRUE(baseline.ok()) << baseline.error().message;
    expect_no_leak(**baseline);
  }
}

TEST_P(LeakTest, TheModelFindsNoMoreThanChance) {
  features::EncodedTable users, items;
  const auto model = train_model(users, items);
  ASSERT_TRUE(model.ok()) << model.error().message;
  const Matrix user_rows =
      model::embed(model->user, users, all_ids(model->user, users.rows), pool_);
  const Matrix item_rows =
      model::embed(model->item, items, all_ids(model->item, items.rows), pool_);
  expect_no_leak(*evaluate::make_embedding_ranker("two-tower", user_rows.view(), item_rows.view(),
                                                  model->metric));
}

INSTANTIATE_TEST_SUITE_P(Splits, LeakTest,
                         ::testing::Values("random:0.8/0.1/0.1", "loo", "time:0.8/0.1/0.1",
                                           "cold-items", "cold-users"));

}  // namespace
}  // namespace torii

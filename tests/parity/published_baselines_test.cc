// Figures that others published for simple baselines, with the same splits: what our splits,
// masking, ties and metrics are judged by. See docs/evaluation.md.
#include <gtest/gtest.h>

#include "evaluate/evaluate.h"
#include "support/shared_dir.h"

namespace torii::evaluate {
namespace {

struct Prepared {
  data::Dataset dataset;
  Task task;
};

Result<Prepared> prepare(const std::string& folder, const std::string& split_text) {
  TORII_TRY(const auto options, data::options_for_folder(folder));
  TORII_TRY(const auto spec, data::SplitSpec::parse(split_text));
  TORII_TRY(auto loaded, data::load_dataset(options, {spec.column}));
  TORII_TRY(const auto split, data::make_split(loaded.dataset, loaded.extra, spec, 1));
  Task task = make_task(loaded.dataset, split, data::Part::kTest);
  return Prepared{std::move(loaded.dataset), std::move(task)};
}

class PublishedBaselines : public ::testing::Test {
 protected:
  void SetUp() override {
    shared_ = torii::testing::shared_dir();
    if (!shared_) GTEST_SKIP() << "TORII_SHARED_DIR is not set or missing: no data to judge";
  }
  [[nodiscard]] std::string folder(const char* name) const { return *shared_ / "data" / name; }

  std::optional<std::filesystem::path> shared_;
  ThreadPool pool_{0};
};

TEST_F(PublishedBaselines, MostPopularOnMovieLensMcrecSplit) {
  const auto prepared = prepare(folder("ml-100k"), "column:split_mcrec");
  ASSERT_TRUE(prepared.ok()) << prepared.error().message;
  EXPECT_EQ(prepared->task.relevant.users.size(), 942U);
  EXPECT_EQ(prepared->task.relevant.dropped_seen, 0U);
  const auto report = make_baseline_report(
      "popularity",
      {.task = &prepared->task, .dataset = &prepared->dataset, .options = {}, .seed = 1}, pool_);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->items, 1682U);
  EXPECT_NEAR(report->subject.metrics.at("precision@10"), 0.1904, 0.0005);
  EXPECT_NEAR(report->subject.metrics.at("recall@10"), 0.1179, 0.0005);
  EXPECT_NEAR(report->subject.metrics.at("ndcg_all@10"), 0.1360, 0.0005);
}

TEST_F(PublishedBaselines, MostPopularOnAmazonBeautyLeaveOneOut) {
  const auto prepared = prepare(folder("amazon-beauty"), "column:split_loo");
  ASSERT_TRUE(prepared.ok()) << prepared.error().message;
  EXPECT_EQ(prepared->task.relevant.users.size(), 22363U);
  EvaluateOptions options;
  options.baselines = {};
  const auto report = make_baseline_report(
      "popularity",
      {.task = &prepared->task, .dataset = &prepared->dataset, .options = options, .seed = 1},
      pool_);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->items, 12101U);
  EXPECT_NEAR(report->subject.metrics.at("hit@10"), 0.0135, 0.0004);
}

}  // namespace
}  // namespace torii::evaluate

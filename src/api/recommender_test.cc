#include "torii/recommender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"
#include "features/encoder.h"
#include "model/bundle.h"
#include "support/tables.h"
#include "support/temporary_folder.h"

namespace torii {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> ids_of(const std::vector<Recommendation>& items) {
  std::vector<std::string> ids;
  for (const Recommendation& item : items) ids.push_back(item.item_id);
  return ids;
}

class RecommenderApi : public ::testing::Test {
 protected:
  void SetUp() override { write(Metric::kDot); }

  void write(Metric metric) {
    using namespace torii::testing;  // NOLINT: builders of columns
    features::Spec spec;
    spec.user.numeric = {{"age", features::ValueType::kNumber, 30.0, 10.0, true},
                         {"joined", features::ValueType::kTimestamp, 738000.0, 100.0, true}};
    spec.user.categorical = {{"likes", features::ValueType::kText, "|", {"cats", "dogs"}, true},
                             {"tags", features::ValueType::kTextList, "", {"x", "y"}, true},
                             {"member", features::ValueType::kYesNo, "", {"false", "true"}, true}};
    spec.user.text = {{"about"}};
    spec.item.numeric = {{"price", features::ValueType::kNumber, 0.0, 1.0, true}};
    spec.text_identity = "nobody";
    spec.text_model = "mini";
    spec.text_width = 4;
    Random random(5);
    model::TwoTower model{model::EntityTower({.width = 8,
                                              .numeric = 2,
                                              .categories = {3, 3, 3},
                                              .text_columns = 1,
                                              .text_width = 4,
                                              .ids = 2,
                                              .batch_norm = false},
                                             random),
                          model::EntityTower({.width = 8, .numeric = 1, .ids = 6}, random), metric};
    for (auto* tower : {&model.user, &model.item}) {  // ids that matter
      for (float& value : tower->parameters().back().value) value *= 100.0F;
    }
    Reporter silent;
    auto items = features::encode(data::Table({numbers("price", {1, 2, 3, 4, 5, 6})}), spec.item,
                                  "nobody", nullptr, silent);
    ASSERT_TRUE(items.ok());
    ThreadPool pool(1);
    model::Bundle bundle =
        make_bundle(std::move(spec), std::move(model), *items, IdIndex({"ann", "bob"}, false),
                    IdIndex({"a", "b", "c", "d", "e", "f"}, false), {5, 1, 9, 3, 9, 0}, pool);
    auto written = write_bundle(folder_.path() / "bundle", bundle);
    ASSERT_TRUE(written.ok()) << written.error().message;
    id_ = bundle.id;
  }
  [[nodiscard]] Recommender open(const RecommenderOptions& options = {}) const {
    auto opened = Recommender::open((folder_.path() / "bundle").string(), options);
    EXPECT_TRUE(opened.ok()) << opened.error().message;
    return std::move(opened).value();
  }
  static std::string error(const Recommender& recommender, const RecommendRequest& request) {
    auto answer = recommender.recommend(request);
    EXPECT_FALSE(answer.ok());
    return answer.ok() ? "" : answer.error().message;
  }

  testing::TemporaryFolder folder_;
  std::string id_;
};

TEST_F(RecommenderApi, InfoNamesTheBundle) {
  const RecommenderInfo info = open().info();
  EXPECT_EQ(info.bundle_id, id_);
  EXPECT_EQ(info.metric, "dot");
  EXPECT_EQ(info.item_count, 6U);
  EXPECT_EQ(info.user_count, 2U);
  EXPECT_EQ(info.width, 8U);
}

TEST_F(RecommenderApi, KnownUserGetsTheBestByTheMetric) {
  for (const Metric metric : {Metric::kDot, Metric::kCosine, Metric::kEuclidean}) {
    write(metric);
    const Recommender recommender = open();
    auto answer = recommender.recommend({.user_id = "bob", .k = 6});
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(answer->source, "live");
    ASSERT_EQ(answer->items.size(), 6U);
    const std::vector<float> user = recommender.embed_user("bob", {}).value();
    for (std::size_t i = 0; i < 6; ++i) {
      const std::vector<float> item = recommender.embed_item(answer->items[i].item_id).value();
      double dot = 0.0;
      double distance = 0.0;
      double user_length = 0.0;
      double item_length = 0.0;
      for (std::size_t d = 0; d < user.size(); ++d) {
        const double u = user[d];
        const double v = item[d];
        dot += u * v;
        distance += (u - v) * (u - v);
        user_length += u * u;
        item_length += v * v;
      }
      const double expected = metric == Metric::kDot ? dot
                              : metric == Metric::kCosine
                                  ? dot / std::sqrt(user_length * item_length)
                                  : -std::sqrt(distance);
      EXPECT_NEAR(answer->items[i].score, expected, 1e-4 * std::max(1.0, std::abs(expected)));
      if (i == 0) continue;
      EXPECT_GE(answer->items[i - 1].score, answer->items[i].score);
    }
  }
}

TEST_F(RecommenderApi, UnknownUserGetsPopularItemsOrIsJudgedByFeatures) {
  const Recommender recommender = open();
  auto popular = recommender.recommend({.user_id = "zoe", .k = 3});
  ASSERT_TRUE(popular.ok());
  EXPECT_EQ(popular->source, "fallback");
  EXPECT_THAT(ids_of(popular->items), ElementsAre("c", "e", "a"));
  EXPECT_EQ(popular->items[0].score, 9.0F);
  auto cold = recommender.recommend({.user_id = "zoe", .features = {{"age", 20}}, .k = 3});
  ASSERT_TRUE(cold.ok()) << cold.error().message;
  EXPECT_EQ(cold->source, "cold");
}

TEST_F(RecommenderApi, ExcludedItemsNeverComeBack) {
  const Recommender recommender = open();
  for (const std::string user : {"ann", "zoe"}) {
    auto answer = recommender.recommend(
        {.user_id = user, .k = 10, .exclude = {"c", "never heard of", "a", "c"}});
    ASSERT_TRUE(answer.ok());
    std::vector<std::string> ids = ids_of(answer->items);
    std::ranges::sort(ids);
    EXPECT_THAT(ids, ElementsAre("b", "d", "e", "f")) << user;
  }
  EXPECT_THAT(recommender.recommend({.exclude = {"a", "b", "c", "d", "e", "f"}})->items, IsEmpty());
}

TEST_F(RecommenderApi, SimilarLeavesTheItemOut) {
  const Recommender recommender = open();
  auto near = recommender.similar("c", 10);
  ASSERT_TRUE(near.ok());
  std::vector<std::string> ids = ids_of(*near);
  std::ranges::sort(ids);
  EXPECT_THAT(ids, ElementsAre("a", "b", "d", "e", "f"));
  for (const Recommendation& item : *near) EXPECT_LE(std::abs(item.score), 1.0F + 1e-6F);  // cosine
  EXPECT_EQ(recommender.similar("nope", 3).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(recommender.embed_item("nope").error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(recommender.similar("c", 0).ok());
}

TEST_F(RecommenderApi, FeaturesTakeTheTypesOfTraining) {
  const Recommender recommender = open();
  const auto embedding = [&](std::vector<Feature> features) {
    auto result = recommender.embed_user("", features);
    EXPECT_TRUE(result.ok()) << result.error().message;
    return result.ok() ? *result : std::vector<float>{};
  };
  const std::vector<float> unknown = embedding({});
  EXPECT_EQ(embedding({{"age", 30}}), unknown);  // the mean says nothing
  EXPECT_NE(embedding({{"age", 31}}), unknown);
  EXPECT_EQ(embedding({{"age", 31}}), embedding({{"age", 31.0}}));
  EXPECT_EQ(embedding({{"joined", "2021-08-01"}}), embedding({{"joined", 1627776000000}}));
  EXPECT_EQ(embedding({{"likes", "dogs|cats"}}),
            embedding({{"likes", std::vector<std::string>{"cats", "dogs"}}}));
  EXPECT_EQ(embedding({{"tags", "x"}}), embedding({{"tags", std::vector<std::string>{"x"}}}));
  EXPECT_NE(embedding({{"member", true}}), embedding({{"member", false}}));
  EXPECT_EQ(embedding({{"age", std::numeric_limits<double>::quiet_NaN()}}), unknown);
}

TEST_F(RecommenderApi, ErrorsSayWhatWasExpected) {
  const Recommender recommender = open();
  EXPECT_THAT(error(recommender, {.features = {{"aeg", 3}}}), HasSubstr("did you mean 'age'"));
  EXPECT_THAT(error(recommender, {.features = {{"age", "old"}}}), HasSubstr("type number"));
  EXPECT_THAT(error(recommender, {.features = {{"joined", "yesterday"}}}), HasSubstr("ISO 8601"));
  EXPECT_THAT(error(recommender, {.features = {{"member", 1}}}), HasSubstr("yes/no"));
  EXPECT_THAT(error(recommender, {.features = {{"age", 1}, {"age", 2}}}), HasSubstr("twice"));
  EXPECT_THAT(error(recommender, {.features = {{"about", "I like tea"}}}), HasSubstr("'mini'"));
  EXPECT_THAT(error(recommender, {.k = 0}), HasSubstr("k: expected 1 to"));
  EXPECT_EQ(Recommender::open("/nowhere/at/all").error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(Recommender::open((folder_.path() / "bundle").string(), {.threads = 0}).ok());
}

TEST_F(RecommenderApi, HugeNumbersAreAnErrorNotACrash) {
  const Recommender recommender = open();
  for (const double age : {1e30, 3e38, -3e38, 1e300}) {
    auto answer = recommender.recommend({.features = {{"age", age}}});
    if (answer.ok()) continue;
    EXPECT_EQ(answer.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST_F(RecommenderApi, AnswersDoNotDependOnThreads) {
  auto one = open({.threads = 1}).recommend({.user_id = "ann"});
  auto three = open({.threads = 3}).recommend({.user_id = "ann"});
  ASSERT_TRUE(one.ok() && three.ok());
  EXPECT_EQ(ids_of(one->items), ids_of(three->items));
  for (std::size_t i = 0; i < one->items.size(); ++i) {
    EXPECT_EQ(one->items[i].score, three->items[i].score);
  }
}

}  // namespace
}  // namespace torii

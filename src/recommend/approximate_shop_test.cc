#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "support/shop_world.h"

// A Shop whose catalogue is searched by HNSW, beside the same one that is searched exactly.
namespace torii::recommend {
namespace {

using testing::json_of;
using testing::ShopWorld;
using testing::WorldOptions;

constexpr std::size_t kItems = 13'000;  // enough for lists of kApproximateFirst by the graph

class Side {
 public:
  explicit Side(std::size_t approximate_from)
      : world_({.seed = 3,
                .items = kItems,
                .users = 60,
                .k = 8,
                .approximate_from = approximate_from}) {
    EXPECT_TRUE(shop_.adopt(world_.publication).ok());
  }
  ShopAnswer ask(const ShopRequest& request) {
    ShopAnswer answer;
    const auto done = shop_.recommend(request, *workspace_, answer);
    EXPECT_TRUE(done.ok());
    return answer;
  }
  [[nodiscard]] const ShopWorld& world() const { return world_; }
  [[nodiscard]] const Shop& shop() const { return shop_; }

 private:
  ShopWorld world_;
  Shop shop_{{},
             {.now_ms = [] { return std::int64_t{10'000}; },
              .open_texts = [this](const model::Bundle&) { return world_.texts; }}};
  std::unique_ptr<Shop::Workspace, void (*)(Shop::Workspace*)> workspace_ = shop_.make_workspace();
};

class ApproximateShop : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    graph = std::make_unique<Side>(1000);
    exact = std::make_unique<Side>(0);
  }
  static void TearDownTestSuite() {
    graph.reset();
    exact.reset();
  }
  // Users whose list is searched for by a vector.
  static std::vector<std::string> people() {
    std::vector<std::string> ids;
    const ShopWorld& world = graph->world();
    for (std::size_t u = 0; u < world.user_ids.size(); ++u) {
      if (static_cast<Source>(world.published_users[u].source) != Source::kFallback) {
        ids.push_back(world.user_ids[u]);
      }
    }
    return ids;
  }
  static std::unique_ptr<Side> graph, exact;
};
std::unique_ptr<Side> ApproximateShop::graph, ApproximateShop::exact;

TEST_F(ApproximateShop, PagesNeitherOverlapNorRepeat) {
  const auto filter = *parse_filter(json_of(R"({"must": [{"key": "genres", "exists": true}]})"));
  for (const Filter* asked : {static_cast<const Filter*>(nullptr), &filter}) {
    for (const std::string& user : people()) {
      std::set<std::uint32_t> met;
      for (std::size_t offset = 0; offset < 400; offset += 25) {
        const auto page = graph->ask({.user_id = user, .k = 25, .offset = offset, .filter = asked});
        ASSERT_EQ(page.items.size(), 25U);
        for (const auto& entry : page.items) {
          EXPECT_TRUE(met.insert(entry.item).second) << user << " at " << offset;
        }
      }
      // And they are the pieces of one long list.
      const auto whole = graph->ask({.user_id = user, .k = 400, .filter = asked});
      for (const auto& entry : whole.items) EXPECT_TRUE(met.contains(entry.item)) << user;
    }
  }
}

TEST_F(ApproximateShop, FiltersHoldAndAsManyComeBackAsThereAre) {
  constexpr const char* kFilters[] = {
      R"({"must": [{"key": "genres", "match": {"any": ["Tea", "Art"]}}]})",
      R"({"must": [{"key": "brand", "match": {"value": "North"}},
                   {"key": "price", "range": {"lt": 3}},
                   {"key": "genres", "match": {"value": "Toys"}},
                   {"key": "made", "range": {"gt": "2023-06-01"}}]})",
      R"({"must": [{"key": "price", "range": {"gt": 1000}}]})"};
  const auto users = people();
  for (const char* text : kFilters) {
    const auto filter = *parse_filter(json_of(text));
    for (std::size_t i = 0; i < 10; ++i) {
      const ShopRequest request{.user_id = users[i], .k = 1000, .filter = &filter};
      const auto found = graph->ask(request);
      EXPECT_EQ(found.items.size(), exact->ask(request).items.size()) << text;
      for (const auto& entry : found.items) {
        const auto attributes =
            Json::parse(found.edition->attributes_json(entry.item), "attributes");
        ASSERT_TRUE(passes(filter, *attributes)) << text;
      }
    }
  }
}

TEST_F(ApproximateShop, FindsWhatExactSearchFindsByVectorsOfUsers) {
  std::size_t hits = 0, all = 0;
  for (const std::string& user : people()) {
    const ShopRequest request{.user_id = user, .k = 100};
    const auto found = graph->ask(request);
    const auto best = exact->ask(request);
    ASSERT_EQ(found.items.size(), best.items.size());
    EXPECT_EQ(found.source, best.source);
    // By score: some items are alike.
    for (const auto& entry : found.items) hits += entry.score >= best.items.back().score ? 1 : 0;
    all += best.items.size();
  }
  EXPECT_GE(static_cast<double>(hits) / static_cast<double>(all), 0.9);
  const auto counts = graph->shop().counts();
  EXPECT_STREQ(counts.recall_of, "users");
  EXPECT_GE(counts.retrieval_recall, 0.9);
  EXPECT_LT(counts.retrieval_recall, 1.0 + 1e-9);
  EXPECT_STREQ(exact->shop().counts().recall_of, "");
}

}  // namespace
}  // namespace torii::recommend

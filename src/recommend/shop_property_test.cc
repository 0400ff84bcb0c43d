#include <gtest/gtest.h>

#include <algorithm>

#include "recommend/people.h"
#include "support/naive_shop.h"

namespace torii::recommend {
namespace {

using testing::json_of;
using testing::NaiveShop;
using testing::ShopWorld;
using testing::WorldOptions;

constexpr std::int64_t kHour = 3'600'000;

// Requests that own what they borrow.
struct OwnedRequest {
  std::string user;
  std::optional<Json> features;
  std::vector<SessionEvent> session;
  std::vector<std::string> categories, exclude, cart;
  std::optional<Filter> filter;
  std::optional<Rules> rules;
  std::size_t k = 5, offset = 0;
  ShopRequest::Exclude own = ShopRequest::Exclude::kSeen;

  [[nodiscard]] ShopRequest view() const {
    return {.user_id = user,
            .features = features ? &*features : nullptr,
            .session = session,
            .categories = categories,
            .k = k,
            .offset = offset,
            .filter = filter ? &*filter : nullptr,
            .exclude = exclude,
            .cart = cart,
            .rules = rules ? &*rules : nullptr,
            .exclude_own = own};
  }
};

class Chaos {
 public:
  explicit Chaos(std::uint64_t seed) : random(seed) {}
  Random random;
  std::uint64_t seq = 0;

  bool one_in(std::uint64_t n) { return random.below(n) == 0; }
  std::string item() {
    return one_in(8) ? fmt::format("new{}", random.below(6))
                     : fmt::format("i{:03}", random.below(40));
  }
  std::string user() {
    return one_in(3) ? fmt::format("live{}", random.below(4))
                     : fmt::format("u{:03}", random.below(12));
  }
  std::vector<std::string> some_items(std::uint64_t most) {
    std::vector<std::string> ids;
    for (std::uint64_t i = random.below(most + 1); i > 0; --i) ids.push_back(item());
    return ids;
  }

  store::Record record(std::int64_t now_ms) {
    store::Record record;
    record.seq = ++seq;
    record.id = fmt::format("e{}", seq);
    record.time_ms = now_ms - static_cast<std::int64_t>(random.below(6)) * kHour;
    const std::uint64_t kind = random.below(10);
    if (kind < 6) {
      constexpr const char* kTypes[] = {"view",        "click",    "cart", "return",
                                        "cart_remove", "purchase", "rate", "onboarding_select"};
      record.user_id = one_in(10) ? "" : user();
      Json event = Json::object().set("item_id", item());
      event.set("type", kTypes[random.below(8)]);
      if (one_in(3)) event.set("rating", static_cast<std::int64_t>(1 + random.below(5)));
      record.payload = event.dump();
    } else if (kind < 8) {
      record.kind = store::RecordKind::kUser;
      record.id = user();
      if (one_in(4)) return record;
      Json state = Json::object().set("attributes", ShopWorld::random_user(random));
      if (one_in(2)) state.set("preferences", Json::array().push(one_in(2) ? "Tea" : "Toys"));
      record.payload = state.dump();
    } else {
      record.kind = store::RecordKind::kItem;
      record.id = item();
      if (one_in(4)) return record;
      Json attributes = ShopWorld::random_item(random);
      if (one_in(2)) attributes = Json::object().set("in_stock", one_in(2));
      if (one_in(4)) attributes.set("brand", nullptr);
      record.payload = Json::object().set("attributes", attributes).dump();
    }
    return record;
  }

  Filter filter() {
    constexpr const char* kFilters[] = {
        R"({"must": [{"key": "genres", "match": {"any": ["Tea", "Art"]}}]})",
        R"({"must_not": [{"key": "brand", "match": {"value": "North"}}]})",
        R"({"must": [{"key": "price", "range": {"gte": 5, "lt": 15}}]})",
        R"({"should": [{"key": "made", "range": {"gt": "2022-06-01"}},
                       {"key": "brand", "exists": false}]})",
        R"({"must": [{"key": "price", "range": {"gt": 1000}}]})"};
    return *parse_filter(json_of(kFilters[random.below(5)]));
  }

  Rules rules() {
    Rules rules;
    for (std::uint64_t i = random.below(3); i > 0; --i) {
      rules.boosts.push_back({filter(), static_cast<double>(random.below(9)) - 4.0});
    }
    if (one_in(2)) rules.caps.push_back({"brand", 1 + random.below(3)});
    if (one_in(3)) rules.caps.push_back({"genres", 1 + random.below(2)});
    for (std::uint64_t i = random.below(3); i > 0; --i)
      rules.pins.push_back({item(), random.below(7)});
    if (one_in(2)) rules.diversity = static_cast<double>(random.below(5)) / 4.0;
    return rules;
  }

  OwnedRequest request() {
    OwnedRequest request;
    request.user = one_in(6) ? "" : one_in(6) ? "stranger" : user();
    if (one_in(6)) request.features = ShopWorld::random_user(random);
    if (request.features && request.features->as_object().empty()) request.features.reset();
    if (one_in(5)) {
      for (const auto& id : some_items(4)) {
        request.session.push_back({id, one_in(2) ? "purchase" : ""});
      }
    }
    if (one_in(5)) request.categories = {one_in(2) ? "Tea" : "Books"};
    request.exclude = some_items(2);
    request.cart = one_in(4) ? some_items(2) : std::vector<std::string>();
    if (one_in(3)) request.filter = filter();
    if (one_in(3)) request.rules = rules();
    request.k = 1 + random.below(one_in(3) ? 60 : 6);
    request.offset = one_in(4) ? random.below(5) : 0;
    request.own = static_cast<ShopRequest::Exclude>(random.below(3));
    return request;
  }
};

std::string text_of(const std::vector<std::pair<std::string, float>>& items) {
  std::string text;
  for (const auto& [id, score] : items) text += fmt::format("{} {} | ", id, score);
  return text;
}

std::vector<std::pair<std::string, float>> items_of(const ShopAnswer& answer) {
  std::vector<std::pair<std::string, float>> items;
  for (const auto& entry : answer.items) {
    items.emplace_back(std::string(answer.edition->id(entry.item)), entry.score);
  }
  return items;
}

struct Tested {
  std::size_t by_source[5] = {};
  std::size_t full = 0;
};

void run(std::uint64_t seed, Tested& tested) {
  Chaos chaos(seed);
  WorldOptions world_options;
  world_options.seed = seed;
  world_options.metric = static_cast<Metric>(seed % 3);
  world_options.ids = seed % 2 == 0;
  world_options.marks_bought = seed % 4 < 3;
  world_options.k = 4 + chaos.random.below(50);
  auto world = std::make_unique<ShopWorld>(world_options);
  ShopOptions options;
  options.popularity_half_life_h = 1.0;  // times are whole hours: every trend is exact
  std::int64_t now_ms = 100 * kHour;
  Shop shop(options, {.now_ms = [&] { return now_ms; },
                      .open_texts = [&](const model::Bundle&) { return world->texts; }});
  NaiveShop naive(*world, options);
  ASSERT_TRUE(shop.adopt(world->publication).ok());
  const auto workspace = shop.make_workspace();
  std::unique_ptr<ShopWorld> older;
  for (int step = 0; step < 12; ++step) {
    std::vector<store::Record> records;
    for (std::uint64_t i = chaos.random.below(12); i > 0; --i)
      records.push_back(chaos.record(now_ms));
    now_ms += kHour;
    shop.apply(records);
    naive.apply(records, now_ms);
    if (step == 7) {
      // The next publication knows half of the records.
      world_options.seed = seed + 1000;
      world_options.version = 2;
      world_options.records_seq = chaos.seq / 2;
      older = std::move(world);
      world = std::make_unique<ShopWorld>(world_options);
      naive.adopt(*world);
      ASSERT_TRUE(shop.adopt(world->publication).ok());
    }
    std::vector<OwnedRequest> asked;
    for (int i = 0; i < 12; ++i) asked.push_back(chaos.request());
    std::vector<ShopRequest> views;
    for (const auto& request : asked) views.push_back(request.view());
    std::vector<Result<ShopAnswer>> together(asked.size(), Result<ShopAnswer>(ShopAnswer()));
    shop.recommend_together(views, *workspace, together);
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const auto expected = naive.recommend(views[i]);
      ShopAnswer answer;
      const auto done = shop.recommend(views[i], *workspace, answer);
      ASSERT_TRUE(done.ok()) << done.error().message;
      ++tested.by_source[static_cast<std::size_t>(answer.source)];
      if (answer.items.size() == views[i].k) ++tested.full;
      const std::string place =
          fmt::format("seed {} step {} request {} user '{}'", seed, step, i, asked[i].user);
      ASSERT_EQ(text_of(items_of(answer)), text_of(expected.items)) << place;
      if (answer.source != Source::kPrecomputed) {
        ASSERT_EQ(source_name(answer.source), std::string(source_name(expected.source))) << place;
      }
      ASSERT_TRUE(together[i].ok());
      ASSERT_EQ(text_of(items_of(*together[i])), text_of(expected.items)) << place;
      ASSERT_EQ(together[i]->source, answer.source) << place;
    }
  }
}

TEST(ShopProperty, AnswersEqualThePlainOnesWhateverHappens) {
  Tested tested;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    run(seed, tested);
    if (HasFatalFailure()) return;
  }
  for (const std::size_t count : tested.by_source) EXPECT_GT(count, 50U);
  EXPECT_GT(tested.full, 500U);
}

}  // namespace
}  // namespace torii::recommend

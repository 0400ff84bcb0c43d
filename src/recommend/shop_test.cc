#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "support/allocations.h"
#include "support/shop_fixture.h"

namespace torii::recommend {
namespace {

using ::testing::Contains;
using testing::event;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::json_of;
using ::testing::Not;
using testing::ShopTest;
using testing::ShopWorld;
using testing::state_of;

TEST_F(ShopTest, AKnownUsersListCostsNoAllocationOnceWarm) {
  const std::string user = user_of(Source::kLive);
  apply(event(1, user, "i003", "view"));
  const std::vector<std::string> exclude = {"i001"};
  const ShopRequest request{.user_id = user, .k = 5, .exclude = exclude};
  ShopAnswer answer;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(shop.recommend(request, *workspace, answer).ok());
  EXPECT_TRUE(shop.is_quick(request));
  const std::size_t before = torii::testing::allocations_of_thread();
  for (int i = 0; i < 10; ++i) {
    if (!shop.recommend(request, *workspace, answer).ok()) break;
  }
  EXPECT_EQ(torii::testing::allocations_of_thread(), before);
  EXPECT_EQ(answer.source, Source::kPrecomputed);
  EXPECT_EQ(answer.items.size(), 5U);
  EXPECT_EQ(answer.model_version, 1U);
}

TEST_F(ShopTest, EventsActAtOnce) {
  const std::string user = user_of(Source::kLive);
  const auto first = ids(ask({.user_id = user, .k = 5}));
  apply(event(1, user, first[0], "purchase"));
  apply(event(2, user, first[1], "cart"));
  apply(event(3, user, first[2], "return"));
  const auto later = ids(ask({.user_id = user, .k = 5}));
  for (int i = 0; i < 3; ++i) EXPECT_THAT(later, Not(Contains(first[static_cast<std::size_t>(i)])));
  const auto nothing =
      ids(ask({.user_id = user, .k = 50, .exclude_own = ShopRequest::Exclude::kNothing}));
  EXPECT_THAT(nothing, Contains(first[0]));
  EXPECT_THAT(nothing, Not(Contains(first[1])));  // still in the cart
  EXPECT_THAT(nothing, Not(Contains(first[2])));
  apply(event(4, user, first[1], "cart_remove"));
  EXPECT_THAT(ids(ask({.user_id = user, .k = 50, .exclude_own = ShopRequest::Exclude::kNothing})),
              Contains(first[1]));
  const auto events = shop.events_of(user, 2);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].type, "cart_remove");
  EXPECT_EQ(events[1].item_id, first[2]);
}

TEST_F(ShopTest, BoughtThingsOfThePublicationAreToldFromSeenOnes) {
  using Exclude = ShopRequest::Exclude;
  const std::string user = user_of(Source::kLive);
  const auto u =
      static_cast<std::size_t>(std::ranges::find(world.user_ids, user) - world.user_ids.begin());
  std::size_t bought = 0, seen = 0;
  const auto all = ids(ask({.user_id = user, .k = 100, .exclude_own = Exclude::kBought}));
  const auto unseen = ids(ask({.user_id = user, .k = 100}));
  for (const std::uint32_t entry : world.published_users[u].seen) {
    const std::uint32_t item = store::item_of_seen(entry);
    const std::string& id = world.item_ids[item];
    EXPECT_THAT(unseen, Not(Contains(id)));
    if (!test_bit(world.publication->items->offered(), item)) continue;
    if ((entry & store::kBoughtMark) != 0) {
      ++bought;
      EXPECT_THAT(all, Not(Contains(id)));
    } else {
      ++seen;
      EXPECT_THAT(all, Contains(id));
    }
  }
  EXPECT_GT(bought, 0U);
  EXPECT_GT(seen, 0U);
  // The published list lacks what was seen, so it is not the answer here.
  EXPECT_FALSE(shop.is_quick({.user_id = user, .k = 5, .exclude_own = Exclude::kBought}));
  EXPECT_EQ(ask({.user_id = user, .k = 5, .exclude_own = Exclude::kBought}).source, Source::kLive);
}

TEST_F(ShopTest, APublicationThatDoesNotSayWhatWasBoughtCountsAllOfIt) {
  ShopWorld old(
      {.seed = 5, .items = 60, .users = 30, .k = 20, .version = 2, .marks_bought = false});
  ASSERT_TRUE(shop.adopt(old.publication).ok());
  const std::string user = user_of(Source::kLive);
  const auto bought = ask({.user_id = user, .k = 5, .exclude_own = ShopRequest::Exclude::kBought});
  EXPECT_EQ(bought.source, Source::kPrecomputed);
  EXPECT_EQ(ids(bought), ids(ask({.user_id = user, .k = 5})));
}

TEST_F(ShopTest, RecordsThatWereThereChangeNothing) {
  apply(event(7, "ann", "i003", "view"));
  apply(event(7, "ann", "i004", "view"));
  apply(event(3, "ann", "i005", "view"));
  EXPECT_EQ(shop.events_of("ann", 10).size(), 1U);
  EXPECT_EQ(shop.applied_seq(), 7U);
}

TEST_F(ShopTest, ItemsComeChangeAndGoAtOnce) {
  const std::string user = user_of(Source::kLive);
  using store::RecordKind;
  apply(state_of(RecordKind::kItem, 1, "brand new",
                 R"({"attributes": {"title": "thing 1", "price": 5.0, "genres": ["Tea"]}})"));
  const auto all = ids(ask({.user_id = user, .k = 100}));
  EXPECT_THAT(all, Contains("brand new"));
  EXPECT_EQ(shop.items()->size(), 61U);
  const auto gone = all.front();
  apply(state_of(RecordKind::kItem, 2, gone, ""));
  EXPECT_THAT(ids(ask({.user_id = user, .k = 100})), Not(Contains(gone)));
  EXPECT_FALSE(shop.items()->find(gone).has_value());
  apply(state_of(RecordKind::kItem, 3, "brand new", R"({"attributes": {"in_stock": false}})"));
  EXPECT_THAT(ids(ask({.user_id = user, .k = 100})), Not(Contains("brand new")));
  EXPECT_TRUE(shop.items()->find("brand new").has_value());
  EXPECT_EQ(shop.counts().new_items, 1U);
  EXPECT_EQ(shop.similar(gone, {}, *workspace).error().code, ErrorCode::kNotFound);
}

TEST_F(ShopTest, AnItemWhoseFeaturesStayKeepsItsPublishedEmbedding) {
  const auto before = *shop.items()->find("i002");
  const std::vector<float> published(shop.items()->embedding(before).begin(),
                                     shop.items()->embedding(before).end());
  apply(state_of(store::RecordKind::kItem, 1, "i002", R"({"attributes": {"brand": "Other"}})"));
  const auto items = shop.items();
  const auto after = *items->find("i002");
  EXPECT_NE(after, before);
  EXPECT_TRUE(std::ranges::equal(items->embedding(after), published));
  EXPECT_THAT(std::string(items->attributes_json(after)), HasSubstr("\"Other\""));
  EXPECT_THAT(std::string(items->attributes_json(after)), HasSubstr("\"title\""));
  EXPECT_EQ(items->id_json(after), "\"i002\"");
}

TEST_F(ShopTest, ADeletedUserIsForgotten) {
  const std::string user = user_of(Source::kLive);
  apply(event(1, user, "i003", "purchase"));
  EXPECT_TRUE(shop.knows_user(user));
  apply(state_of(store::RecordKind::kUser, 2, user, ""));
  EXPECT_FALSE(shop.knows_user(user));
  EXPECT_THAT(shop.events_of(user, 10), IsEmpty());
  EXPECT_EQ(ask({.user_id = user, .k = 3}).source, Source::kFallback);
  EXPECT_EQ(shop.counts().users, 29U);
}

TEST_F(ShopTest, NewUsersAreJudgedByWhatIsKnown) {
  using store::RecordKind;
  const Json features = json_of(R"({"age": 30})");
  EXPECT_EQ(ask({.user_id = "zoe", .features = &features}).source, Source::kCold);
  apply(state_of(RecordKind::kUser, 1, "zoe", R"({"attributes": {"age": 30}, "preferences": []})"));
  const auto stored = ask({.user_id = "zoe", .k = 8});
  EXPECT_EQ(stored.source, Source::kCold);
  EXPECT_EQ(ids(stored), ids(ask({.features = &features, .k = 8})));
  ASSERT_TRUE(shop.user("zoe").has_value());
  EXPECT_EQ(shop.user("zoe")->find("attributes")->int_at("age"), 30);
  EXPECT_FALSE(shop.user("nobody").has_value());

  apply(state_of(RecordKind::kUser, 2, "max", R"({"attributes": {}, "preferences": ["Tea"]})"));
  const auto tea = ask({.user_id = "max", .k = 3});
  EXPECT_EQ(tea.source, Source::kCategories);
  for (const auto& entry : tea.items) {
    EXPECT_THAT(std::string(tea.edition->attributes_json(entry.item)), HasSubstr("\"Tea\""));
  }
  apply(event(3, "max", "i004", "onboarding_select"));
  EXPECT_EQ(ask({.user_id = "max", .k = 3}).source, Source::kCold);  // blended

  const std::vector<SessionEvent> session = {{"i007", "", 0}, {"i009", "click", 0}};
  const auto anonymous = ask({.session = session, .k = 5});
  EXPECT_EQ(anonymous.source, Source::kCold);
  EXPECT_THAT(ids(anonymous), Not(Contains("i009")));
  EXPECT_EQ(ask({.k = 5}).items.size(), 5U);
}

TEST_F(ShopTest, ChosenCategoriesGiveTheirMostPopularItems) {
  const std::vector<std::string> wishes = {"Tea"};
  const auto answer = ask({.categories = wishes, .k = 5});
  EXPECT_EQ(answer.source, Source::kCategories);
  std::vector<std::pair<float, std::uint32_t>> popular;  // of the category, offered; most first
  for (std::uint32_t i = 0; i < world.items.size(); ++i) {
    if (!test_bit(world.publication->items->offered(), i)) continue;
    const Json* genres = world.items[i].find("genres");
    if (genres == nullptr) continue;
    if (std::ranges::find(genres->as_array(), Json("Tea")) == genres->as_array().end()) continue;
    popular.emplace_back(-world.published_items[i].popularity, i);
  }
  std::ranges::sort(popular);
  ASSERT_GT(popular.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(ids(answer)[i], world.item_ids[popular[i].second]);
    EXPECT_EQ(answer.items[i].score, -popular[i].first);
  }
  // Of a category that nothing is of: as for somebody who chose none.
  const std::vector<std::string> none = {"Nothing of this"};
  const auto other = ask({.categories = none, .k = 5});
  EXPECT_EQ(other.source, Source::kFallback);
  EXPECT_EQ(ids(other), ids(ask({.k = 5})));
}

TEST_F(ShopTest, APublishedListOfPopularItemsGivesWayToWhatIsPopularNow) {
  const std::string user = user_of(Source::kFallback);
  const auto before = ask({.user_id = user, .k = 5});
  EXPECT_EQ(before.source, Source::kFallback);
  const auto rising = ids(ask({.user_id = user, .k = 50})).back();
  for (std::uint64_t i = 1; i <= 40; ++i) {
    apply(event(i, fmt::format("other{}", i), rising, "purchase", now_ms));
  }
  EXPECT_TRUE(shop.is_quick({.user_id = user, .k = 5}));
  EXPECT_EQ(ids(ask({.user_id = user, .k = 5})).front(), rising);
  // What the publication knows to be seen stays out.
  const auto u =
      static_cast<std::size_t>(std::ranges::find(world.user_ids, user) - world.user_ids.begin());
  const auto all = ids(ask({.user_id = user, .k = 100}));
  for (const std::uint32_t entry : world.published_users[u].seen) {
    EXPECT_THAT(all, Not(Contains(world.item_ids[store::item_of_seen(entry)])));
  }
}

TEST_F(ShopTest, WrongRequestsSayWhatIsWrong) {
  ShopAnswer answer;
  const auto error = [&](const ShopRequest& request) {
    const auto done = shop.recommend(request, *workspace, answer);
    EXPECT_FALSE(done.ok());
    return done.ok() ? Error{} : done.error();
  };
  EXPECT_THAT(error({.k = 0}).message, HasSubstr("k: expected 1 to 1000"));
  EXPECT_THAT(error({.k = 500, .offset = 501}).message, HasSubstr("offset"));
  const Json unknown = json_of(R"({"agee": 3})");
  EXPECT_THAT(error({.features = &unknown}).message, HasSubstr("did you mean 'age'"));
  const Json text = json_of("\"old\"");
  EXPECT_EQ(error({.features = &text}).code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(shop.check_item(json_of(R"({"price": 3, "other": "x"})")).ok());
  EXPECT_THAT(shop.check_item(json_of(R"({"price": "x"})")).error().message, HasSubstr("'price'"));
  EXPECT_FALSE(shop.check_user(json_of("[]")).ok());
  EXPECT_FALSE(shop.check_user(json_of(R"({"a": {"b": 1}})")).ok());
  EXPECT_FALSE(shop.check_user(Json::object().set("a", std::string(70'000, 'x'))).ok());
}

TEST_F(ShopTest, UnreadableRecordsAreCounted) {
  apply(state_of(store::RecordKind::kItem, 1, "x", "not json"));
  apply(state_of(store::RecordKind::kItem, 2, "x", "{}"));
  apply(state_of(store::RecordKind::kUser, 3, "x", "[]"));
  store::Record bad = event(4, "ann", "", "view");
  apply(bad);
  EXPECT_EQ(shop.counts().unreadable_records, 4U);
}

TEST_F(ShopTest, QuickRequestsAreThoseWithoutAScan) {
  const std::string user = user_of(Source::kLive);
  const Json features = json_of(R"({"age": 3})");
  const auto filter = parse_filter(json_of(R"({"must": [{"key": "a", "exists": true}]})"));
  const std::vector<SessionEvent> session = {{"i001", "", 0}};
  EXPECT_TRUE(shop.is_quick({.user_id = user}));
  EXPECT_TRUE(shop.is_quick({}));
  EXPECT_FALSE(shop.is_quick({.user_id = user, .k = 21}));
  EXPECT_FALSE(shop.is_quick({.user_id = user, .features = &features}));
  EXPECT_FALSE(shop.is_quick({.user_id = user, .filter = &*filter}));
  EXPECT_FALSE(shop.is_quick({.session = session}));
}

TEST_F(ShopTest, BatchesOfRecordsGiveTheSameAnswers) {
  Random random(9);
  std::vector<store::Record> records;
  for (std::uint64_t seq = 1; seq <= 60; ++seq) {
    const std::string id = fmt::format("i{:03}", random.below(70));
    records.push_back(
        state_of(store::RecordKind::kItem, seq, id,
                 random.below(5) == 0
                     ? ""
                     : Json::object().set("attributes", ShopWorld::random_item(random)).dump()));
  }
  Shop whole({}, {.now_ms = [this] { return now_ms; },
                  .open_texts = [this](const model::Bundle&) { return world.texts; }});
  whole.apply(records);  // before the publication
  ASSERT_TRUE(whole.adopt(world.publication).ok());
  for (const auto& record : records) apply(record);
  const auto other = whole.make_workspace();
  for (const std::string& user : world.user_ids) {
    const ShopRequest request{.user_id = user, .k = 100};
    ShopAnswer answer;
    ASSERT_TRUE(whole.recommend(request, *other, answer).ok());
    EXPECT_EQ(ids(answer), ids(ask(request)));
  }
}

TEST_F(ShopTest, ReadersGoOnWhilePublicationsAndRecordsCome) {
  std::vector<std::unique_ptr<ShopWorld>> worlds;
  for (std::uint64_t version = 2; version <= 5; ++version) {
    worlds.push_back(std::make_unique<ShopWorld>(testing::WorldOptions{
        .seed = version, .items = 60, .users = 30, .k = 20, .version = version}));
  }
  std::atomic<bool> stop{false};
  std::atomic<std::size_t> answered{0}, bad{0};
  std::vector<std::thread> readers;
  for (unsigned thread = 0; thread < 3; ++thread) {
    readers.emplace_back([&, thread] {
      const auto mine = shop.make_workspace();
      Random random(thread);
      const Json features = json_of(R"({"age": 30})");
      const std::vector<SessionEvent> session = {{"i001", "", 0}};
      ShopAnswer answer;
      while (!stop.load() || answered.load() < 30) {
        const std::string user = fmt::format("u{:03}", random.below(30));
        ShopRequest request{.user_id = user, .k = 5};
        if (random.below(3) == 0) request.features = &features;
        if (random.below(3) == 0) request.session = session;
        if (!shop.recommend(request, *mine, answer).ok() || answer.items.size() != 5) ++bad;
        for (const auto& entry : answer.items) {
          if (answer.edition->id_json(entry.item).empty()) ++bad;
        }
        if (random.below(8) == 0) (void)shop.categories();
        if (random.below(8) == 0) (void)shop.counts();
        (void)shop.events_of(user, 3);
        ++answered;
      }
    });
  }
  Random random(77);
  std::uint64_t seq = 0;
  for (std::size_t step = 0; step < 40; ++step) {
    std::vector<store::Record> records;
    for (int i = 0; i < 5; ++i) {
      ++seq;
      const std::string item = fmt::format("i{:03}", random.below(60));
      if (random.below(4) == 0) {
        records.push_back(
            state_of(store::RecordKind::kItem, seq, fmt::format("n{}", random.below(9)),
                     Json::object().set("attributes", ShopWorld::random_item(random)).dump()));
      } else {
        records.push_back(event(seq, fmt::format("u{:03}", random.below(30)), item, "view"));
      }
    }
    shop.apply(records);
    if (step % 10 != 9) continue;
    ASSERT_TRUE(shop.adopt(worlds[step / 10]->publication).ok());
  }
  stop = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(bad.load(), 0U);
  EXPECT_EQ(shop.publication().version, 5U);
}

}  // namespace
}  // namespace torii::recommend

// Publications, keys and maintenance, in every back end.
#include "support/store_conformance.h"

namespace torii::store::conformance {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

void expect_same(const PublishedItem& a, const PublishedItem& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.attributes, b.attributes);
  EXPECT_EQ(a.embedding, b.embedding);
  EXPECT_EQ(a.text_embedding, b.text_embedding);
  EXPECT_EQ(a.popularity, b.popularity);
}
void expect_same(const PublishedUser& a, const PublishedUser& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.source, b.source);
  EXPECT_EQ(a.attributes, b.attributes);
  EXPECT_EQ(a.embedding, b.embedding);
  EXPECT_EQ(a.items, b.items);
  EXPECT_EQ(a.scores, b.scores);
  EXPECT_EQ(a.seen, b.seen);
}

class Publications : public StoreTest {
 protected:
  /// Changes a published user of the newest publication behind the store's back.
  void damage_user(const std::string& id) {
    if (!is("redis")) {
      return run_sql(uri(), {"UPDATE torii_publication_users SET source = source + 1 "
                             "WHERE user_id = '" +
                             id + "'"});
    }
    const std::string key = "torii:p:" + run_redis(uri(), {"GET", "torii:publication"}).text;
    const std::string place = run_redis(uri(), {"HGET", key + ":places", id}).text;
    std::string row = run_redis(uri(), {"HGET", key + ":users", place}).text;
    row[4 + id.size()] = static_cast<char>(row[4 + id.size()] + 1);
    run_redis(uri(), {"HSET", key + ":users", place, row});
  }
  void lose_item(int place) {
    const std::string number = std::to_string(place);
    if (!is("redis")) {
      return run_sql(uri(), {"DELETE FROM torii_publication_items WHERE place = " + number});
    }
    const std::string key = "torii:p:" + run_redis(uri(), {"GET", "torii:publication"}).text;
    run_redis(uri(), {"HDEL", key + ":items", number});
  }
};
INSTANTIATE_TEST_SUITE_P(Each, Publications, ::testing::ValuesIn(backends()),
                         [](const auto& each) { return each.param.name; });

TEST_P(Publications, ComeBackAsTheyWere) {
  EXPECT_EQ(value(store().current_version("default")), 0U);
  EXPECT_THAT(value(store().publications("default")), IsEmpty());
  Publication info = info_of();
  info.records_seq = 17;
  EXPECT_EQ(value(publish(store(), "default", 60, 250, info)), 1U);
  reopen();
  EXPECT_EQ(value(store().current_version("default")), 1U);
  const auto items = items_in(store(), "default", 1);
  ASSERT_EQ(items.size(), 60U);
  for (std::size_t i = 0; i < items.size(); ++i) expect_same(items[i], item_of(i));
  const auto users = users_in(store(), "default", 1);
  ASSERT_EQ(users.size(), 250U);
  for (std::size_t i = 0; i < users.size(); ++i) expect_same(users[i], user_of(i, 60));
  const auto all = value(store().publications("default"));
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].version, 1U);
  EXPECT_EQ(all[0].items, 60U);
  EXPECT_EQ(all[0].users, 250U);
  EXPECT_EQ(all[0].k, 4U);
  EXPECT_EQ(all[0].records_seq, 17U);
  EXPECT_EQ(all[0].bundle_uri, info.bundle_uri);
  EXPECT_EQ(all[0].fit_bundle_id, info.fit_bundle_id);
  EXPECT_EQ(all[0].fit_bundle_uri, info.fit_bundle_uri);
  EXPECT_EQ(all[0].metric, "cosine");
  EXPECT_EQ(all[0].width, 2U);
  EXPECT_EQ(all[0].text_width, 3U);
  EXPECT_EQ(all[0].created_ms, info.created_ms);
  EXPECT_EQ(all[0].created_by, info.created_by);
  EXPECT_EQ(all[0].gate, info.gate);
  EXPECT_EQ(all[0].lineage, info.lineage);
  EXPECT_EQ(all[0].roles, info.roles);
  EXPECT_EQ(all[0].checksum.size(), 64U);
  EXPECT_THAT(value(store().activations("default")),
              ElementsAre(Activation{1, info.created_ms, info.created_by}));
}

TEST_P(Publications, AUserIsFound) {
  ASSERT_TRUE(publish(store(), "default", 10, 50).ok());
  const auto found = value(store().find_user("default", 1, "user-000033"));
  ASSERT_TRUE(found.has_value());
  expect_same(*found, user_of(33, 10));
  EXPECT_FALSE(value(store().find_user("default", 1, "user-000050")).has_value());
  EXPECT_EQ(fault(store().find_user("default", 2, "user-000033")).code, ErrorCode::kNotFound);
  EXPECT_EQ(fault(store().find_user("other", 1, "user-000033")).code, ErrorCode::kNotFound);
}

TEST_P(Publications, VersionsCountUpAndRollBack) {
  for (std::uint64_t version = 1; version <= 3; ++version) {
    EXPECT_EQ(
        value(publish(store(), "default", version, 5, info_of("b" + std::to_string(version)))),
        version);
  }
  EXPECT_EQ(value(publish(store(), "other", 3, 3)), 1U);
  EXPECT_EQ(value(store().current_version("default")), 3U);
  expect_ok(store().activate("default", 2, "operator", 99));
  EXPECT_EQ(value(store().current_version("default")), 2U);
  EXPECT_EQ(value(store().current_version("other")), 1U);
  EXPECT_EQ(fault(store().activate("default", 4, "operator", 99)).code, ErrorCode::kNotFound);
  EXPECT_EQ(fault(store().activate("other", 2, "operator", 99)).code, ErrorCode::kNotFound);
  EXPECT_EQ(fault(store().activate("default", 0, "operator", 99)).code, ErrorCode::kNotFound);
  EXPECT_EQ(value(store().current_version("default")), 2U);
  const auto history = value(store().activations("default"));
  ASSERT_THAT(history, SizeIs(4));
  EXPECT_EQ(history[3], (Activation{2, 99, "operator"}));
  EXPECT_EQ(value(publish(store(), "default", 2, 2)), 4U);  // numbers are not given again
  const auto all = value(store().publications("default"));
  ASSERT_THAT(all, SizeIs(4));
  EXPECT_EQ(all[0].version, 4U);
  EXPECT_EQ(all[3].bundle_id, "b1");
}

TEST_P(Publications, NobodySeesADraft) {
  ASSERT_TRUE(publish(store(), "default", 3, 3).ok());
  const auto other = connect();
  const auto draft = value(store().begin_publication("default"));
  expect_ok(draft->add_items(std::vector{item_of(0), item_of(1)}));
  expect_ok(draft->add_users(std::vector{user_of(0, 2)}));
  EXPECT_THAT(value(other->publications("default")), SizeIs(1));
  EXPECT_EQ(value(other->current_version("default")), 1U);
  EXPECT_EQ(items_in(*other, "default", 1).size(), 3U);
  EXPECT_EQ(fault(other->activate("default", 2, "x", 0)).code, ErrorCode::kNotFound);
  // The store may be used beside it.
  EXPECT_EQ(value(store().append("default", std::vector{event("e", "u")})).seq, 1U);
  EXPECT_EQ(value(draft->commit(info_of())), 2U);
  EXPECT_EQ(value(other->current_version("default")), 2U);
  EXPECT_EQ(fault(draft->commit(info_of())).code, ErrorCode::kInvalidArgument);
}

TEST_P(Publications, TwoAtOnceGetTwoNumbers) {
  const auto other = connect();
  const auto first = value(store().begin_publication("default"));
  const auto second = value(other->begin_publication("default"));
  expect_ok(second->add_items(std::vector{item_of(0)}));
  expect_ok(first->add_items(std::vector{item_of(0), item_of(1)}));
  EXPECT_EQ(value(second->commit(info_of())), 1U);
  EXPECT_EQ(value(first->commit(info_of())), 2U);
  EXPECT_EQ(items_in(store(), "default", 1).size(), 1U);
  EXPECT_EQ(items_in(store(), "default", 2).size(), 2U);
}

TEST_P(Publications, AnEmptyOneIsOneToo) {
  EXPECT_EQ(value(publish(store(), "default", 0, 0)), 1U);
  EXPECT_THAT(items_in(store(), "default", 1), IsEmpty());
  EXPECT_THAT(users_in(store(), "default", 1), IsEmpty());
}

TEST_P(Publications, LargeRowsAndOddTexts) {
  PublishedItem item = item_of(0);
  item.id = "🙂 ' \" \\ \n";
  item.attributes = R"({"t": ")" + std::string(2 << 20, 'z') + "é\"}";
  PublishedUser user = user_of(1, 1);
  user.id = std::string(512, '\x7f');
  const auto draft = value(store().begin_publication("default"));
  expect_ok(draft->add_items(std::vector{item, item}));
  expect_ok(draft->add_users(std::vector{user}));
  EXPECT_EQ(value(draft->commit(info_of())), 1U);
  const auto items = items_in(store(), "default", 1);
  ASSERT_THAT(items, SizeIs(2));
  expect_same(items[1], item);
  expect_same(*value(store().find_user("default", 1, user.id)), user);
}

TEST_P(Publications, RowsThatCannotBeAreRefused) {
  const ErrorCode wrong = ErrorCode::kInvalidArgument;
  const auto draft = value(store().begin_publication("default"));
  const auto item_code = [&](const PublishedItem& item) {
    return fault(draft->add_items({&item, 1})).code;
  };
  PublishedItem item = item_of(0);
  item.id = "";
  EXPECT_EQ(item_code(item), wrong);
  item = item_of(0);
  item.attributes = "";
  EXPECT_EQ(item_code(item), wrong);
  item = item_of(0);
  item.embedding[1] = NAN;
  EXPECT_EQ(item_code(item), wrong);
  expect_ok(draft->add_users(std::vector{user_of(5, 0)}));
  EXPECT_EQ(fault(draft->add_users(std::vector{user_of(5, 0)})).code, wrong);  // twice
  EXPECT_EQ(fault(draft->add_users(std::vector{user_of(4, 0)})).code, wrong);  // descending
  PublishedUser user = user_of(9, 3);
  user.scores.pop_back();
  EXPECT_EQ(fault(draft->add_users({&user, 1})).code, wrong);
}

TEST_P(Publications, RowsMustFitWhatThePublicationSays) {
  const ErrorCode wrong = ErrorCode::kInvalidArgument;
  {
    Publication info = info_of();
    info.width = 3;
    EXPECT_EQ(fault(publish(store(), "default", 4, 4, info)).code, wrong);
    info = info_of();
    info.text_width = 2;
    EXPECT_EQ(fault(publish(store(), "default", 4, 4, info)).code, wrong);
  }
  const auto draft = value(store().begin_publication("default"));
  expect_ok(draft->add_items(std::vector{item_of(0)}));
  expect_ok(draft->add_users(std::vector{user_of(4, 4)}));  // lists items that are not there
  EXPECT_THAT(fault(draft->commit(info_of())).message, HasSubstr("there are 1 items"));
  EXPECT_EQ(value(store().current_version("default")), 0U);
}

TEST_P(Publications, ASinkEndsTheReading) {
  ASSERT_TRUE(publish(store(), "default", 30, 30).ok());
  int met = 0;
  const auto stopped = store().read_items("default", 1, [&](PublishedItem) -> Result<void> {
    if (++met == 3) return invalid("enough");
    return {};
  });
  EXPECT_EQ(fault(stopped).message, "enough");
  EXPECT_EQ(met, 3);
  EXPECT_EQ(items_in(store(), "default", 1).size(), 30U);
  const auto none = [](auto) { return Result<void>(); };
  EXPECT_EQ(fault(store().read_items("default", 2, none)).code, ErrorCode::kNotFound);
  EXPECT_EQ(fault(store().read_users("other", 1, none)).code, ErrorCode::kNotFound);
}

TEST_P(Publications, ARowThatWasTamperedWithIsNoticed) {
  ASSERT_TRUE(publish(store(), "default", 10, 10).ok());
  EXPECT_THAT(value(store().verify()), IsEmpty());
  damage_user("user-000004");
  const auto none = [](auto) { return Result<void>(); };
  EXPECT_EQ(fault(store().read_users("default", 1, none)).code, ErrorCode::kCorrupt);
  EXPECT_EQ(items_in(store(), "default", 1).size(), 10U);
  EXPECT_THAT(
      value(store().verify()),
      ElementsAre(AllOf(HasSubstr("'default'"), HasSubstr("version 1"), HasSubstr("users"))));
  lose_item(3);
  EXPECT_EQ(fault(store().read_items("default", 1, none)).code, ErrorCode::kCorrupt);
}

TEST_P(Publications, ACommitReadsBackWhatWasWritten) {
  ASSERT_TRUE(publish(store(), "default", 2, 2).ok());
  std::vector<PublishedUser> users;
  for (std::size_t i = 0; i < 3000; ++i) {  // more than what waits in memory
    users.push_back(user_of(i, 5));
    users.back().attributes = R"({"t": ")" + std::string(1000, 'x') + "\"}";
  }
  auto draft = value(store().begin_publication("default"));
  expect_ok(
      draft->add_items(std::vector{item_of(0), item_of(1), item_of(2), item_of(3), item_of(4)}));
  expect_ok(draft->add_users(users));
  damage_user("user-000007");
  EXPECT_EQ(fault(draft->commit(info_of())).code, ErrorCode::kCorrupt);
  EXPECT_EQ(value(store().current_version("default")), 1U);
  EXPECT_THAT(value(store().publications("default")), SizeIs(1));
}

TEST_P(Publications, AnAbandonedDraftIsRemoved) {
  {
    const auto draft = value(store().begin_publication("default"));
    expect_ok(draft->add_items(std::vector{item_of(0)}));
  }
  const Collected none = value(store().gc("default", {.drafts_hours = 0}, 1LL << 50));
  EXPECT_EQ(none.drafts, 0U);
  EXPECT_EQ(value(publish(store(), "default", 1, 1)), 1U);
}

TEST_P(Publications, AKilledOnesRowsGoWithGc) {
  std::int64_t now = 1'000'000'000;
  auto killed = connect({.clock = [&] { return now; }});
  auto draft = value(killed->begin_publication("default"));
  std::vector<PublishedItem> items(3000, item_of(0));
  for (PublishedItem& item : items) item.attributes = R"({"t": ")" + std::string(900, 'x') + "\"}";
  expect_ok(draft->add_items(items));
  const std::int64_t hour = 3'600'000;
  EXPECT_EQ(value(store().gc("default", {.drafts_hours = 24}, now + 23 * hour)).drafts, 0U);
  EXPECT_EQ(value(store().gc("other", {.drafts_hours = 24}, now + 25 * hour)).drafts, 0U);
  EXPECT_EQ(value(store().gc("default", {.drafts_hours = 24}, now + 25 * hour)).drafts, 1U);
  // Not dead after all: it is told, and nothing of it comes to life again.
  expect_ok(draft->add_items(std::vector{item_of(1)}));
  EXPECT_EQ(fault(draft->commit(info_of())).code, ErrorCode::kNotFound);
  EXPECT_EQ(value(store().current_version("default")), 0U);
}

TEST_P(Publications, WhoWasErasedMeanwhileIsLeftOut) {
  EXPECT_EQ(value(store().erase_user("default", "user-000001", 0)).seq, 1U);
  EXPECT_EQ(value(store().erase_user("default", "user-000003", 0)).seq, 2U);
  EXPECT_TRUE(store().append("default", std::vector{user_record("user-000003", "{}")}).ok());
  auto draft = value(store().begin_publication("default"));
  expect_ok(draft->add_items(std::vector{item_of(0), item_of(1)}));
  for (std::size_t i = 0; i < 6; ++i) expect_ok(draft->add_users(std::vector{user_of(i, 2)}));
  EXPECT_TRUE(store().erase_user("default", "user-000005", 0).ok());
  Publication info = info_of();
  info.records_seq = 1;  // the first was known to whoever made the rows, and published on purpose
  EXPECT_EQ(value(draft->commit(info)), 1U);
  const auto users = users_in(store(), "default", 1);
  ASSERT_THAT(users, SizeIs(4));
  EXPECT_TRUE(value(store().find_user("default", 1, "user-000001")).has_value());
  // Told anew since, but these rows are of before.
  EXPECT_FALSE(value(store().find_user("default", 1, "user-000003")).has_value());
  EXPECT_FALSE(value(store().find_user("default", 1, "user-000005")).has_value());
  EXPECT_EQ(value(store().publications("default"))[0].users, 4U);
  EXPECT_THAT(value(store().verify()), IsEmpty());
}

TEST_P(Publications, GcKeepsTheNewestAndTheCurrentOne) {
  for (int i = 1; i <= 5; ++i) {
    ASSERT_TRUE(publish(store(), "default", 3, 3, info_of("b" + std::to_string(i))).ok());
  }
  ASSERT_TRUE(publish(store(), "other", 3, 3, info_of("b2")).ok());
  expect_ok(store().activate("default", 1, "me", 0));
  const Collected collected = value(store().gc("default", {.publications = 2}, 0));
  EXPECT_EQ(collected.publications, 2U);
  EXPECT_EQ(collected.drafts, 0U);
  // b2 is the other tenant's, too.
  EXPECT_THAT(collected.bundle_ids, ElementsAre("b3", "fit-b3"));
  std::vector<std::uint64_t> versions;
  for (const Publication& info : value(store().publications("default"))) {
    versions.push_back(info.version);
  }
  EXPECT_THAT(versions, ElementsAre(5, 4, 1));
  EXPECT_EQ(fault(store().activate("default", 2, "me", 0)).code, ErrorCode::kNotFound);
  EXPECT_EQ(items_in(store(), "default", 1).size(), 3U);
  EXPECT_THAT(value(store().verify()), IsEmpty());
  EXPECT_EQ(value(store().gc("default", {.publications = 0}, 0)).publications, 2U);
  EXPECT_EQ(value(store().current_version("default")), 1U);
  EXPECT_EQ(value(publish(store(), "default", 1, 1)), 6U);
}

TEST_P(Publications, GcForgetsOldEvents) {
  const std::int64_t day = 86'400'000;
  std::vector<Record> records = {event("old", "u", 0), user_record("u", "{}", 0),
                                 event("new", "u", 9 * day), item_record("i", "", 0)};
  ASSERT_TRUE(store().append("default", records).ok());
  ASSERT_TRUE(store().append("other", records).ok());
  EXPECT_EQ(value(store().gc("default", {}, 10 * day)).events, 0U);
  EXPECT_EQ(value(store().gc("default", {.events_days = 5}, 10 * day)).events, 1U);
  EXPECT_THAT(ids_of(value(store().read_records("default", 0, 10))), ElementsAre("u", "new", "i"));
  EXPECT_THAT(ids_of(value(store().read_events_of("default", "u"))), ElementsAre("new"));
  EXPECT_EQ(value(store().read_records("other", 0, 10)).size(), 4U);
  EXPECT_EQ(value(store().last_seq("default")), 4U);
  EXPECT_THAT(value(store().verify()), IsEmpty());
}

class Keys : public StoreTest {};
INSTANTIATE_TEST_SUITE_P(Each, Keys, ::testing::ValuesIn(backends()),
                         [](const auto& each) { return each.param.name; });

TEST_P(Keys, ArePutAndReplaced) {
  EXPECT_THAT(value(store().keys()), IsEmpty());
  const auto before = value(store().keys_revision());
  const ApiKey key{"Kx1", "one", "the shop's é", kRead | kWrite, std::string(64, 'a'), 1, 2, 0};
  ApiKey other = key;
  other.id = "B2";
  other.tenant = "two";
  expect_ok(store().put_key(key));
  expect_ok(store().put_key(other));
  EXPECT_THAT(value(store().keys()), ElementsAre(other, key));
  EXPECT_THAT(value(store().tenants()), ElementsAre("one", "two"));
  const auto after = value(connect()->keys_revision());
  EXPECT_NE(after, before);
  ApiKey revoked = key;
  revoked.revoked_ms = 5;
  expect_ok(store().put_key(revoked));
  EXPECT_NE(value(store().keys_revision()), after);
  EXPECT_THAT(value(store().keys()), ElementsAre(other, revoked));
  for (const auto& change : std::vector<std::function<void(ApiKey&)>>{
           [](ApiKey& k) { k.id = "a b"; }, [](ApiKey& k) { k.tenant = "A"; },
           [](ApiKey& k) { k.hash = "abc"; }, [](ApiKey& k) { k.scopes = 8; },
           [](ApiKey& k) { k.name = "\xff"; }, [](ApiKey& k) { k.id = ""; }}) {
    ApiKey bad = key;
    change(bad);
    EXPECT_EQ(fault(store().put_key(bad)).code, ErrorCode::kInvalidArgument);
  }
  EXPECT_THAT(value(store().verify()), IsEmpty());
}

}  // namespace
}  // namespace torii::store::conformance

// Records, in every back end.
#include <atomic>
#include <set>
#include <thread>

#include "support/store_conformance.h"

namespace torii::store::conformance {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Records : public StoreTest {};
INSTANTIATE_TEST_SUITE_P(Each, Records, ::testing::ValuesIn(backends()),
                         [](const auto& each) { return each.param.name; });

TEST_P(Records, ComeBackInTheOrderOfTheirNumbers) {
  const std::vector<Record> first = {event("e1", "u1", -5), user_record("u1", R"({"a": 1})"),
                                     item_record("i1", R"({"b": 2})")};
  const Appended appended = value(store().append("default", first));
  EXPECT_EQ(appended.seq, 3U);
  EXPECT_THAT(appended.is_new, ElementsAre(1, 1, 1));
  EXPECT_EQ(value(store().append("default", std::vector{event("e2", "u1")})).seq, 4U);
  const auto all = value(store().read_records("default", 0, 100));
  ASSERT_EQ(all.size(), 4U);
  for (std::size_t i = 0; i < 3; ++i) {
    Record expected = first[i];
    expected.seq = i + 1;
    EXPECT_EQ(all[i], expected) << i;
  }
  EXPECT_THAT(ids_of(value(store().read_records("default", 1, 2))), ElementsAre("u1", "i1"));
  EXPECT_THAT(value(store().read_records("default", 4, 100)), IsEmpty());
  EXPECT_THAT(value(store().read_records("default", 0, 0)), IsEmpty());
  EXPECT_THAT(value(store().read_records("default", UINT64_MAX, 1)), IsEmpty());
  EXPECT_EQ(value(store().last_seq("default")), 4U);
  EXPECT_EQ(value(store().append("default", {})).seq, 4U);
  reopen();
  EXPECT_EQ(value(store().read_records("default", 0, 100)), all);
}

TEST_P(Records, AnEventIsTakenOnce) {
  EXPECT_THAT(value(store().append("default", std::vector{event("e1", "u1", 10)})).is_new,
              ElementsAre(1));
  const Appended again = value(store().append(
      "default", std::vector{event("e1", "u2", 20), event("e2", "u1"), event("e2", "u3", 5)}));
  EXPECT_THAT(again.is_new, ElementsAre(0, 1, 0));
  EXPECT_EQ(again.seq, 2U);
  const Appended nothing = value(store().append("default", std::vector{event("e2", "u1")}));
  EXPECT_THAT(nothing.is_new, ElementsAre(0));
  EXPECT_EQ(nothing.seq, 2U);
  const auto first = value(store().find_record("default", RecordKind::kEvent, "e1"));
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->user_id, "u1");
  EXPECT_EQ(first->time_ms, 10);
  EXPECT_THAT(value(store().read_events_of("default", "u2")), IsEmpty());
}

TEST_P(Records, AUserOrItemIsReplacedAndMovesToTheEnd) {
  expect_ok([&]() -> Result<void> {
    TORII_TRY_VOID(store().append(
        "default", std::vector{item_record("x", R"({"v": 1})"), user_record("x", R"({"v": 2})")}));
    TORII_TRY_VOID(
        store().append("default", std::vector{item_record("x", R"({"v": 3})"),
                                              item_record("y", "{}"), item_record("x", "", 77)}));
    return {};
  }());
  const auto all = value(store().read_records("default", 0, 100));
  ASSERT_THAT(ids_of(all), ElementsAre("x", "y", "x"));
  EXPECT_EQ(all[0].kind, RecordKind::kUser);
  EXPECT_EQ(all[2].kind, RecordKind::kItem);
  EXPECT_EQ(all[2].payload, "");  // a tombstone
  EXPECT_EQ(all[2].time_ms, 77);
  EXPECT_GT(all[2].seq, 3U);
  EXPECT_EQ(all[2].seq, value(store().last_seq("default")));
  EXPECT_EQ(value(store().find_record("default", RecordKind::kItem, "x"))->payload, "");
  EXPECT_EQ(value(store().find_record("default", RecordKind::kUser, "x"))->payload, R"({"v": 2})");
  EXPECT_FALSE(value(store().find_record("default", RecordKind::kEvent, "x")).has_value());
}

TEST_P(Records, EventsOfOneUser) {
  expect_ok([&]() -> Result<void> {
    TORII_TRY_VOID(
        store().append("default", std::vector{event("e3", "u1"), event("e1", "u2"),
                                              event("e2", "u1"), user_record("u1", "{}")}));
    return {};
  }());
  EXPECT_THAT(ids_of(value(store().read_events_of("default", "u1"))), ElementsAre("e3", "e2"));
  EXPECT_THAT(value(store().read_events_of("default", "nobody")), IsEmpty());
}

TEST_P(Records, EveryTextComesBack) {
  const std::string odd = "🙂 é \\ \" ' | : * ? [a-z] {x} \n\t\x01 $1 %s ";
  const std::string longest(512, 'x');
  const std::string large = R"({"title": ")" + std::string(3 << 20, 'y') + "\"}";
  const std::vector<Record> records = {event(odd, odd, INT64_MAX, R"({"ü": "🙂\u0000"})"),
                                       event(longest, longest, INT64_MIN), user_record(odd, "{}"),
                                       item_record(odd, large)};
  EXPECT_EQ(value(store().append("default", records)).seq, 4U);
  const auto all = value(store().read_records("default", 0, 10));
  ASSERT_EQ(all.size(), records.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    Record expected = records[i];
    expected.seq = i + 1;
    EXPECT_TRUE(all[i] == expected) << i;
  }
  EXPECT_THAT(ids_of(value(store().read_events_of("default", odd))), ElementsAre(odd));
  EXPECT_EQ(value(store().find_record("default", RecordKind::kItem, odd))->payload, large);
  EXPECT_THAT(value(store().append("default", records)).is_new, ElementsAre(0, 0, 1, 1));
}

TEST_P(Records, WhatCannotBeIsRefusedAsAWhole) {
  const auto code = [&](Record record) {
    return fault(store().append("default", std::vector{event("good", "u"), std::move(record)}))
        .code;
  };
  const ErrorCode wrong = ErrorCode::kInvalidArgument;
  EXPECT_EQ(code(event("", "u")), wrong);
  EXPECT_EQ(code(event("e", "")), wrong);
  EXPECT_EQ(code(event(std::string(513, 'x'), "u")), wrong);
  EXPECT_EQ(code(event(std::string("a\0b", 3), "u")), wrong);
  EXPECT_EQ(code(event("\xC3", "u")), wrong);
  EXPECT_EQ(code(event("e", "\xED\xA0\x80")), wrong);
  EXPECT_EQ(code(event("e", "u", 0, "")), wrong);
  EXPECT_EQ(code(event("e", "u", 0, "[1]")), wrong);
  EXPECT_EQ(code(event("e", "u", 0, "{\xFF}")), wrong);
  EXPECT_EQ(code(user_record("u", "{" + std::string(std::size_t{16} << 20, ' ') + "}")), wrong);
  EXPECT_EQ(code({RecordKind::kUser, "u", "u", 0, "{}", 0}), wrong);
  EXPECT_EQ(code({static_cast<RecordKind>(9), "u", "", 0, "{}", 0}), wrong);
  EXPECT_EQ(fault(store().append("default", std::vector<Record>(kAppendMax + 1))).code, wrong);
  EXPECT_EQ(value(store().last_seq("default")), 0U);
  EXPECT_FALSE(value(store().find_record("default", RecordKind::kEvent, "good")).has_value());
}

TEST_P(Records, TenantsDoNotSeeEachOther) {
  EXPECT_EQ(value(store().append("one", std::vector{event("e", "u"), event("f", "u")})).seq, 2U);
  EXPECT_EQ(value(store().append("two", std::vector{event("e", "u")})).seq, 1U);
  EXPECT_EQ(value(store().read_records("two", 0, 10)).size(), 1U);
  EXPECT_THAT(value(store().read_records("one-", 0, 10)), IsEmpty());
  EXPECT_EQ(value(store().erase_user("two", "u", 1)).events, 1U);
  EXPECT_EQ(value(store().read_events_of("one", "u")).size(), 2U);
  EXPECT_THAT(value(store().tenants()), ElementsAre("one", "two"));
  for (const std::string name : {"", "One", "a b", "a:b", "a/b", "é", "*"}) {
    EXPECT_EQ(fault(store().append(name, std::vector{event("e", "u")})).code,
              ErrorCode::kInvalidArgument);
    EXPECT_EQ(fault(store().read_records(name, 0, 1)).code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(fault(store().current_version(name)).code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(fault(store().begin_publication(name)).code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(fault(store().erase_user(name, "u", 0)).code, ErrorCode::kInvalidArgument);
  }
  EXPECT_FALSE(store().last_seq(std::string(65, 'a')).ok());
  EXPECT_EQ(value(store().last_seq(std::string(64, 'a'))), 0U);
}

TEST_P(Records, AnErasedUserIsGoneAndLeavesATombstone) {
  expect_ok([&]() -> Result<void> {
    TORII_TRY_VOID(
        store().append("default", std::vector{event("e1", "user-000002"), event("e2", "other"),
                                              user_record("user-000002", R"({"name": "Secret"})"),
                                              event("e3", "user-000002")}));
    return {};
  }());
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(publish(store(), "default", 10, 20).ok());
  const auto last = value(store().last_seq("default"));
  const Erased erased = value(store().erase_user("default", "user-000002", 4242));
  EXPECT_TRUE(erased.user);
  EXPECT_EQ(erased.events, 2U);
  EXPECT_EQ(erased.lists, 2U);
  EXPECT_EQ(erased.seq, last + 1);
  EXPECT_THAT(value(store().read_events_of("default", "user-000002")), IsEmpty());
  const auto all = value(store().read_records("default", 0, 100));
  EXPECT_THAT(ids_of(all), ElementsAre("e2", "user-000002"));
  EXPECT_EQ(all.back().payload, "");
  EXPECT_EQ(all.back().time_ms, 4242);
  EXPECT_EQ(all.back().seq, erased.seq);
  for (const std::uint64_t version : {std::uint64_t{1}, std::uint64_t{2}}) {
    EXPECT_FALSE(value(store().find_user("default", version, "user-000002")).has_value());
    EXPECT_EQ(users_in(store(), "default", version).size(), 19U);  // and it is not kCorrupt
  }
  EXPECT_EQ(value(store().publications("default"))[0].users, 19U);
  EXPECT_THAT(value(store().verify()), IsEmpty());
  // An event that comes again is new, and so is the user.
  EXPECT_THAT(value(store().append("default", std::vector{event("e1", "user-000002")})).is_new,
              ElementsAre(1));
  const Erased second = value(store().erase_user("default", "user-000002", 1));
  EXPECT_FALSE(second.user);
  EXPECT_EQ(second.events, 1U);
  EXPECT_EQ(second.lists, 0U);
  const Erased stranger = value(store().erase_user("default", "nobody", 1));
  EXPECT_FALSE(stranger.user);
  EXPECT_EQ(value(store().find_record("default", RecordKind::kUser, "nobody"))->payload, "");
}

TEST_P(Records, AnErasureOutlivesTheReturnOfTheUser) {
  ASSERT_TRUE(store().append("default", std::vector{user_record("u", "{}")}).ok());
  EXPECT_EQ(value(store().erase_user("default", "u", 11)).seq, 2U);
  ASSERT_TRUE(store().append("default", std::vector{event("e", "u")}).ok());
  const auto expect_records = [&](std::uint64_t erased_seq, std::int64_t time_ms,
                                  const std::string& payload) {
    const auto all = value(store().read_records("default", 0, 100));
    std::size_t erasures = 0;
    for (const Record& record : all) {
      if (record.kind != RecordKind::kErasure) continue;
      ++erasures;
      EXPECT_EQ(record, (Record{RecordKind::kErasure, "u", "", time_ms, "", erased_seq}));
    }
    EXPECT_EQ(erasures, 1U);
    EXPECT_EQ(all.back().id, "u");
    EXPECT_EQ(all.back().payload, payload);
    EXPECT_EQ(value(store().find_record("default", RecordKind::kUser, "u"))->payload, payload);
    EXPECT_THAT(value(store().verify()), IsEmpty());
  };
  // Told anew, and again: the moment of the erasure stays, under its number.
  for (const char* payload : {R"({"a": 1})", R"({"a": 2})"}) {
    ASSERT_TRUE(store().append("default", std::vector{user_record("u", payload)}).ok());
    expect_records(2, 11, payload);
  }
  // It comes back with a backup.
  const auto file = (folder() / "x.backup").string();
  ASSERT_TRUE(backup(store(), file).ok());
  const auto other = value(open(fresh_uri(), environment()));
  ASSERT_TRUE(restore(*other, file).ok());
  EXPECT_EQ(value(other->read_records("default", 0, 100)),
            value(store().read_records("default", 0, 100)));
  // Erased again: one tombstone and nothing else, then the newer moment.
  const Erased again = value(store().erase_user("default", "u", 22));
  EXPECT_TRUE(again.user);
  EXPECT_THAT(ids_of(value(store().read_records("default", 0, 100))), ElementsAre("u"));
  EXPECT_FALSE(value(store().erase_user("default", "u", 33)).user);
  const std::uint64_t last = value(store().last_seq("default"));
  ASSERT_TRUE(store().append("default", std::vector{user_record("u", "{}")}).ok());
  expect_records(last, 33, "{}");
  // Nobody else makes them.
  EXPECT_EQ(
      fault(store().append("default", std::vector{Record{RecordKind::kErasure, "v", "", 1, "", 0}}))
          .code,
      ErrorCode::kInvalidArgument);
}

TEST_P(Records, AStoreIsKnownByItsIdentity) {
  const std::uint64_t identity = value(store().identity());
  EXPECT_NE(identity, 0U);
  EXPECT_EQ(value(connect()->identity()), identity);
  const auto other = value(open(fresh_uri(), environment()));
  EXPECT_NE(value(other->identity()), identity);
}

TEST_P(Records, AReaderThatGoesOnFromTheLastOneMissesNothing) {
  constexpr int kWriters = 3, kBatches = 40;
  std::atomic<int> running = kWriters;
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      const auto mine = connect();
      for (int i = 0; i < kBatches; ++i) {
        const std::string name = fmt::format("{}-{}", w, i);
        const auto done = mine->append(
            "default", std::vector{event(name + "a", "u"), event(name + "b", "u"),
                                   item_record("shared", fmt::format(R"({{"n": {}}})", i))});
        EXPECT_TRUE(done.ok()) << done.error().message;
      }
      --running;
    });
  }
  const auto reader = connect();
  std::set<std::string> seen;
  std::uint64_t after = 0;
  for (bool last_round = false; !last_round;) {
    last_round = running == 0;
    for (;;) {
      const auto some = value(reader->read_records("default", after, 10));
      if (some.empty()) break;
      for (const Record& record : some) {
        EXPECT_GT(record.seq, after);
        after = record.seq;
        if (record.kind == RecordKind::kEvent) seen.insert(record.id);
      }
    }
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(seen.size(), std::size_t{2 * kWriters * kBatches});
  EXPECT_EQ(after, value(store().last_seq("default")));
  EXPECT_EQ(after, std::uint64_t{3 * kWriters * kBatches});
}

TEST_P(Records, ManyAtOnce) {
  std::vector<Record> records;
  for (int i = 0; i < 20'000; ++i) {
    records.push_back(event(fmt::format("e{}", i), fmt::format("u{}", i % 100), i));
  }
  EXPECT_EQ(value(store().append("default", records)).seq, 20'000U);
  EXPECT_EQ(value(store().append("default", records)).seq, 20'000U);
  const auto all = value(store().read_records("default", 0, 1'000'000));
  ASSERT_EQ(all.size(), records.size());
  for (std::size_t i = 0; i < all.size(); i += 997) EXPECT_EQ(all[i].id, records[i].id);
  EXPECT_EQ(value(store().erase_user("default", "u7", 0)).events, 200U);
}

}  // namespace
}  // namespace torii::store::conformance

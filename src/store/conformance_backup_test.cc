// Backup, restore and schema versions, in every back end.
#include <cstring>
#include <fstream>
#include <span>
#include <thread>

#include "base/file.h"
#include "store/backup_file.h"
#include "store/backup_frames.h"
#include "support/store_conformance.h"

namespace torii::store::conformance {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Backups : public StoreTest {
 protected:
  void fill(Store& into) {
    for (int i = 1; i <= 3; ++i) {
      ASSERT_TRUE(publish(into, "default", 12, 40, info_of("b" + std::to_string(i))).ok());
    }
    ASSERT_TRUE(publish(into, "two", 2, 2).ok());
    expect_ok(into.activate("default", 2, "operator é", 77));
    ASSERT_TRUE(into.gc("default", {.publications = 2}, 0).ok());
    ASSERT_TRUE(into.append("default", std::vector{event("e1", "u"), user_record("u", "{}"),
                                                   item_record("i", "{}"), event("e2", "v")})
                    .ok());
    ASSERT_TRUE(into.append("default", std::vector{item_record("i", "")}).ok());
    ASSERT_TRUE(into.erase_user("default", "user-000003", 5).ok());
    ASSERT_TRUE(into.append("three", std::vector{event("e1", "u")}).ok());
    expect_ok(into.put_key({"K1", "four", "name", kAdmin, std::string(64, 'c'), 1, 2, 3}));
  }
  [[nodiscard]] std::string file() const { return (folder() / "shop.backup").string(); }

  static void expect_equal(Store& a, Store& b) {
    const auto tenants = value(a.tenants());
    EXPECT_EQ(tenants, value(b.tenants()));
    EXPECT_EQ(value(a.keys()), value(b.keys()));
    for (const std::string& tenant : tenants) {
      EXPECT_EQ(value(a.tenant_state(tenant)), value(b.tenant_state(tenant))) << tenant;
      EXPECT_EQ(value(a.read_records(tenant, 0, 1000)), value(b.read_records(tenant, 0, 1000)));
      const auto of_a = value(a.publications(tenant)), of_b = value(b.publications(tenant));
      ASSERT_EQ(of_a.size(), of_b.size());
      for (std::size_t i = 0; i < of_a.size(); ++i) {
        EXPECT_EQ(of_a[i].version, of_b[i].version);
        EXPECT_EQ(of_a[i].checksum, of_b[i].checksum);  // over all rows
        EXPECT_EQ(of_a[i].bundle_id, of_b[i].bundle_id);
        EXPECT_EQ(of_a[i].gate, of_b[i].gate);
        EXPECT_EQ(of_a[i].users, of_b[i].users);
        EXPECT_EQ(users_in(b, tenant, of_b[i].version).size(), of_a[i].users);
        EXPECT_EQ(items_in(b, tenant, of_b[i].version).size(), of_a[i].items);
      }
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Each, Backups, ::testing::ValuesIn(backends()),
                         [](const auto& each) { return each.param.name; });

TEST_P(Backups, EverythingComesBack) {
  fill(store());
  const BackedUp written = value(backup(store(), file()));
  EXPECT_EQ(written.tenants, 4U);
  EXPECT_EQ(written.publications, 3U);
  EXPECT_EQ(written.records, 6U);
  EXPECT_EQ(written.keys, 1U);
  // Into the same kind, and into SQLite, which every other one's backup fits too.
  for (const std::string& place : {fresh_uri(), "sqlite:" + (folder() / "restored.db").string()}) {
    const auto other = value(open(place, environment()));
    const BackedUp read = value(restore(*other, file()));
    EXPECT_EQ(read.records, written.records);
    expect_equal(store(), *other);
    EXPECT_THAT(value(other->verify()), IsEmpty());
    // It goes on from there.
    EXPECT_EQ(value(publish(*other, "default", 1, 1)), 4U);
    EXPECT_EQ(value(other->append("default", std::vector{event("e1", "u")})).is_new[0], 0);
    const auto seq = value(store().last_seq("default"));
    EXPECT_EQ(value(other->append("default", std::vector{event("e9", "u")})).seq, seq + 1);
    EXPECT_EQ(fault(restore(*other, file())).code, ErrorCode::kInvalidArgument);  // not empty
    EXPECT_TRUE(open(place, environment()).ok());
  }
}

TEST_P(Backups, WhatSQLiteWroteIsRead) {
  const auto source = value(open("sqlite:" + (folder() / "source.db").string(), {}));
  fill(*source);
  ASSERT_TRUE(backup(*source, file()).ok());
  ASSERT_TRUE(restore(store(), file()).ok());
  expect_equal(*source, store());
}

TEST_P(Backups, AnEmptyStoreHasOneToo) {
  const BackedUp none = value(backup(store(), file()));
  EXPECT_EQ(none.tenants, 0U);
  const auto other = value(open(fresh_uri(), environment()));
  ASSERT_TRUE(restore(*other, file()).ok());
  EXPECT_THAT(value(other->tenants()), IsEmpty());
}

TEST_P(Backups, ARestoreThatWasStoppedIsNotServed) {
  expect_ok(store().begin_restore());
  const Error refused = fault(open(uri(), environment()));
  EXPECT_EQ(refused.code, ErrorCode::kCorrupt);
  EXPECT_THAT(refused.message, HasSubstr("was not finished"));
  expect_ok(store().end_restore());
  EXPECT_TRUE(open(uri(), environment()).ok());
}

TEST_P(Backups, ANewerSchemaIsRefusedAndAnOlderOneUpgraded) {
  ASSERT_TRUE(publish(store(), "default", 4, 4).ok());
  ASSERT_TRUE(publish(store(), "default", 5, 5).ok());
  ASSERT_TRUE(store().append("default", std::vector{event("e", "u")}).ok());
  const auto set_version = [&](const std::string& version) {
    if (is("redis")) {
      run_redis(uri(), {"HSET", "torii:schema", "version", version});
    } else {
      run_sql(uri(), {"UPDATE torii_schema SET value = " + version + " WHERE name = 'version'"});
    }
  };
  set_version("7");
  const Error newer = fault(open(uri(), environment(), {.schema = OpenOptions::Schema::kMigrate}));
  EXPECT_EQ(newer.code, ErrorCode::kUnsupported);
  EXPECT_THAT(newer.message, AllOf(HasSubstr("version 7"), HasSubstr("newer torii")));
  // Version 0 did not know who made what current.
  set_version("0");
  if (is("redis")) {
    run_redis(uri(), {"DEL", "torii:t:default:activations"});
  } else {
    run_sql(uri(), {"DROP TABLE torii_activations",
                    "DELETE FROM torii_counters WHERE name = 'activation'"});
  }
  const Error older = fault(open(uri(), environment()));
  EXPECT_EQ(older.code, ErrorCode::kUnsupported);
  EXPECT_THAT(older.message, HasSubstr("torii store migrate"));
  const auto upgraded =
      value(open(uri(), environment(), {.schema = OpenOptions::Schema::kMigrate}));
  EXPECT_THAT(value(upgraded->activations("default")), ElementsAre(Activation{2, 0, ""}));
  EXPECT_EQ(value(upgraded->current_version("default")), 2U);
  EXPECT_EQ(users_in(*upgraded, "default", 2).size(), 5U);
  EXPECT_EQ(value(upgraded->read_records("default", 0, 9)).size(), 1U);
  expect_ok(upgraded->activate("default", 1, "me", 9));
  EXPECT_THAT(value(upgraded->activations("default")),
              ElementsAre(Activation{2, 0, ""}, Activation{1, 9, "me"}));
  EXPECT_TRUE(open(uri(), environment()).ok());
}

TEST_P(Backups, SeveralMayOpenAnEmptyPlaceAtOnce) {
  const std::string place = fresh_uri();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const auto own = open(place, environment());
      ASSERT_TRUE(own.ok()) << own.error().message;
      EXPECT_TRUE((*own)->append("default", std::vector{event(std::to_string(i), "u")}).ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(value(value(open(place, environment()))->last_seq("default")), 4U);
}

TEST_P(Backups, ABrokenFileWritesNothing) {
  fill(store());
  ASSERT_TRUE(backup(store(), file()).ok());
  const std::string whole = value(read_file(file()));
  const auto other = value(open(fresh_uri(), environment()));
  const std::string broken = (folder() / "broken.backup").string();
  const auto code = [&](const std::string& bytes) {
    std::ofstream(broken, std::ios::binary) << bytes;
    return fault(restore(*other, broken)).code;
  };
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{7}, std::size_t{20}, whole.size() / 2, whole.size() - 1}) {
    EXPECT_EQ(code(whole.substr(0, size)), ErrorCode::kCorrupt) << size;
  }
  EXPECT_EQ(code(whole + "x"), ErrorCode::kCorrupt);
  for (std::size_t at = 16; at < whole.size(); at += whole.size() / 50) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    EXPECT_EQ(code(flipped), ErrorCode::kCorrupt) << at;
  }
  std::string newer = whole;
  newer[8] = 3;
  EXPECT_EQ(code(newer), ErrorCode::kUnsupported);
  EXPECT_EQ(fault(restore(*other, (folder() / "none").string())).code, ErrorCode::kNotFound);
  EXPECT_THAT(value(other->tenants()), IsEmpty());
  EXPECT_TRUE(restore(*other, file()).ok());  // still empty
}

TEST_P(Backups, AFileOfTheFormatBeforeIsRead) {
  fill(store());
  ASSERT_TRUE(backup(store(), file()).ok());
  std::string bytes = value(read_file(file()));
  ASSERT_EQ(bytes[8], 2);
  bytes[8] = 1;  // which has no erasures, and nor has this; its sums are of all bytes
  constexpr std::size_t kPayload = 64, kTail = 8;
  const std::size_t payload = bytes.size() - kTail - kPayload;
  const auto digest = sha256(std::as_bytes(std::span(bytes.data(), payload - 16)));
  std::memcpy(bytes.data() + payload + 32, digest.data(), digest.size());
  const std::uint64_t sum = backup_frames::checksum(
      backup_frames::kEnd, std::string_view(bytes).substr(payload, kPayload));
  std::memcpy(bytes.data() + payload + kPayload, &sum, sizeof sum);
  std::ofstream(file(), std::ios::binary) << bytes;
  const auto other = value(open(fresh_uri(), environment()));
  ASSERT_TRUE(restore(*other, file()).ok());
  expect_equal(store(), *other);
}

TEST_P(Backups, AFileThatCannotBeWrittenIsToldOf) {
  fill(store());
  EXPECT_FALSE(backup(store(), (folder() / "none" / "x").string()).ok());
  EXPECT_FALSE(backup(store(), folder().string()).ok());
}

}  // namespace
}  // namespace torii::store::conformance

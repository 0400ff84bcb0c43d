// What only SQLite can show: its file, its one writer, its full disk.
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "support/store_conformance.h"

namespace torii::store::conformance {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SqliteStore : public ::testing::Test {
 protected:
  [[nodiscard]] std::string file() const { return (folder_.path() / "shop.db").string(); }
  [[nodiscard]] std::string uri() const { return "sqlite:" + file(); }
  [[nodiscard]] std::unique_ptr<Store> connect(const OpenOptions& options = {}) const {
    return value(open(uri(), {}, options));
  }
  static void run(sql::Connection& connection, const std::string& statement) {
    const auto done = connection.execute(statement);
    EXPECT_TRUE(done.ok()) << done.error().message;
  }
  [[nodiscard]] std::unique_ptr<sql::Connection> database() const {
    return value(sql::open(uri(), {}, {.access = sql::Access::kWrite}));
  }

 private:
  testing::TemporaryFolder folder_;
};

TEST_F(SqliteStore, AppendsAreOnTheDisk) {
  const auto store = connect();
  const auto durability = value(store->durability());
  EXPECT_TRUE(durability.durable) << durability.why;
  ASSERT_TRUE(publish(*store, "default", 3, 3).ok());  // writes its rows less strictly
  EXPECT_TRUE(value(store->durability()).durable);
}

TEST_F(SqliteStore, AWriterWaitsForAnotherButNotForever) {
  const auto store = connect({.timeout_s = 0.3});
  ASSERT_TRUE(store->append("default", std::vector{event("e1", "u")}).ok());
  const auto holder = database();
  run(*holder, "BEGIN IMMEDIATE");
  const Error busy = fault(store->append("default", std::vector{event("e2", "u")}));
  EXPECT_EQ(busy.code, ErrorCode::kIo);
  EXPECT_THAT(busy.message, HasSubstr("another program writes to it"));
  EXPECT_EQ(fault(store->begin_publication("default")).code, ErrorCode::kIo);
  EXPECT_EQ(value(store->read_records("default", 0, 10)).size(), 1U);  // readers do not wait
  std::thread ends([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    run(*holder, "ROLLBACK");
  });
  const auto patient = connect({.timeout_s = 20});
  EXPECT_EQ(value(patient->append("default", std::vector{event("e2", "u")})).seq, 2U);
  ends.join();
}

TEST_F(SqliteStore, WaitingForALockCanBeCancelled) {
  bool stop = false;
  const auto store = connect({.timeout_s = 60, .cancelled = [&] { return stop; }});
  const auto holder = database();
  run(*holder, "BEGIN IMMEDIATE");
  stop = true;
  EXPECT_EQ(fault(store->append("default", std::vector{event("e", "u")})).code,
            ErrorCode::kCancelled);
  run(*holder, "ROLLBACK");
  stop = false;
  EXPECT_EQ(value(store->append("default", std::vector{event("e", "u")})).seq, 1U);
}

// A file that may not grow stands for a disk that is full.
TEST_F(SqliteStore, AFullDiskLosesNothingThatWasAnswered) {
  ASSERT_TRUE(connect()->append("default", std::vector{event("e1", "u")}).ok());
  const auto work = [&]() -> int {
    const auto limited = open(uri(), {});
    if (!limited.ok()) return 1;
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = 1 << 20;
    ::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const std::string large = R"({"t": ")" + std::string(4 << 20, 'x') + "\"}";
    if ((*limited)->append("default", std::vector{event("e2", "u", 0, large)}).ok()) return 2;
    if (!(*limited)->append("default", std::vector{event("e3", "u")}).ok()) return 3;
    if (publish(**limited, "default", 3000, 10'000).ok()) return 4;
    return 0;
  };
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(work());
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  const auto store = connect();
  EXPECT_THAT(ids_of(value(store->read_records("default", 0, 10))),
              ::testing::ElementsAre("e1", "e3"));
  EXPECT_EQ(value(store->current_version("default")), 0U);
  EXPECT_THAT(value(store->verify()), IsEmpty());
  EXPECT_EQ(value(publish(*store, "default", 10, 10)), 1U);
}

TEST_F(SqliteStore, AKilledWriterLeavesTheOldStateServing) {
  ASSERT_TRUE(publish(*connect(), "default", 3, 3).ok());
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto own = open(uri(), {});
    auto draft = (*own)->begin_publication("default");
    std::vector<PublishedItem> items(4000, item_of(0));
    for (PublishedItem& item : items)
      item.attributes = R"({"t": ")" + std::string(500, 'x') + "\"}";
    const bool added = draft.ok() && (*draft)->add_items(items).ok() &&
                       (*own)->append("default", std::vector{event("e1", "u")}).ok();
    (void)!::write(ends[1], added ? "y" : "n", 1);
    ::pause();
    ::_exit(0);
  }
  char answer = 0;
  ASSERT_EQ(::read(ends[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ends[0]);
  ::close(ends[1]);
  const auto store = connect();
  EXPECT_EQ(value(store->current_version("default")), 1U);
  EXPECT_EQ(items_in(*store, "default", 1).size(), 3U);
  EXPECT_EQ(value(store->last_seq("default")), 1U);  // was answered
  EXPECT_EQ(value(store->gc("default", {.drafts_hours = 0}, 1LL << 50)).drafts, 1U);
  const auto database_now = database();
  const auto rows = value(database_now->prepare("SELECT count(*) FROM torii_publication_items"));
  ASSERT_TRUE(rows->start().ok());
  ASSERT_TRUE(*rows->step());
  EXPECT_EQ(rows->integer(0), 3);
}

TEST_F(SqliteStore, AnErasedPersonIsNotInTheFile) {
  {
    const auto store = connect();
    const std::string payload = R"({"name": "Zyxwvut Nobody"})";
    ASSERT_TRUE(
        store
            ->append("default", std::vector{user_record("u", payload), event("e", "u", 0, payload)})
            .ok());
    ASSERT_TRUE(store->erase_user("default", "u", 1).ok());
  }  // closing writes the log back
  std::ifstream stream(file(), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(stream)), {});
  EXPECT_GT(bytes.size(), 4096U);
  EXPECT_EQ(bytes.find("Zyxwvut"), std::string::npos);
}

TEST_F(SqliteStore, AFileThatIsPutInItsPlaceIsTakenUp) {
  const auto store = connect();
  ASSERT_TRUE(store->append("default", std::vector{event("e1", "u"), event("e2", "u")}).ok());
  const std::uint64_t identity = value(store->identity());
  const auto side = std::filesystem::path(file()).parent_path() / "side.db";
  {
    const auto other = value(open("sqlite:" + side.string(), {}));
    ASSERT_TRUE(other->append("default", std::vector{event("x", "u")}).ok());
  }
  // A file that is gone is no other one.
  for (const char* end : {"", "-wal", "-shm"}) std::filesystem::remove(file() + end);
  EXPECT_EQ(value(store->last_seq("default")), 2U);
  EXPECT_FALSE(std::filesystem::exists(file()));
  std::filesystem::rename(side, file());
  EXPECT_EQ(value(store->last_seq("default")), 1U);
  EXPECT_NE(value(store->identity()), identity);
  EXPECT_EQ(value(store->append("default", std::vector{event("e1", "u")})).seq, 2U);
  EXPECT_EQ(value(connect()->last_seq("default")), 2U);
}

TEST_F(SqliteStore, WhatIsNoStoreIsRefused) {
  std::ofstream(file()) << std::string(5000, 'x');
  EXPECT_EQ(fault(open(uri(), {})).code, ErrorCode::kCorrupt);
  EXPECT_EQ(fault(open("sqlite:" + std::filesystem::path(file()).parent_path().string(), {})).code,
            ErrorCode::kInvalidArgument);
  EXPECT_FALSE(open("sqlite:/no/such/folder/shop.db", {}).ok());
}

TEST_F(SqliteStore, ADamagedFileIsNoticed) {
  {
    const auto store = connect();
    ASSERT_TRUE(publish(*store, "default", 500, 500).ok());
    std::vector<Record> records;
    for (int i = 0; i < 2000; ++i) records.push_back(event(fmt::format("e{}", i), "u"));
    ASSERT_TRUE(store->append("default", records).ok());
  }
  const auto size = std::filesystem::file_size(file());
  {
    std::fstream stream(file(), std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(static_cast<std::streamoff>(size / 2));
    stream << std::string(8192, '\x5a');
  }
  const auto store = open(uri(), {});
  if (!store.ok()) return;  // said at once
  const auto wrong = (*store)->verify();
  EXPECT_TRUE(!wrong.ok() || !wrong->empty());
}

}  // namespace
}  // namespace torii::store::conformance

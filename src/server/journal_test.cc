#include "server/journal.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/json.h"
#include "support/temporary_folder.h"

namespace torii::server {
namespace {

using torii::testing::TemporaryFolder;

store::Record event(const std::string& id) {
  return {.kind = store::RecordKind::kEvent,
          .id = id,
          .user_id = "u",
          .time_ms = 1,
          .payload = R"({"item_id":"i","type":"view"})"};
}

class JournalTest : public ::testing::Test {
 protected:
  std::unique_ptr<store::Store> open() const {
    auto store = store::open("sqlite:" + (folder_.path() / "j.db").string(), {});
    EXPECT_TRUE(store.ok());
    return std::move(store).value();
  }
  std::unique_ptr<Journal> journal(JournalOptions options = {.queue_max = 4096, .poll_s = 0.05}) {
    return std::make_unique<Journal>(
        "default", open(),
        [this](std::span<const store::Record> records) {
          const std::scoped_lock lock(mutex_);
          for (const store::Record& record : records) applied_.push_back(record);
        },
        options, log_);
  }
  std::vector<std::string> applied() {
    const std::scoped_lock lock(mutex_);
    std::vector<std::string> ids;
    std::uint64_t before = 0;
    for (const store::Record& record : applied_) {
      EXPECT_GT(record.seq, before) << "in the order of seq, each once";
      before = record.seq;
      ids.push_back(record.id);
    }
    return ids;
  }
  // Appends and waits for the answer.
  Result<store::Appended> append(Journal& journal, std::vector<store::Record> records) {
    std::promise<Result<store::Appended>> answered;
    const bool taken = journal.append(
        std::move(records),
        [&](const Result<store::Appended>& appended) { answered.set_value(appended); });
    EXPECT_TRUE(taken);
    return answered.get_future().get();
  }
  TemporaryFolder folder_;
  Log log_{nullptr};
  std::mutex mutex_;
  std::vector<store::Record> applied_;  // guarded by mutex_
};

TEST_F(JournalTest, AnswersOnceItIsDurableAndActs) {
  const auto writer = journal();
  writer->start();
  const auto appended = append(*writer, {event("a"), event("b"), event("a")});
  ASSERT_TRUE(appended.ok()) << appended.error().message;
  EXPECT_EQ(appended->is_new, (std::vector<std::uint8_t>{1, 1, 0}));
  EXPECT_EQ(applied(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(open()->read_records("default", 0, 10)->size(), 2U);
}

TEST_F(JournalTest, ReadsWhatWasThereBefore) {
  const std::vector<store::Record> old = {event("old")};
  ASSERT_TRUE(open()->append("default", old).ok());
  const auto writer = journal();
  ASSERT_TRUE(writer->catch_up().ok());
  EXPECT_EQ(applied(), std::vector<std::string>{"old"});
}

TEST_F(JournalTest, RecordsOfOthersComeInTheirPlace) {
  const auto writer = journal({.queue_max = 4096, .poll_s = 60});
  writer->start();
  ASSERT_TRUE(append(*writer, {event("a")}).ok());
  const std::vector<store::Record> foreign = {event("other")};
  ASSERT_TRUE(open()->append("default", foreign).ok());
  ASSERT_TRUE(append(*writer, {event("b")}).ok());
  EXPECT_EQ(applied(), (std::vector<std::string>{"a", "other", "b"}));
}

TEST_F(JournalTest, LooksForWhatOthersWrote) {
  const auto writer = journal();
  writer->start();
  const std::vector<store::Record> foreign = {event("other")};
  ASSERT_TRUE(open()->append("default", foreign).ok());
  for (int i = 0; i < 200 && applied().empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(applied(), std::vector<std::string>{"other"});
}

TEST_F(JournalTest, WritesThatWaitShareATransaction) {
  const auto writer = journal();
  std::atomic<int> answered = 0;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(writer->append({event("e" + std::to_string(i))},
                               [&](const Result<store::Appended>& appended) {
                                 EXPECT_TRUE(appended.ok());
                                 ++answered;
                               }));
  }
  writer->start();
  writer->stop();
  EXPECT_EQ(answered, 100);
  EXPECT_EQ(writer->counts().commits, 1U);
  EXPECT_EQ(writer->counts().applied_seq, 100U);
}

TEST_F(JournalTest, ChangesOfWhatIsThereAllHold) {
  // A counter in a user's record, made greater by one and by one from several threads, beside
  // events.
  const auto writer = journal();
  writer->start();
  const auto make = [this] {
    const std::scoped_lock lock(mutex_);
    std::int64_t count = 0;
    for (const store::Record& record : applied_) {
      if (record.kind != store::RecordKind::kUser) continue;
      count = Json::parse(record.payload, "payload")->int_at("count").value();
    }
    return store::Record{.kind = store::RecordKind::kUser,
                         .id = "u",
                         .user_id = {},
                         .time_ms = 1,
                         .payload = Json::object().set("count", count + 1).dump()};
  };
  constexpr int kThreads = 4, kEach = 50;
  std::atomic<int> answered = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        EXPECT_TRUE(writer->append_made(make, [&](const Result<store::Appended>& appended) {
          EXPECT_TRUE(appended.ok() && appended->is_new.size() == 1);
          ++answered;
        }));
        EXPECT_TRUE(writer->append({event(std::to_string(1000 * t + i))},
                                   [&](const Result<store::Appended>& appended) {
                                     EXPECT_TRUE(appended.ok() && appended->is_new.size() == 1);
                                   }));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  writer->stop();
  EXPECT_EQ(answered, kThreads * kEach);
  const auto record = open()->find_record("default", store::RecordKind::kUser, "u");
  ASSERT_TRUE(record.ok() && record->has_value());
  EXPECT_EQ(Json::parse((*record)->payload, "payload")->int_at("count"), kThreads * kEach);
  EXPECT_EQ(writer->counts().applied_seq, 2U * kThreads * kEach);
}

TEST_F(JournalTest, AFullQueueRefuses) {
  const auto writer = journal({.queue_max = 2, .poll_s = 60});
  const auto ignore = [](const Result<store::Appended>&) {};
  EXPECT_TRUE(writer->append({event("a")}, ignore));
  EXPECT_TRUE(writer->append({event("b")}, ignore));
  EXPECT_FALSE(writer->append({event("c")}, ignore));
  writer->start();
}

TEST_F(JournalTest, AnErasureActsLikeARecord) {
  const auto writer = journal();
  writer->start();
  ASSERT_TRUE(append(*writer, {event("a")}).ok());
  std::promise<std::uint64_t> erased;
  ASSERT_TRUE(writer->erase_user("u", 5, [&](const Result<store::Erased>& outcome) {
    erased.set_value(outcome.ok() ? outcome->events : 99);
  }));
  EXPECT_EQ(erased.get_future().get(), 1U);
  const std::scoped_lock lock(mutex_);
  ASSERT_EQ(applied_.size(), 2U);
  EXPECT_EQ(applied_.back().kind, store::RecordKind::kUser);
  EXPECT_TRUE(applied_.back().payload.empty());
}

}  // namespace
}  // namespace torii::server

#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "recommend/online.h"
#include "server/log.h"
#include "store/store.h"

namespace torii::server {

struct JournalOptions {
  std::size_t queue_max = 4096;  ///< writes that wait
  double poll_s = 0.5;           ///< between two looks for what other servers wrote
};

/// The one way in which a tenant's records reach its Shop. A thread of its own with a store of its
/// own takes all writes that wait, appends them in one transaction (group commit: while one is
/// under way the next gathers), applies what was committed to the Shop in the order of seq, the
/// records of other servers included, and then answers each writer. Nothing is answered before it
/// is durable, and what was answered is seen by the next request.
///
/// A store that cannot be reached fails the writes that wait, at once those that come, and is tried
/// again with growing pauses (at most 5 s); reading goes on from the Shop's memory.
class Journal {
 public:
  using Appender = std::function<void(const Result<store::Appended>& appended)>;
  using Eraser = std::function<void(const Result<store::Erased>& erased)>;

  /// apply: hands records to the Shop, in order; called on the journal's thread.
  using Apply = std::function<void(std::span<const store::Record> records)>;
  Journal(std::string tenant, std::unique_ptr<store::Store> store, Apply apply,
          const JournalOptions& options, Log& log);
  ~Journal();  ///< stop()
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  /// Reads everything that the store holds so far, on the caller's thread; before start().
  [[nodiscard]] Result<void> catch_up();
  void start();
  /// Finishes the writes that wait, ends the thread.
  void stop();

  /// False: too many wait already, and `done` is never called. Otherwise it is called once, on the
  /// journal's thread; its is_new has one entry for each of these records.
  [[nodiscard]] bool append(std::vector<store::Record> records, Appender done);
  /// Appends what `make` gives, which is called on the journal's thread when every write before has
  /// been applied, and nothing of this server comes between: for changes of what is there already.
  /// Another server on the same store may write in the milliseconds between.
  using Make = std::function<store::Record()>;
  [[nodiscard]] bool append_made(Make make, Appender done);
  [[nodiscard]] bool erase_user(std::string user_id, std::int64_t time_ms, Eraser done);

  struct Counts {
    std::uint64_t applied_seq = 0, waiting = 0, commits = 0, appended = 0, errors = 0;
    bool is_down = false;
  };
  [[nodiscard]] Counts counts() const;

 private:
  struct Write {
    std::vector<store::Record> records = {};
    Make make = {};  // of the one record, when its turn comes
    Appender appended = {};
    std::string erase_id = {};  // of a user; then there are no records
    std::int64_t erase_time_ms = 0;
    Eraser erased = {};
  };
  void run();
  [[nodiscard]] bool push(Write write);
  void commit(std::vector<Write> writes);
  void commit_records(std::span<Write> writes);
  void commit_erasure(Write& write);
  void fail(std::span<Write> writes, const Error& error);
  [[nodiscard]] Result<void> follow();
  void apply_own(std::vector<store::Record>& records, const store::Appended& appended);
  void note(const Result<void>& outcome);

  const std::string tenant_;
  const std::unique_ptr<store::Store> store_;
  const Apply apply_;
  const JournalOptions options_;
  Log& log_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Write> queue_;  // guarded by mutex_
  bool stopping_ = false;    // guarded by mutex_
  std::thread thread_;
  // Of the journal's thread; read by counts().
  std::atomic<std::uint64_t> seq_{0}, commits_{0}, appended_{0}, errors_{0};
  std::atomic<bool> is_down_{false};
  double pause_s_ = 0;             // of the journal's thread
  std::int64_t try_again_ns_ = 0;  // likewise
};

}  // namespace torii::server

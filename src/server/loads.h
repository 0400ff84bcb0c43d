#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/reporter.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "store/store.h"

namespace torii::server {

/// What a job of Loads works with; of its thread alone.
class LoadThread {
 public:
  virtual ~LoadThread() = default;
  [[nodiscard]] virtual Result<store::Store*> store() = 0;  ///< opened at the first call
  [[nodiscard]] virtual ThreadPool& pool() = 0;
  [[nodiscard]] virtual Reporter& reporter() = 0;  ///< tells nothing; cancelled with the process
};

/// Long work for tenants, a few at once and one at a time for each name, so that nobody waits for
/// another's. Each thread has a store and a pool of its own.
class Loads {
 public:
  using Job = std::function<void(LoadThread& thread)>;
  struct Options {
    std::size_t threads = 4;            ///< jobs at once
    int pool_threads = 1;               ///< of each job
    const Reporter* process = nullptr;  ///< whose cancelled() counts; concurrent
    std::function<Result<std::unique_ptr<store::Store>>()> open_store;
  };
  explicit Loads(Options options);
  ~Loads();  ///< stop()
  Loads(const Loads&) = delete;
  Loads& operator=(const Loads&) = delete;

  /// Something of that name waits or is under way.
  [[nodiscard]] bool is_busy(const std::string& name) const;
  /// Not while is_busy(name). After stop() nothing happens.
  void submit(const std::string& name, Job job);
  /// Until nothing waits or is under way.
  void wait() const;
  /// Finishes what is under way, drops what waits.
  void stop();

 private:
  class Own;
  void run();

  const Options options_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<std::pair<std::string, Job>> queue_;  // guarded by mutex_
  std::set<std::string, std::less<>> busy_;        // guarded by mutex_
  bool stopping_ = false;                          // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace torii::server

#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace torii {

/// The one pool of a process, made in main and passed down. `threads` counts the calling thread:
/// ThreadPool(1) starts none and runs everything inline.
class ThreadPool {
 public:
  /// threads >= 1; 0 means one per processor this process may use.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int threads() const;

  /// Runs body(task, worker) for every task in [0, tasks), each exactly once, and returns when all
  /// are done. worker is in [0, threads()) and never used by two tasks at the same time, so it may
  /// index scratch space. Which worker gets which task is not fixed: results that must not depend
  /// on the thread count are written per task. The caller takes part. Not reentrant: a body must
  /// not call run() of the same pool; one caller at a time. A body must not throw. Workers spin
  /// for some microseconds before they sleep, so back-to-back calls cost about a microsecond.
  void run(std::size_t tasks,
           const std::function<void(std::size_t task, std::size_t worker)>& body);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace torii

#include "base/thread_pool.h"

#include <sched.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "base/check.h"

namespace torii {
namespace {

constexpr int kSpins = 20000;  // about 50 us of waiting before a worker sleeps

int usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  const int count = CPU_COUNT(&set);
  return count < 1 ? 1 : count;
}

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

using Body = std::function<void(std::size_t, std::size_t)>;

struct ThreadPool::State {
  // One call of run(). A worker that wakes late keeps the finished job alive and finds no task
  // left in it, so it can never touch the tasks of a later call.
  struct Job {
    const Body* body;
    std::size_t tasks;
    std::atomic<std::size_t> next{0};
    std::atomic<std::size_t> done{0};
  };

  std::mutex mutex;  // guards job, stopping
  std::condition_variable wake;
  std::shared_ptr<Job> job;
  bool stopping = false;
  std::atomic<std::size_t> generation{0};
  std::vector<std::thread> workers;

  static void work(Job& job, std::size_t worker) {
    for (;;) {
      const std::size_t task = job.next.fetch_add(1, std::memory_order_relaxed);
      if (task >= job.tasks) return;
      (*job.body)(task, worker);
      job.done.fetch_add(1, std::memory_order_release);
    }
  }

  void loop(std::size_t worker) {
    std::size_t seen = 0;
    for (;;) {
      for (int spin = 0; spin < kSpins; ++spin) {
        if (generation.load(std::memory_order_acquire) != seen) break;
        relax();
      }
      std::shared_ptr<Job> current;
      {
        std::unique_lock lock(mutex);
        wake.wait(lock, [&] { return generation.load(std::memory_order_acquire) != seen; });
        if (stopping) return;
        seen = generation.load(std::memory_order_acquire);
        current = job;
      }
      if (current) work(*current, worker);
    }
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  TORII_CHECK(threads >= 0, "threads must not be negative");
  const int count = threads == 0 ? usable_processors() : threads;
  for (int i = 1; i < count; ++i) {
    state_->workers.emplace_back([this, i] { state_->loop(static_cast<std::size_t>(i)); });
  }
}

ThreadPool::~ThreadPool() {
  {
    std::scoped_lock lock(state_->mutex);
    state_->stopping = true;
    state_->generation.fetch_add(1, std::memory_order_release);
  }
  state_->wake.notify_all();
  for (auto& worker : state_->workers) worker.join();
}

int ThreadPool::threads() const {
  return static_cast<int>(state_->workers.size()) + 1;
}

void ThreadPool::run(std::size_t tasks, const Body& body) {
  if (tasks == 0) return;
  if (state_->workers.empty() || tasks == 1) {
    for (std::size_t task = 0; task < tasks; ++task) body(task, 0);
    return;
  }
  auto job = std::make_shared<State::Job>();
  job->body = &body;
  job->tasks = tasks;
  {
    std::scoped_lock lock(state_->mutex);
    state_->job = job;
    state_->generation.fetch_add(1, std::memory_order_release);
  }
  state_->wake.notify_all();
  State::work(*job, 0);
  for (int spin = 0; job->done.load(std::memory_order_acquire) != tasks; ++spin) {
    if (spin < kSpins) {
      relax();
    } else {
      std::this_thread::yield();
    }
  }
}

}  // namespace torii

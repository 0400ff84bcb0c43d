#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "recommend/online.h"
#include "server/tenant.h"
#include "store/store.h"

namespace torii::server {

/// One of the threads beside the io threads, as its work meets it.
class Worker {
 public:
  virtual ~Worker() = default;
  /// Scratch of this thread for that tenant's Shop.
  [[nodiscard]] virtual recommend::Shop::Workspace& workspace(
      const std::shared_ptr<Tenant>& of) = 0;
  /// A store of this thread's own, opened at the first call.
  [[nodiscard]] virtual Result<store::Store*> store() = 0;
};

/// A list that has to be searched for. What it asks for lives in it.
class ListJob {
 public:
  virtual ~ListJob() = default;
  [[nodiscard]] virtual const std::shared_ptr<Tenant>& tenant() const = 0;
  [[nodiscard]] virtual recommend::ShopRequest request() const = 0;
  virtual void done(Result<recommend::ShopAnswer>&& answer) = 0;
};

/// Threads for whatever is not quick: searches of the catalogue, texts, reads of the store, large
/// bodies. The queue is bounded. Lists of one tenant that wait at the same time are searched for in
/// one pass over its items.
class Workers {
 public:
  using OpenStore = std::function<Result<std::unique_ptr<store::Store>>()>;
  Workers(int threads, std::size_t queue_max, OpenStore open_store);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// False: the queue is full, or the threads are ending; nothing was taken.
  [[nodiscard]] bool submit(std::unique_ptr<ListJob>& job);
  template <class Function>
  [[nodiscard]] bool submit_work(Function&& work) {
    auto box = std::make_shared<std::decay_t<Function>>(std::forward<Function>(work));
    return push({nullptr, [box](Worker& worker) { (*box)(worker); }});
  }
  /// Ends the threads once everything that waits is done.
  void stop();
  struct Counts {
    std::uint64_t waiting = 0, passes = 0, lists = 0, refused = 0;
  };
  [[nodiscard]] Counts counts() const;

 private:
  struct Job {
    std::unique_ptr<ListJob> list;
    std::function<void(Worker&)> work;
  };
  class Own;
  [[nodiscard]] bool push(Job job);
  void run();
  static void search(std::vector<std::unique_ptr<ListJob>>& jobs, Worker& worker);

  const std::size_t queue_max_;
  const OpenStore open_store_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> queue_;                               // guarded by mutex_
  bool stopping_ = false;                               // guarded by mutex_
  std::uint64_t passes_ = 0, lists_ = 0, refused_ = 0;  // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace torii::server

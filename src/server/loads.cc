#include "server/loads.h"

#include <optional>

#include "base/check.h"

namespace torii::server {
namespace {

class Quiet final : public Reporter {
 public:
  explicit Quiet(const Reporter* process) : process_(process) {}
  [[nodiscard]] bool cancelled() const override {
    return process_ != nullptr && process_->cancelled();
  }

 private:
  const Reporter* process_;
};

}  // namespace

class Loads::Own final : public LoadThread {
 public:
  explicit Own(const Options& options) : options_(options), reporter_(options.process) {}
  Result<store::Store*> store() override {
    if (!store_) {
      TORII_TRY(store_, options_.open_store());
    }
    return store_.get();
  }
  ThreadPool& pool() override {
    if (!pool_) pool_.emplace(options_.pool_threads);
    return *pool_;
  }
  Reporter& reporter() override { return reporter_; }

 private:
  const Options& options_;
  Quiet reporter_;
  std::optional<ThreadPool> pool_;
  std::unique_ptr<store::Store> store_;
};

Loads::Loads(Options options) : options_(std::move(options)) {
  for (std::size_t i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { run(); });
}

Loads::~Loads() {
  stop();
}

bool Loads::is_busy(const std::string& name) const {
  const std::scoped_lock lock(mutex_);
  return busy_.contains(name);
}

void Loads::submit(const std::string& name, Job job) {
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_) return;
    TORII_CHECK(busy_.insert(name).second, "one job a name at a time");
    queue_.emplace_back(name, std::move(job));
  }
  changed_.notify_all();
}

void Loads::wait() const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return busy_.empty(); });
}

void Loads::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    for (const auto& [name, job] : queue_) busy_.erase(name);
    queue_.clear();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Loads::run() {
  Own own(options_);
  while (true) {
    std::pair<std::string, Job> next;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      next = std::move(queue_.front());
      queue_.pop_front();
    }
    next.second(own);
    next.second = nullptr;  // what it holds goes before it is said to be done
    {
      const std::scoped_lock lock(mutex_);
      busy_.erase(next.first);
    }
    changed_.notify_all();
  }
}

}  // namespace torii::server

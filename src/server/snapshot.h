#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

namespace torii::server {

/// A value that is read by every request and replaced now and then. A reader keeps a View of its
/// own thread: looking at it costs one load unless the value was replaced since.
template <class T>
class Snapshot {
 public:
  explicit Snapshot(std::shared_ptr<const T> value) : value_(std::move(value)) {}

  void replace(std::shared_ptr<const T> value) {
    const std::scoped_lock lock(mutex_);
    value_ = std::move(value);
    generation_.fetch_add(1, std::memory_order_release);
  }
  [[nodiscard]] std::shared_ptr<const T> get() const {
    const std::scoped_lock lock(mutex_);
    return value_;
  }

  /// Of one thread. The value lives until the next call of value().
  class View {
   public:
    explicit View(const Snapshot& source) : source_(&source) {}
    [[nodiscard]] const T& value() {
      const std::uint64_t now = source_->generation_.load(std::memory_order_acquire);
      if (!value_ || now != seen_) {
        seen_ = now;
        value_ = source_->get();
      }
      return *value_;
    }

   private:
    const Snapshot* source_;
    std::uint64_t seen_ = 0;
    std::shared_ptr<const T> value_;
  };

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;  // guarded by mutex_
  std::atomic<std::uint64_t> generation_{1};
};

}  // namespace torii::server

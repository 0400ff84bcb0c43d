#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace torii::recommend {

/// Numbers for the items that records speak of, given once and kept over every publication: what
/// people's states hold in the place of ids. Threads: concurrent.
class ItemKeys {
 public:
  /// The item's key; gives it one if it has none.
  std::uint32_t add(std::string_view id) {
    const std::unique_lock lock(mutex_);
    const auto found = keys_.find(id);
    if (found != keys_.end()) return found->second;
    const auto key = static_cast<std::uint32_t>(ids_.size());
    ids_.emplace_back(id);
    keys_.emplace(ids_.back(), key);
    return key;
  }
  [[nodiscard]] std::string id(std::uint32_t key) const {
    const std::shared_lock lock(mutex_);
    return ids_[key];
  }
  [[nodiscard]] std::size_t size() const {
    const std::shared_lock lock(mutex_);
    return ids_.size();
  }

 private:
  mutable std::shared_mutex mutex_;
  std::deque<std::string> ids_;                               ///< guarded by mutex_
  std::unordered_map<std::string_view, std::uint32_t> keys_;  ///< into ids_; guarded by mutex_
};

}  // namespace torii::recommend

#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "recommend/online.h"
#include "server/journal.h"
#include "server/pushed_rows.h"
#include "server/rate_limit.h"

namespace torii::server {

/// One shop in this process: its state and the way into its store. Tenants share threads and
/// nothing else.
class Tenant {
 public:
  Tenant(std::string name, const recommend::ShopOptions& options, recommend::Shop::Context context)
      : name_(std::move(name)), shop_(options, std::move(context)) {}

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const recommend::Shop& shop() const { return shop_; }
  [[nodiscard]] Journal& journal() const { return *journal_; }
  [[nodiscard]] bool ready() const { return shop_.ready(); }

  /// Once, before the tenant is shown to requests.
  void set_journal(std::unique_ptr<Journal> journal) { journal_ = std::move(journal); }
  void apply(std::span<const store::Record> records) {
    const std::scoped_lock lock(writing_);
    pushed_.apply(records);
    shop_.apply(records);
  }
  [[nodiscard]] const PushedRows& pushed() const { return pushed_; }
  [[nodiscard]] Result<void> adopt(
      std::shared_ptr<const recommend::LoadedPublication> publication) {
    const std::scoped_lock lock(writing_);
    TORII_TRY_VOID(shop_.adopt(publication));
    publication_ = std::move(publication);
    return {};
  }
  /// What was adopted last; null: nothing.
  [[nodiscard]] std::shared_ptr<const recommend::LoadedPublication> publication() {
    const std::scoped_lock lock(writing_);
    return publication_;
  }
  /// Held while a version is chosen and made current.
  [[nodiscard]] std::mutex& activating() { return activating_; }

  /// Users with tokens share one budget for each tenant's people: by a hash of the user.
  [[nodiscard]] Limiter& limiter_of_user(std::string_view user) {
    return limiters_[std::hash<std::string_view>()(user) % limiters_.size()];
  }
  [[nodiscard]] Limiter& limiter_of_open() { return limiters_.front(); }

  // What the watcher knows, for metrics and /health/ready.
  std::atomic<std::uint64_t> version{0};          ///< served
  std::atomic<std::uint64_t> refused_version{0};  ///< that could not be loaded; 0: none
  std::atomic<std::uint64_t> load_errors{0};
  std::atomic<std::int64_t> created_ms{0};  ///< when the served publication was made
  std::uint64_t store_identity = 0;         ///< of the store that it was read from; set once
  std::atomic<std::uint64_t> restored{0};   ///< times that the store was another one
  /// What is served comes from the store as it was before: the new one had nothing that loads.
  std::atomic<bool> serves_former{false};
  std::atomic<bool> store_is_empty{false};  ///< said once: the store has lost everything

 private:
  static constexpr std::size_t kLimiters = 4096;
  std::string name_;
  recommend::Shop shop_;
  PushedRows pushed_;
  std::mutex writing_;  // apply() and adopt() take turns
  std::shared_ptr<const recommend::LoadedPublication> publication_;  // guarded by writing_
  std::mutex activating_;
  std::unique_ptr<Journal> journal_;
  std::array<Limiter, kLimiters> limiters_;
};

using Tenants = std::map<std::string, std::shared_ptr<Tenant>, std::less<>>;

}  // namespace torii::server

#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/environment.h"
#include "base/reporter.h"
#include "base/thread_pool.h"
#include "recommend/online.h"
#include "server/api_keys.h"
#include "server/loads.h"
#include "server/log.h"
#include "server/snapshot.h"
#include "server/tenant.h"
#include "store/store.h"

namespace torii::server {

/// Who may ask, and what there is to ask: read by every request.
struct Access {
  KeyRing keys;
  Tenants tenants;
};

/// Follows the store beside the requests, on a thread of its own with a store of its own: a new
/// publication is read and opened whole, then adopted at once; one that is corrupt, or whose bundle
/// is, is refused with a line in the log and a metric while the old one serves, and tried again
/// with growing pauses. New keys and tenants are taken up likewise. What takes long is done by
/// Loads, so that a large shop does not delay another.
///
/// A store that was restored from a backup under the running service (it has another identity, or
/// fewer records than act here) is read anew: a new Tenant takes the old one's place.
class Watcher {
 public:
  static constexpr std::size_t kLoadsAtOnce = 4;
  struct Context {
    std::string only_tenant;  ///< not empty: this one alone, known or not yet ("default" of --open)
    std::filesystem::path bundle_cache;  ///< for bundles that come from s3://
    Environment environment;
    recommend::ShopOptions shop;
    recommend::Shop::Context shop_context;
    JournalOptions journal;
    double poll_s = 0.5;
    std::function<Result<std::unique_ptr<store::Store>>()> open_store;
  };
  Watcher(Context context, std::unique_ptr<store::Store> store, ThreadPool& pool,
          Reporter& reporter, Snapshot<Access>& access, Log& log);
  ~Watcher();  ///< stop()
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  /// Everything once, on the caller's thread: keys, tenants, their records and publications. A
  /// publication that cannot be loaded is no error here; a store that cannot be read is.
  [[nodiscard]] Result<void> load_all();
  void start();
  void stop();
  /// Look now: something was published or activated here.
  void wake();

 private:
  using TenantPointer = std::shared_ptr<Tenant>;
  void run();
  [[nodiscard]] Result<void> look();
  [[nodiscard]] Result<void> look_at_keys();
  [[nodiscard]] Result<void> look_at_tenants();
  [[nodiscard]] Result<void> look_at(const TenantPointer& tenant, std::uint64_t identity);
  // Of Loads' threads:
  [[nodiscard]] Result<TenantPointer> open_tenant(const std::string& name);
  void add_tenant(const std::string& name);
  void load_version(Tenant& tenant, std::uint64_t version, LoadThread& thread);
  [[nodiscard]] Result<void> load(Tenant& tenant, std::uint64_t version, LoadThread& thread);
  void read_anew(const TenantPointer& old, LoadThread& thread);
  [[nodiscard]] Result<void> replace_tenant(Tenant& old, LoadThread& thread);
  void show(TenantPointer tenant);

  // What failed is tried again after a pause that grows.
  [[nodiscard]] bool may_try(const std::string& name, std::uint64_t version);
  void failed(const std::string& name, std::uint64_t version, const Error& error);
  void succeeded(const std::string& name);

  Context context_;
  std::unique_ptr<store::Store> store_;
  Snapshot<Access>& access_;
  Log& log_;
  std::uint64_t keys_revision_ = 0;
  std::uint64_t identity_ = 0;
  bool has_keys_ = false;
  struct Retry {
    std::uint64_t version = 0;  // 0: of the tenant itself
    double pause_s = 0;
    std::int64_t at_ns = 0;
    Error error = {};
  };
  std::mutex state_mutex_;                // also: one replaces access_ at a time
  std::map<std::string, Retry> retries_;  // guarded by state_mutex_
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by mutex_
  bool woken_ = false;     // guarded by mutex_
  bool was_down_ = false;
  Loads loads_;
  std::thread thread_;
};

}  // namespace torii::server

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
/// with growing pauses. New keys and tenants are taken up likewise.
class Watcher {
 public:
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
  void run();
  [[nodiscard]] Result<void> look();
  [[nodiscard]] Result<void> look_at_keys();
  [[nodiscard]] Result<void> look_at_tenants();
  [[nodiscard]] Result<std::shared_ptr<Tenant>> open_tenant(const std::string& name);
  [[nodiscard]] Result<void> look_at_version(Tenant& tenant);
  [[nodiscard]] Result<void> load(Tenant& tenant, std::uint64_t version);

  Context context_;
  std::unique_ptr<store::Store> store_;
  ThreadPool& pool_;
  Reporter& reporter_;
  Snapshot<Access>& access_;
  Log& log_;
  std::uint64_t keys_revision_ = 0;
  bool has_keys_ = false;
  struct Retry {
    std::uint64_t version = 0;
    double pause_s = 0;
    std::int64_t at_ns = 0;
  };
  std::map<std::string, Retry> retries_;  // of publications that were refused
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by mutex_
  bool woken_ = false;     // guarded by mutex_
  bool was_down_ = false;
  std::thread thread_;
};

}  // namespace torii::server

#include "server/watcher.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/clock.h"
#include "base/huge_pages.h"
#include "publish/bundle_place.h"

namespace torii::server {
namespace {

constexpr double kLoadPauseS = 1, kLoadPauseMaxS = 60;

}  // namespace

Watcher::Watcher(Context context, std::unique_ptr<store::Store> store, ThreadPool& pool,
                 Reporter& reporter, Snapshot<Access>& access, Log& log)
    : context_(std::move(context)),
      store_(std::move(store)),
      access_(access),
      log_(log),
      loads_({.threads = kLoadsAtOnce,
              .pool_threads = pool.threads(),
              .process = &reporter,
              .open_store = context_.open_store}) {}

Watcher::~Watcher() {
  stop();
}

Result<void> Watcher::load_all() {
  // First the tenants, then what they publish.
  for (int i = 0; i < 2; ++i) {
    TORII_TRY_VOID(look());
    loads_.wait();
    const std::scoped_lock lock(state_mutex_);
    for (const auto& [name, retry] : retries_) {
      if (retry.version == 0 && retry.pause_s > 0) return retry.error;
    }
  }
  return {};
}

void Watcher::start() {
  thread_ = std::thread([this] { run(); });
}

void Watcher::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  loads_.stop();
}

void Watcher::wake() {
  {
    const std::scoped_lock lock(mutex_);
    woken_ = true;
  }
  wake_.notify_one();
}

void Watcher::run() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, std::chrono::duration<double>(context_.poll_s),
                     [this] { return stopping_ || woken_; });
      if (stopping_) return;
      woken_ = false;
    }
    const Result<void> outcome = look();
    if (!outcome.ok() && !was_down_) {
      log_.error("store_unreadable", {{"error", outcome.error().message}});
    }
    was_down_ = !outcome.ok();
  }
}

Result<void> Watcher::look() {
  TORII_TRY(const std::uint64_t identity, store_->identity());
  if (identity != identity_) has_keys_ = false;
  identity_ = identity;
  TORII_TRY_VOID(look_at_keys());
  TORII_TRY_VOID(look_at_tenants());
  const auto access = access_.get();
  for (const auto& [name, tenant] : access->tenants) {
    if (!loads_.is_busy(name)) TORII_TRY_VOID(look_at(tenant, identity));
  }
  return {};
}

Result<void> Watcher::look_at_keys() {
  TORII_TRY(const std::uint64_t revision, store_->keys_revision());
  if (has_keys_ && revision == keys_revision_) return {};
  TORII_TRY(const std::vector<store::ApiKey> keys, store_->keys());
  {
    const std::scoped_lock lock(state_mutex_);
    const auto before = access_.get();
    auto after = std::make_shared<Access>();
    after->keys = KeyRing(keys, &before->keys);
    after->tenants = before->tenants;
    log_.info("keys", {{"valid", static_cast<std::uint64_t>(after->keys.size())}});
    access_.replace(std::move(after));
  }
  keys_revision_ = revision;
  has_keys_ = true;
  return {};
}

Result<void> Watcher::look_at_tenants() {
  std::vector<std::string> names = {context_.only_tenant};
  if (context_.only_tenant.empty()) {
    TORII_TRY(names, store_->tenants());
  }
  const auto access = access_.get();
  for (const std::string& name : names) {
    if (access->tenants.contains(name) || loads_.is_busy(name) || !may_try(name, 0)) continue;
    loads_.submit(name, [this, name](LoadThread&) { add_tenant(name); });
  }
  return {};
}

Result<void> Watcher::look_at(const TenantPointer& tenant, std::uint64_t identity) {
  const std::string& name = tenant->name();
  // In this order: what acts here is in the store by now, if it is the same store.
  const std::uint64_t applied = tenant->journal().counts().applied_seq;
  TORII_TRY(const std::uint64_t last, store_->last_seq(name));
  TORII_TRY(const std::uint64_t version, store_->current_version(name));
  if (identity != tenant->store_identity || last < applied) {
    if (last == 0 && version == 0) {
      // Nothing to read: what is in memory goes on, in case that it is on its way back.
      if (!tenant->store_is_empty.exchange(true)) {
        log_.error("store_empty", {{"tenant", name}, {"still_served", tenant->version.load()}});
      }
    } else if (may_try(name, 0)) {
      loads_.submit(name, [this, tenant](LoadThread& thread) { read_anew(tenant, thread); });
    }
    return {};
  }
  tenant->store_is_empty = false;
  const bool is_served = version == tenant->version && !tenant->serves_former;
  if (version == 0 || is_served || !may_try(name, version)) return {};
  loads_.submit(name, [this, tenant, version](LoadThread& thread) {
    load_version(*tenant, version, thread);
  });
  return {};
}

// ---- on the threads of Loads

Result<Watcher::TenantPointer> Watcher::open_tenant(const std::string& name) {
  auto tenant = std::make_shared<Tenant>(name, context_.shop, context_.shop_context);
  TORII_TRY(auto store, context_.open_store());
  TORII_TRY(tenant->store_identity, store->identity());
  auto journal = std::make_unique<Journal>(
      name, std::move(store),
      [shop = tenant.get()](std::span<const store::Record> records) { shop->apply(records); },
      context_.journal, log_);
  TORII_TRY_VOID(journal->catch_up());
  tenant->set_journal(std::move(journal));
  return tenant;
}

void Watcher::show(TenantPointer tenant) {
  const std::scoped_lock lock(state_mutex_);
  auto after = std::make_shared<Access>(*access_.get());
  after->tenants.insert_or_assign(tenant->name(), tenant);
  access_.replace(std::move(after));
}

void Watcher::add_tenant(const std::string& name) {
  auto tenant = open_tenant(name);
  if (!tenant.ok()) return failed(name, 0, tenant.error());
  (*tenant)->journal().start();
  log_.info("tenant", {{"tenant", name}, {"seq", (*tenant)->shop().applied_seq()}});
  show(*tenant);
  succeeded(name);
  wake();  // for its publication
}

void Watcher::load_version(Tenant& tenant, std::uint64_t version, LoadThread& thread) {
  const Result<void> outcome = load(tenant, version, thread);
  if (outcome.ok()) {
    tenant.refused_version = 0;
    return succeeded(tenant.name());
  }
  tenant.refused_version = version;
  ++tenant.load_errors;
  failed(tenant.name(), version, outcome.error());
  log_.error("publication_refused", {{"tenant", tenant.name()},
                                     {"version", version},
                                     {"still_served", tenant.version.load()},
                                     {"error", outcome.error().message}});
}

Result<void> Watcher::load(Tenant& tenant, std::uint64_t version, LoadThread& thread) {
  const std::int64_t begun = steady_ns();
  TORII_TRY(store::Store * store, thread.store());
  TORII_TRY(const std::vector<store::Publication> all, store->publications(tenant.name()));
  const auto info = std::find_if(all.begin(), all.end(), [&](const store::Publication& one) {
    return one.version == version;
  });
  if (info == all.end()) {
    return make_error(ErrorCode::kNotFound, "version {} is current but not there", version);
  }
  TORII_TRY(const std::filesystem::path bundle,
            publish::fetch_bundle(info->bundle_uri, info->bundle_id, context_.bundle_cache,
                                  context_.environment));
  TORII_TRY(auto loaded,
            recommend::load_publication(*store, tenant.name(), *info, bundle, context_.shop,
                                        thread.pool(), thread.reporter()));
  (void)use_huge_pages();  // a known user's list is a walk over some ten random places
  TORII_TRY_VOID(tenant.adopt(std::move(loaded)));
  tenant.created_ms = info->created_ms;
  tenant.version = version;
  tenant.serves_former = false;
  const recommend::Shop::Counts counts = tenant.shop().counts();
  log_.info("publication", {{"tenant", tenant.name()},
                            {"version", version},
                            {"bundle", info->bundle_id},
                            {"items", info->items},
                            {"users", info->users},
                            {"recall", counts.retrieval_recall},
                            {"recall_of", counts.recall_of},
                            {"seconds", static_cast<double>(steady_ns() - begun) * 1e-9}});
  return {};
}

void Watcher::read_anew(const TenantPointer& old, LoadThread& thread) {
  const Result<void> outcome = replace_tenant(*old, thread);
  if (outcome.ok()) {
    succeeded(old->name());
  } else {
    failed(old->name(), 0, outcome.error());
  }
}

Result<void> Watcher::replace_tenant(Tenant& old, LoadThread& thread) {
  const std::string& name = old.name();
  TORII_TRY(const TenantPointer tenant, open_tenant(name));
  TORII_TRY(store::Store * store, thread.store());
  TORII_TRY(const std::uint64_t version, store->current_version(name));
  tenant->restored = old.restored + 1;
  tenant->load_errors = old.load_errors.load();
  if (version != 0) load_version(*tenant, version, thread);
  if (!tenant->ready() && old.ready()) {
    // Better the answers of before than none.
    TORII_TRY_VOID(tenant->adopt(old.publication()));
    tenant->version = old.version.load();
    tenant->created_ms = old.created_ms.load();
    tenant->serves_former = true;
  }
  log_.warn("store_restored", {{"tenant", name},
                               {"seq_before", old.journal().counts().applied_seq},
                               {"seq", tenant->shop().applied_seq()},
                               {"version_before", old.version.load()},
                               {"version", tenant->version.load()}});
  tenant->journal().start();
  show(tenant);
  old.journal().stop();  // requests that still hold it are answered 503 when they write
  return {};
}

// ---- trying again

bool Watcher::may_try(const std::string& name, std::uint64_t version) {
  const std::scoped_lock lock(state_mutex_);
  const auto retry = retries_.find(name);
  return retry == retries_.end() || retry->second.version != version ||
         steady_ns() >= retry->second.at_ns;
}

void Watcher::failed(const std::string& name, std::uint64_t version, const Error& error) {
  const std::scoped_lock lock(state_mutex_);
  Retry& retry = retries_[name];
  if (retry.version != version) retry = {.version = version};
  if (version == 0 && retry.pause_s == 0) {
    log_.error("store_unreadable", {{"tenant", name}, {"error", error.message}});
  }
  retry.pause_s = std::clamp(retry.pause_s * 2, kLoadPauseS, kLoadPauseMaxS);
  retry.at_ns = steady_ns() + static_cast<std::int64_t>(retry.pause_s * 1e9);
  retry.error = error;
}

void Watcher::succeeded(const std::string& name) {
  const std::scoped_lock lock(state_mutex_);
  retries_.erase(name);
}

}  // namespace torii::server

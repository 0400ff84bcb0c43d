#include "server/watcher.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "publish/bundle_place.h"

namespace torii::server {
namespace {

constexpr double kFirstPauseS = 1, kPauseMaxS = 60;

std::int64_t steady_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Watcher::Watcher(Context context, std::unique_ptr<store::Store> store, ThreadPool& pool,
                 Reporter& reporter, Snapshot<Access>& access, Log& log)
    : context_(std::move(context)),
      store_(std::move(store)),
      pool_(pool),
      reporter_(reporter),
      access_(access),
      log_(log) {}

Watcher::~Watcher() {
  stop();
}

Result<void> Watcher::load_all() {
  return look();
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
  TORII_TRY_VOID(look_at_keys());
  TORII_TRY_VOID(look_at_tenants());
  const auto access = access_.get();
  for (const auto& [name, tenant] : access->tenants) TORII_TRY_VOID(look_at_version(*tenant));
  return {};
}

Result<void> Watcher::look_at_keys() {
  TORII_TRY(const std::uint64_t revision, store_->keys_revision());
  if (has_keys_ && revision == keys_revision_) return {};
  TORII_TRY(const std::vector<store::ApiKey> keys, store_->keys());
  const auto before = access_.get();
  auto after = std::make_shared<Access>();
  after->keys = KeyRing(keys, &before->keys);
  after->tenants = before->tenants;
  log_.info("keys", {{"valid", static_cast<std::uint64_t>(after->keys.size())}});
  access_.replace(std::move(after));
  keys_revision_ = revision;
  has_keys_ = true;
  return {};
}

Result<void> Watcher::look_at_tenants() {
  std::vector<std::string> names = {context_.only_tenant};
  if (context_.only_tenant.empty()) {
    TORII_TRY(names, store_->tenants());
  }
  const auto before = access_.get();
  auto after = std::make_shared<Access>(*before);
  for (const std::string& name : names) {
    if (after->tenants.contains(name)) continue;
    TORII_TRY(auto tenant, open_tenant(name));
    after->tenants.emplace(name, std::move(tenant));
  }
  if (after->tenants.size() != before->tenants.size()) access_.replace(std::move(after));
  return {};
}

Result<std::shared_ptr<Tenant>> Watcher::open_tenant(const std::string& name) {
  auto tenant = std::make_shared<Tenant>(name, context_.shop, context_.shop_context);
  TORII_TRY(auto store, context_.open_store());
  auto journal = std::make_unique<Journal>(
      name, std::move(store),
      [shop = tenant.get()](std::span<const store::Record> records) { shop->apply(records); },
      context_.journal, log_);
  TORII_TRY_VOID(journal->catch_up());
  journal->start();
  tenant->set_journal(std::move(journal));
  log_.info("tenant", {{"tenant", name}, {"seq", tenant->shop().applied_seq()}});
  return tenant;
}

Result<void> Watcher::look_at_version(Tenant& tenant) {
  TORII_TRY(const std::uint64_t version, store_->current_version(tenant.name()));
  if (version == 0 || version == tenant.version) return {};
  Retry& retry = retries_[tenant.name()];
  if (retry.version == version && steady_ns() < retry.at_ns) return {};
  const Result<void> outcome = load(tenant, version);
  if (outcome.ok()) {
    retry = {};
    tenant.refused_version = 0;
    return {};
  }
  if (retry.version != version) retry = {.version = version};
  retry.pause_s = std::clamp(retry.pause_s * 2, kFirstPauseS, kPauseMaxS);
  retry.at_ns = steady_ns() + static_cast<std::int64_t>(retry.pause_s * 1e9);
  tenant.refused_version = version;
  ++tenant.load_errors;
  log_.error("publication_refused", {{"tenant", tenant.name()},
                                     {"version", version},
                                     {"still_served", tenant.version.load()},
                                     {"error", outcome.error().message}});
  return {};
}

Result<void> Watcher::load(Tenant& tenant, std::uint64_t version) {
  const std::int64_t begun = steady_ns();
  TORII_TRY(const std::vector<store::Publication> all, store_->publications(tenant.name()));
  const auto info = std::find_if(all.begin(), all.end(), [&](const store::Publication& one) {
    return one.version == version;
  });
  if (info == all.end()) {
    return make_error(ErrorCode::kNotFound, "version {} is current but not there", version);
  }
  TORII_TRY(const std::filesystem::path bundle,
            publish::fetch_bundle(info->bundle_uri, info->bundle_id, context_.bundle_cache,
                                  context_.environment));
  TORII_TRY(auto loaded, recommend::load_publication(*store_, tenant.name(), *info, bundle,
                                                     context_.shop, pool_, reporter_));
  TORII_TRY_VOID(tenant.adopt(std::move(loaded)));
  tenant.created_ms = info->created_ms;
  tenant.version = version;
  log_.info("publication", {{"tenant", tenant.name()},
                            {"version", version},
                            {"bundle", info->bundle_id},
                            {"items", info->items},
                            {"users", info->users},
                            {"seconds", static_cast<double>(steady_ns() - begun) * 1e-9}});
  return {};
}

}  // namespace torii::server

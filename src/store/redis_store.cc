#include "store/redis_store.h"

#include <algorithm>
#include <chrono>

#include "store/checks.h"
#include "store/publication_json.h"
#include "store/redis_scripts.h"

// Opening, keys, tenants.
namespace torii::store {

namespace scripts = redis_scripts;

std::string redis_prefix(std::string_view tenant) {
  return fmt::format("torii:t:{}:", tenant);
}

Result<std::unique_ptr<Store>> RedisStore::open(const std::string& uri,
                                                const Environment& environment,
                                                const OpenOptions& options) {
  TORII_TRY(RedisUri parsed, parse_redis_uri(uri, environment));
  auto store = std::make_unique<RedisStore>(std::move(parsed), options);
  const std::string ours = std::to_string(kSchemaVersion);
  const std::string identity = std::to_string(new_identity());
  TORII_TRY(RedisReply schema, store->redis_.script(scripts::kOpen, "torii:", {ours, identity}));
  if (schema.elements.size() != 2 || schema.elements[0].is_nil()) {
    return store->damaged("the key torii:schema");
  }
  const std::int64_t version = schema.elements[0].number();
  if (version > kSchemaVersion) {
    return make_error(ErrorCode::kUnsupported,
                      "{}: the store has schema version {}; this program knows up to {}: use a "
                      "newer torii",
                      store->shown(), version, kSchemaVersion);
  }
  if (!schema.elements[1].is_nil()) {
    return make_error(ErrorCode::kCorrupt,
                      "{}: a restore into this store was not finished; empty it and restore again",
                      store->shown());
  }
  if (version < kSchemaVersion) {
    if (options.schema != OpenOptions::Schema::kMigrate) {
      return make_error(ErrorCode::kUnsupported,
                        "{}: the store has schema version {}, this program uses {}: run "
                        "`torii store migrate`",
                        store->shown(), version, kSchemaVersion);
    }
    TORII_TRY_VOID(store->redis_.script(scripts::kMigrate, "torii:", {ours}));
  }
  return std::unique_ptr<Store>(std::move(store));
}

Result<RedisReply> RedisStore::ask(const std::vector<std::string_view>& words) {
  auto reply = redis_.command(words);
  // The connection was good when it was looked at; it may have broken since.
  if (!reply.ok() && reply.error().code == ErrorCode::kIo) return redis_.command(words);
  return reply;
}

Result<RedisReply> RedisStore::ask_script(const char* text, std::string_view prefix,
                                          const std::vector<std::string_view>& arguments) {
  auto reply = redis_.script(text, prefix, arguments);
  if (!reply.ok() && reply.error().code == ErrorCode::kIo) {
    return redis_.script(text, prefix, arguments);
  }
  return reply;
}

std::int64_t RedisStore::now_ms() const {
  if (clock_) return clock_();
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

Error RedisStore::damaged(std::string_view what) const {
  return make_error(ErrorCode::kCorrupt, "{}: {} is damaged", shown(), what);
}

Result<Store::Durability> RedisStore::durability() {
  for (const auto& [setting, wanted] :
       {std::pair{"appendonly", "yes"}, std::pair{"appendfsync", "always"}}) {
    const auto reply = ask({"CONFIG", "GET", setting});
    if (!reply.ok()) {
      if (reply.error().message.find("NOPERM") == std::string::npos &&
          reply.error().message.find("unknown command") == std::string::npos) {
        return reply.error();
      }
      return Durability{false, "the server does not say how it writes (CONFIG GET is forbidden)"};
    }
    if (reply->elements.size() != 2 || reply->elements[1].text != wanted) {
      return Durability{
          false, fmt::format("{} is {}", setting,
                             reply->elements.size() == 2 ? reply->elements[1].text : "unknown")};
    }
  }
  return Durability{};
}

Result<std::uint64_t> RedisStore::identity() {
  TORII_TRY(const RedisReply reply, ask({"HGET", "torii:schema", "identity"}));
  return static_cast<std::uint64_t>(reply.number());
}

Result<void> RedisStore::put_key(const ApiKey& key) {
  TORII_TRY_VOID(check_key(key));
  const std::string text = key_text(key);
  TORII_TRY_VOID(redis_.script(scripts::kPutKey, "torii:", {key.id, text, key.tenant}));
  return {};
}

Result<std::vector<ApiKey>> RedisStore::keys() {
  TORII_TRY(const RedisReply reply, ask({"HVALS", "torii:keys"}));
  std::vector<ApiKey> keys;
  for (const RedisReply& each : reply.elements) {
    TORII_TRY(ApiKey key, key_of(each.text, shown()));
    keys.push_back(std::move(key));
  }
  std::sort(keys.begin(), keys.end(), [](const ApiKey& a, const ApiKey& b) { return a.id < b.id; });
  return keys;
}

Result<std::uint64_t> RedisStore::keys_revision() {
  TORII_TRY(const RedisReply reply, ask({"GET", "torii:keys:revision"}));
  return static_cast<std::uint64_t>(reply.number());
}

Result<std::vector<std::string>> RedisStore::tenants() {
  TORII_TRY(RedisReply reply, ask({"SMEMBERS", "torii:tenants"}));
  std::vector<std::string> names;
  for (RedisReply& each : reply.elements) names.push_back(std::move(each.text));
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace torii::store

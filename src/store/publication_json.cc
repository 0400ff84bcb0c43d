#include "store/publication_json.h"

namespace torii::store {
namespace {

// Reads members of one object; remembers whether all were there.
class Members {
 public:
  explicit Members(const Json& object) : object_(object) {}
  void get(std::string_view key, std::string& value) { take(object_.string_at(key), value); }
  void get(std::string_view key, std::int64_t& value) { take(object_.int_at(key), value); }
  void get(std::string_view key, std::uint64_t& value) {
    std::int64_t number = 0;
    get(key, number);
    value = static_cast<std::uint64_t>(number);
  }
  void get(std::string_view key, Json& value) {
    const Json* found = object_.find(key);
    if (found == nullptr) {
      all_there_ = false;
    } else {
      value = *found;
    }
  }
  [[nodiscard]] bool all_there() const { return all_there_; }

 private:
  template <class T>
  void take(std::optional<T> found, T& value) {
    if (found.has_value()) {
      value = std::move(*found);
    } else {
      all_there_ = false;
    }
  }
  const Json& object_;
  bool all_there_ = true;
};

Error corrupt(const std::string& where, std::string_view what) {
  return make_error(ErrorCode::kCorrupt, "{}: {} is damaged", where, what);
}

}  // namespace

std::string publication_text(const Publication& info) {
  Json json = Json::object();
  json.set("bundle_id", info.bundle_id);
  json.set("fit_bundle_id", info.fit_bundle_id);
  json.set("bundle_uri", info.bundle_uri);
  json.set("fit_bundle_uri", info.fit_bundle_uri);
  json.set("metric", info.metric);
  json.set("width", info.width);
  json.set("text_width", info.text_width);
  json.set("k", info.k);
  json.set("records_seq", info.records_seq);
  json.set("created_ms", info.created_ms);
  json.set("created_by", info.created_by);
  json.set("gate", info.gate);
  json.set("lineage", info.lineage);
  json.set("roles", info.roles);
  if (info.marks_bought) json.set("marks_bought", true);
  return json.dump();
}

Result<Publication> publication_of(std::string_view text, const std::string& where) {
  const auto json = Json::parse(text, where);
  if (!json.ok()) return corrupt(where, "the description of a publication");
  Publication info;
  Members members(*json);
  members.get("bundle_id", info.bundle_id);
  members.get("fit_bundle_id", info.fit_bundle_id);
  members.get("bundle_uri", info.bundle_uri);
  members.get("fit_bundle_uri", info.fit_bundle_uri);
  members.get("metric", info.metric);
  members.get("width", info.width);
  members.get("text_width", info.text_width);
  members.get("k", info.k);
  members.get("records_seq", info.records_seq);
  members.get("created_ms", info.created_ms);
  members.get("created_by", info.created_by);
  members.get("gate", info.gate);
  members.get("lineage", info.lineage);
  members.get("roles", info.roles);
  info.marks_bought = json->bool_at("marks_bought").value_or(false);
  if (!members.all_there()) return corrupt(where, "the description of a publication");
  return info;
}

std::string key_text(const ApiKey& key) {
  Json json = Json::object();
  json.set("id", key.id);
  json.set("tenant", key.tenant);
  json.set("name", key.name);
  json.set("scopes", static_cast<int>(key.scopes));
  json.set("hash", key.hash);
  json.set("created_ms", key.created_ms);
  json.set("expires_ms", key.expires_ms);
  json.set("revoked_ms", key.revoked_ms);
  return json.dump();
}

Result<ApiKey> key_of(std::string_view text, const std::string& where) {
  const auto json = Json::parse(text, where);
  if (!json.ok()) return corrupt(where, "a key");
  ApiKey key;
  std::uint64_t scopes = 0;
  Members members(*json);
  members.get("id", key.id);
  members.get("tenant", key.tenant);
  members.get("name", key.name);
  members.get("scopes", scopes);
  members.get("hash", key.hash);
  members.get("created_ms", key.created_ms);
  members.get("expires_ms", key.expires_ms);
  members.get("revoked_ms", key.revoked_ms);
  if (!members.all_there() || scopes > 7) return corrupt(where, "a key");
  key.scopes = static_cast<std::uint8_t>(scopes);
  return key;
}

}  // namespace torii::store

#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/hash.h"
#include "cli/config.h"
#include "cli/layout.h"
#include "cli/lineage.h"
#include "cli/verbs.h"
#include "data/iso_time.h"
#include "store/store.h"

namespace torii::cli {
namespace {

constexpr std::int64_t kKeyHourMs = 3'600'000;
constexpr std::int64_t kKeyDayMs = 24 * kKeyHourMs;
constexpr std::size_t kNameMax = 100;

struct KeysFlags {
  std::string store;
  std::string tenant = std::string(store::kDefaultTenant);
  std::string name;
  std::string scopes = "read";
  std::string id;
  std::int64_t days = 0;
  std::int64_t overlap = 24;
};

Result<void> fill_randomly(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::getrandom(bytes.data(), bytes.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      return make_error(ErrorCode::kIo, "no random numbers from the system: {}", errno_text(errno));
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

// A new key: its record, and the text that is shown once.
struct NewKey {
  store::ApiKey record;
  std::string text;
};
Result<NewKey> make_key(std::string_view tenant, std::string_view name, std::uint8_t scopes) {
  std::array<std::byte, 8> id{};
  std::array<std::byte, 32> secret{};
  TORII_TRY_VOID(fill_randomly(id));
  TORII_TRY_VOID(fill_randomly(secret));
  NewKey key;
  key.record.id = to_hex(id);
  key.record.tenant = tenant;
  key.record.name = name;
  key.record.scopes = scopes;
  key.record.created_ms = now_ms();
  key.text = fmt::format("torii_{}_{}", key.record.id, to_hex(secret));
  key.record.hash = sha256_hex(key.text);
  return key;
}

Result<std::uint8_t> parse_scopes(std::string_view text) {
  unsigned scopes = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view word = rest.substr(0, comma);
    if (word == "read") {
      scopes |= store::kRead;
    } else if (word == "write") {
      scopes |= store::kWrite;
    } else if (word == "admin") {
      scopes |= store::kAdmin;
    } else {
      scopes = 0;
      break;
    }
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  if (scopes == 0) {
    return invalid("--scopes: expected read, write, admin or several (read,write), found '{}'",
                   text);
  }
  return static_cast<std::uint8_t>(scopes);
}

std::string scopes_text(std::uint8_t scopes) {
  std::vector<std::string_view> words;
  if ((scopes & store::kRead) != 0) words.emplace_back("read");
  if ((scopes & store::kWrite) != 0) words.emplace_back("write");
  if ((scopes & store::kAdmin) != 0) words.emplace_back("admin");
  return fmt::format("{}", fmt::join(words, ","));
}

std::string state_text(const store::ApiKey& key, std::int64_t now) {
  if (key.revoked_ms != 0 && key.revoked_ms <= now) return "revoked";
  if (key.expires_ms != 0 && key.expires_ms <= now) return "expired";
  return "valid";
}

Json key_json(const store::ApiKey& key, std::int64_t now) {
  Json json = Json::object();
  json.set("id", key.id)
      .set("tenant", key.tenant)
      .set("name", key.name)
      .set("scopes", scopes_text(key.scopes))
      .set("created", data::format_iso_time(key.created_ms));
  if (key.expires_ms != 0) json.set("expires", data::format_iso_time(key.expires_ms));
  if (key.revoked_ms != 0) json.set("revoked", data::format_iso_time(key.revoked_ms));
  return json.set("state", state_text(key, now));
}

Result<std::unique_ptr<store::Store>> open_store(const Session& session, const KeysFlags& flags) {
  TORII_TRY_VOID(check_config(session));
  if (flags.store.empty()) return invalid("keys: --store=URI is missing: where the keys are kept");
  return store::open(flags.store, session.environment(),
                     {.cancelled = [&session] { return session.reporter().cancelled(); }});
}

Result<store::ApiKey> find_key(store::Store& store, const std::string& id) {
  if (id.empty()) return invalid("keys: --id=ID is missing; `torii keys list` shows them");
  TORII_TRY(auto keys, store.keys());
  for (store::ApiKey& key : keys) {
    if (key.id == id) return std::move(key);
  }
  return make_error(ErrorCode::kNotFound,
                    "keys: there is no key '{}' in {}; `torii keys list` shows "
                    "them",
                    visible(id), store.shown());
}

void show_new(Session& session, const NewKey& key) {
  session.print(fmt::format("{}\n", key.text));
  session.reporter().note("Keep it: it is shown this once; the store has its hash only.");
}

Result<void> create(Session& session, const KeysFlags& flags) {
  TORII_TRY_VOID(store::check_tenant(flags.tenant));
  TORII_TRY(const std::uint8_t scopes, parse_scopes(flags.scopes));
  if (flags.name.empty() || flags.name.size() > kNameMax) {
    return invalid("--name: expected 1 to {} bytes that tell people what the key is for", kNameMax);
  }
  if (flags.days < 0 || flags.days > 36500) {
    return invalid("--days: expected 0 (for ever) to 36500, found {}", flags.days);
  }
  TORII_TRY(const auto store, open_store(session, flags));
  TORII_TRY(NewKey key, make_key(flags.tenant, flags.name, scopes));
  if (flags.days > 0) key.record.expires_ms = key.record.created_ms + flags.days * kKeyDayMs;
  TORII_TRY_VOID(store->put_key(key.record));
  show_new(session, key);
  session.answer(key_json(key.record, now_ms()).set("key", key.text));
  return {};
}

Result<void> list(Session& session, const KeysFlags& flags) {
  TORII_TRY(const auto store, open_store(session, flags));
  TORII_TRY(const auto keys, store->keys());
  const std::int64_t now = now_ms();
  TextTable table({"id", "tenant", "name", "scopes", "created", "expires", "state"});
  table.set_left_columns(7);
  Json document = Json::array();
  for (const store::ApiKey& key : keys) {
    table.add({key.id, key.tenant, visible(key.name), scopes_text(key.scopes),
               data::format_iso_time(key.created_ms).substr(0, 10),
               key.expires_ms == 0 ? "" : data::format_iso_time(key.expires_ms).substr(0, 16),
               state_text(key, now)});
    document.push(key_json(key, now));
  }
  session.print(keys.empty() ? fmt::format("{}  no keys\n", store->shown()) : table.text());
  session.answer(Json::object().set("store", store->shown()).set("keys", std::move(document)));
  return {};
}

Result<void> rotate(Session& session, const KeysFlags& flags) {
  if (flags.overlap < 0 || flags.overlap > 8760) {
    return invalid("--overlap: expected 0 to 8760 hours, found {}", flags.overlap);
  }
  TORII_TRY(const auto store, open_store(session, flags));
  TORII_TRY(store::ApiKey old, find_key(*store, flags.id));
  const std::int64_t now = now_ms();
  if (state_text(old, now) != "valid") {
    return invalid("keys: '{}' is {}; make a new one by `torii keys create`", old.id,
                   state_text(old, now));
  }
  TORII_TRY(NewKey key, make_key(old.tenant, old.name, old.scopes));
  // As long from now as the old one was meant to last.
  if (old.expires_ms != 0) key.record.expires_ms = now + (old.expires_ms - old.created_ms);
  const std::int64_t until = now + flags.overlap * kKeyHourMs;
  old.expires_ms = old.expires_ms == 0 ? until : std::min(old.expires_ms, until);
  TORII_TRY_VOID(store->put_key(key.record));
  TORII_TRY_VOID(store->put_key(old));
  show_new(session, key);
  session.reporter().note(fmt::format("The old one, {}, is valid until {}.", old.id,
                                      data::format_iso_time(old.expires_ms)));
  session.answer(key_json(key.record, now).set("key", key.text).set("old", key_json(old, now)));
  return {};
}

Result<void> revoke(Session& session, const KeysFlags& flags) {
  TORII_TRY(const auto store, open_store(session, flags));
  TORII_TRY(store::ApiKey key, find_key(*store, flags.id));
  const std::int64_t now = now_ms();
  if (key.revoked_ms == 0) key.revoked_ms = now;
  TORII_TRY_VOID(store->put_key(key));
  session.print(fmt::format("{}  revoked; servers refuse it within a second\n", key.id));
  session.answer(key_json(key, now));
  return {};
}

using KeysAction = Result<void> (*)(Session&, const KeysFlags&);

Verb& add_keys_verb(Verb& keys, CommonFlags& common, const std::shared_ptr<KeysFlags>& flags,
                    const char* name, const char* summary, KeysAction run) {
  Verb& verb = keys.child(name, summary);
  verb.text("--store", "URI", &flags->store, "sqlite:FILE, postgres://... or redis://...");
  declare_output(verb, common);
  verb.action([flags, run](Session& session) { return run(session, *flags); });
  return verb;
}

}  // namespace

void add_keys(Verb& root, CommonFlags& common) {
  Verb& keys = root.child("keys", "Makes, lists, rotates and revokes keys of the API.");
  auto flags = std::make_shared<KeysFlags>();
  const auto name_one = [&](Verb& verb) {
    verb.text("--id", "ID", &flags->id, "The key's public part, as `torii keys list` shows it.");
  };
  Verb& made =
      add_keys_verb(keys, common, flags, "create", "Makes a key and shows it, once.", create);
  made.text("--name", "TEXT", &flags->name, "What it is for, for people.");
  made.text("--scopes", "LIST", &flags->scopes,
            "read, write, admin, or several (read,write); read unless told.");
  made.text("--tenant", "NAME", &flags->tenant, "Whose shop it opens; 'default' unless told.");
  made.integer("--days", "N", &flags->days, "Days that it is valid; for ever unless told.");
  made.example("torii keys create --store=sqlite:shop.db --name=storefront --scopes=read,write");
  add_keys_verb(keys, common, flags, "list", "Shows all keys, without what is secret.", list);
  Verb& rotated =
      add_keys_verb(keys, common, flags, "rotate",
                    "Makes a key in the place of another, which stays valid for a while.", rotate);
  name_one(rotated);
  rotated.integer("--overlap", "HOURS", &flags->overlap,
                  "Hours that the old one stays valid; 24 unless told.");
  name_one(add_keys_verb(keys, common, flags, "revoke", "Makes a key invalid, now.", revoke));
}

}  // namespace torii::cli

#include "store/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "cli/config.h"
#include "cli/layout.h"
#include "cli/lineage.h"
#include "cli/loading.h"
#include "cli/store_verify.h"
#include "cli/verbs.h"
#include "data/iso_time.h"
#include "publish/bundle_place.h"

namespace torii::cli {
namespace {

constexpr std::int64_t kHourMs = 3'600'000;

struct StoreFlags {
  std::string store;
  std::string tenant = std::string(store::kDefaultTenant);
  std::string file;
  std::string url;
  std::string key_file;
  std::int64_t version = 0;
  std::int64_t users = 1000;
  std::int64_t items = 1000;
};

Result<std::unique_ptr<store::Store>> open_store(
    const Session& session, const StoreFlags& flags,
    store::OpenOptions::Schema schema = store::OpenOptions::Schema::kUse) {
  if (flags.store.empty()) return invalid("store: --store=URI is missing");
  return store::open(
      flags.store, session.environment(),
      {.schema = schema, .cancelled = [&session] { return session.reporter().cancelled(); }});
}

Result<void> migrate(Session& session, const StoreFlags& flags) {
  TORII_TRY_VOID(check_config(session));
  TORII_TRY(const auto store, open_store(session, flags, store::OpenOptions::Schema::kMigrate));
  session.print(fmt::format("{}  has schema {}, which this torii writes\n", store->shown(),
                            store::kSchemaVersion));
  session.answer(Json::object().set("store", store->shown()).set("schema", store::kSchemaVersion));
  return {};
}

void answer_backup(Session& session, const store::Store& store, const StoreFlags& flags,
                   const char* what, const store::BackedUp& counts, const Stopwatch& watch) {
  session.print(fmt::format("{}  {} {}: {} tenants, {} publications, {} records, {} keys, in {}\n",
                            flags.file, what, store.shown(), grouped(counts.tenants),
                            grouped(counts.publications), grouped(counts.records),
                            grouped(counts.keys), duration(watch.total())));
  session.answer(Json::object()
                     .set("store", store.shown())
                     .set("file", flags.file)
                     .set("tenants", counts.tenants)
                     .set("publications", counts.publications)
                     .set("records", counts.records)
                     .set("keys", counts.keys)
                     .set("seconds", watch.seconds()));
}

Result<void> backup(Session& session, const StoreFlags& flags) {
  TORII_TRY_VOID(check_config(session));
  if (flags.file.empty()) return invalid("store backup: --out=FILE is missing");
  TORII_TRY_VOID(check_file_place(flags.file, "--out", "shop.backup"));
  const Stopwatch watch;
  TORII_TRY(const auto store, open_store(session, flags));
  TORII_TRY(const store::BackedUp counts, store::backup(*store, flags.file));
  answer_backup(session, *store, flags, "holds", counts, watch);
  return {};
}

Result<void> restore(Session& session, const StoreFlags& flags) {
  TORII_TRY_VOID(check_config(session));
  if (flags.file.empty()) return invalid("store restore: --from=FILE is missing");
  const Stopwatch watch;
  TORII_TRY(const auto store, open_store(session, flags));
  TORII_TRY(const store::BackedUp counts, store::restore(*store, flags.file));
  answer_backup(session, *store, flags, "is in", counts, watch);
  return {};
}

// ---- gc

struct BundleSweep {
  std::uint64_t removed = 0;
  Json ids = Json::array();
};

// Every bundle that a publication of any tenant names.
Result<std::set<std::string>> named_bundles(store::Store& store) {
  std::set<std::string> named;
  TORII_TRY(const auto tenants, store.tenants());
  for (const std::string& tenant : tenants) {
    TORII_TRY(const auto publications, store.publications(tenant));
    for (const store::Publication& publication : publications) {
      named.insert(publication.bundle_id);
      named.insert(publication.fit_bundle_id);
    }
  }
  return named;
}

Result<BundleSweep> collect_bundles(const Session& session, store::Store& store,
                                    const std::string& place, std::set<std::string> candidates,
                                    std::int64_t written_before_ms) {
  BundleSweep bundles;
  TORII_TRY(const auto there, publish::bundles_at(place, written_before_ms));
  candidates.insert(there.begin(), there.end());
  TORII_TRY(const auto named, named_bundles(store));
  for (const std::string& id : candidates) {
    if (named.contains(id)) continue;
    TORII_TRY(const bool removed, publish::remove_bundle(place, id, session.environment()));
    if (!removed) continue;
    ++bundles.removed;
    bundles.ids.push(id);
  }
  return bundles;
}

Result<void> gc(Session& session, const StoreFlags& flags) {
  TORII_TRY(const auto config, load_config(session, {.needs_data = false}));
  const Stopwatch watch;
  TORII_TRY(const auto store, open_store(session, flags));
  const publish::PublishOptions& options = config->publish;
  const store::Retention retention = {.publications = static_cast<std::uint64_t>(options.keep),
                                      .events_days = options.events_days,
                                      .drafts_hours = options.drafts_hours};
  const std::int64_t now = now_ms();
  std::vector<std::string> tenants;
  if (session.given("--tenant")) {
    TORII_TRY_VOID(store::check_tenant(flags.tenant));
    tenants = {flags.tenant};
  } else {
    TORII_TRY(tenants, store->tenants());
  }
  store::Collected sum;
  std::set<std::string> unnamed;
  for (const std::string& tenant : tenants) {
    TORII_TRY(const store::Collected collected, store->gc(tenant, retention, now));
    sum.publications += collected.publications;
    sum.drafts += collected.drafts;
    sum.events += collected.events;
    unnamed.insert(collected.bundle_ids.begin(), collected.bundle_ids.end());
  }
  BundleSweep bundles;
  const auto place = publish::bundle_place(options.bundles, flags.store);
  if (place.ok()) {
    const auto age = static_cast<std::int64_t>(options.drafts_hours * static_cast<double>(kHourMs));
    TORII_TRY(bundles, collect_bundles(session, *store, *place, unnamed, now - age));
  } else if (!unnamed.empty()) {
    session.reporter().warn(fmt::format("{} bundles are named by no publication any more; {}",
                                        unnamed.size(), place.error().message));
  }
  session.print(
      fmt::format("{}  removed {} publications, {} unfinished ones, {} events, {} bundles, in {}\n",
                  store->shown(), grouped(sum.publications), grouped(sum.drafts),
                  grouped(sum.events), grouped(bundles.removed), duration(watch.total())));
  session.answer(Json::object()
                     .set("store", store->shown())
                     .set("publications", sum.publications)
                     .set("drafts", sum.drafts)
                     .set("events", sum.events)
                     .set("bundles", std::move(bundles.ids))
                     .set("seconds", watch.seconds()));
  return {};
}

// ---- rollback

Result<void> rollback(Session& session, const StoreFlags& flags) {
  TORII_TRY_VOID(check_config(session));
  TORII_TRY_VOID(store::check_tenant(flags.tenant));
  TORII_TRY(const auto store, open_store(session, flags));
  TORII_TRY(const std::uint64_t current, store->current_version(flags.tenant));
  TORII_TRY(const auto publications, store->publications(flags.tenant));
  std::uint64_t target = 0;
  if (session.given("--version")) {
    if (flags.version < 1) return invalid("--version: expected 1 or more, found {}", flags.version);
    target = static_cast<std::uint64_t>(flags.version);
  }
  for (const store::Publication& publication : publications) {  // newest first
    if (target == 0 && publication.version < current) target = publication.version;
  }
  if (target == 0) {
    return make_error(ErrorCode::kNotFound,
                      "store rollback: {} has no publication older than version {}; `torii store "
                      "show` lists what there is",
                      store->shown(), current);
  }
  TORII_TRY_VOID(store->activate(flags.tenant, target, who(session), now_ms()));
  session.print(fmt::format("{}  version {} is current again (it was {})\n", store->shown(), target,
                            current));
  session.answer(Json::object()
                     .set("store", store->shown())
                     .set("tenant", flags.tenant)
                     .set("version", target)
                     .set("was", current));
  return {};
}

// ---- verify

Result<std::string> read_key(const Session& session, const StoreFlags& flags) {
  if (!flags.key_file.empty()) {
    TORII_TRY(std::string key, read_file(flags.key_file, 4096));
    while (!key.empty() && (key.back() == '\n' || key.back() == '\r')) key.pop_back();
    return key;
  }
  const auto it = session.environment().find("TORII_API_KEY");
  return it == session.environment().end() ? std::string() : it->second;
}

Result<void> verify(Session& session, const StoreFlags& flags) {
  TORII_TRY_VOID(check_config(session));
  TORII_TRY_VOID(store::check_tenant(flags.tenant));
  const Stopwatch watch;
  TORII_TRY(const auto store, open_store(session, flags));
  if (!flags.url.empty()) {
    TORII_TRY(std::string key, read_key(session, flags));
    TORII_TRY(Json document, check_skew(session, *store,
                                        {.url = flags.url,
                                         .key = std::move(key),
                                         .tenant = flags.tenant,
                                         .users = flags.users,
                                         .items = flags.items}));
    document.set("seconds", watch.seconds());
    const std::int64_t differences = document.int_at("differences").value_or(0);
    if (differences > 0) {
      return session.refuse(std::move(document),
                            make_error(ErrorCode::kCheckFailed,
                                       "store verify: {} answers of {} are not those of the batch",
                                       differences, flags.url));
    }
    session.print(fmt::format(
        "{}  the same as version {}: {} vectors and {} lists of users, {} vectors of items, in "
        "{}\n",
        flags.url, document.int_at("version").value_or(0), document.int_at("users").value_or(0),
        document.int_at("lists").value_or(0), document.int_at("items").value_or(0),
        duration(watch.total())));
    session.answer(document);
    return {};
  }
  TORII_TRY(const auto faults, store->verify());
  Json document = Json::object();
  Json list = Json::array();
  for (const std::string& fault : faults) list.push(fault);
  document.set("store", store->shown()).set("ok", faults.empty()).set("faults", std::move(list));
  document.set("seconds", watch.seconds());
  if (!faults.empty()) {
    return session.refuse(std::move(document),
                          make_error(ErrorCode::kCheckFailed, "{}: {} faults: {}", store->shown(),
                                     faults.size(), fmt::join(faults, "; ")));
  }
  session.print(fmt::format("{}  whole: every publication has its checksum, in {}\n",
                            store->shown(), duration(watch.total())));
  session.answer(document);
  return {};
}

// ---- show

Json publication_json(const store::Publication& publication, bool is_current) {
  Json json = Json::object();
  json.set("version", publication.version)
      .set("current", is_current)
      .set("created", data::format_iso_time(publication.created_ms))
      .set("created_by", publication.created_by)
      .set("bundle", publication.bundle_id)
      .set("fit", publication.fit_bundle_id)
      .set("bundle_uri", publication.bundle_uri)
      .set("fit_uri", publication.fit_bundle_uri)
      .set("metric", publication.metric)
      .set("width", publication.width)
      .set("text_width", publication.text_width)
      .set("users", publication.users)
      .set("items", publication.items)
      .set("k", publication.k)
      .set("records_seq", publication.records_seq)
      .set("checksum", publication.checksum)
      .set("roles", publication.roles)
      .set("gate", publication.gate);
  return json.set("lineage", publication.lineage);
}

std::string gate_text(const Json& gate) {
  if (gate.bool_at("forced").value_or(false)) return "forced";
  const auto passed = gate.bool_at("passed");
  if (!passed) return "not judged";
  return *passed ? "passed" : "objected";
}

Result<void> show(Session& session, const StoreFlags& flags) {
  TORII_TRY_VOID(check_config(session));
  TORII_TRY(const auto store, open_store(session, flags));
  std::vector<std::string> tenants;
  if (session.given("--tenant")) {
    TORII_TRY_VOID(store::check_tenant(flags.tenant));
    tenants = {flags.tenant};
  } else {
    TORII_TRY(tenants, store->tenants());
  }
  TextTable table(
      {"tenant", "version", "created (UTC)", "by", "bundle", "gate", "users", "items", "records"});
  table.set_left_columns(6);
  Json document = Json::array();
  for (const std::string& tenant : tenants) {
    TORII_TRY(const std::uint64_t current, store->current_version(tenant));
    TORII_TRY(const std::uint64_t seq, store->last_seq(tenant));
    TORII_TRY(const auto publications, store->publications(tenant));
    Json list = Json::array();
    for (const store::Publication& publication : publications) {
      const bool is_current = publication.version == current;
      table.add({tenant, fmt::format("{}{}", publication.version, is_current ? " (current)" : ""),
                 data::format_iso_time(publication.created_ms).substr(0, 16),
                 visible(publication.created_by), publication.bundle_id.substr(0, 12),
                 gate_text(publication.gate), grouped(publication.users),
                 grouped(publication.items), grouped(publication.records_seq)});
      list.push(publication_json(publication, is_current));
    }
    if (publications.empty()) {
      table.add({tenant, "none", "", "", "", "", "", "", grouped(seq)});
    }
    document.push(Json::object()
                      .set("tenant", tenant)
                      .set("current", current)
                      .set("records_seq", seq)
                      .set("publications", std::move(list)));
  }
  session.print(tenants.empty() ? fmt::format("{}  empty\n", store->shown()) : table.text());
  session.answer(Json::object().set("store", store->shown()).set("tenants", std::move(document)));
  return {};
}

using StoreAction = Result<void> (*)(Session&, const StoreFlags&);

Verb& add_store_verb(Verb& parent, CommonFlags& common, const std::shared_ptr<StoreFlags>& flags,
                     const char* name, const char* summary, StoreAction run) {
  Verb& verb = parent.child(name, summary);
  verb.text("--store", "URI", &flags->store, "sqlite:FILE, postgres://... or redis://...");
  declare_output(verb, common);
  verb.action([flags, run](Session& session) { return run(session, *flags); });
  return verb;
}

}  // namespace

void add_store(Verb& root, CommonFlags& common) {
  Verb& parent = root.child("store", "Looks after what a service remembers.");
  auto flags = std::make_shared<StoreFlags>();
  const auto tenant = [&](Verb& verb, const char* otherwise) {
    verb.text("--tenant", "NAME", &flags->tenant, fmt::format("Whose shop; {}.", otherwise));
  };
  tenant(
      add_store_verb(parent, common, flags, "show", "Lists publications and their origin.", show),
      "all unless told");
  add_store_verb(parent, common, flags, "migrate",
                 "Brings a store that an older torii made to this one's schema.", migrate);
  Verb& saved = add_store_verb(parent, common, flags, "backup",
                               "Writes all of a store into one file.", backup);
  saved.text("--out", "FILE", &flags->file, "The file to write.");
  Verb& restored = add_store_verb(parent, common, flags, "restore",
                                  "Fills an empty store out of a backup.", restore);
  restored.text("--from", "FILE", &flags->file, "What `torii store backup` wrote.");
  Verb& collected =
      add_store_verb(parent, common, flags, "gc",
                     "Removes old publications with their bundles, and old events.", gc);
  tenant(collected, "all unless told");
  collected.example(
      "torii store gc --store=sqlite:shop.db --set publish.keep=5 --set publish.events_days=365");
  Verb& back = add_store_verb(parent, common, flags, "rollback",
                              "Makes an older publication current.", rollback);
  back.integer("--version", "N", &flags->version, "The version; the one before unless told.");
  tenant(back, "'default' unless told");
  Verb& verified =
      add_store_verb(parent, common, flags, "verify",
                     "Checks every row, or the answers of a server beside them.", verify);
  verified.text("--url", "URL", &flags->url,
                "Compares what this server answers with the publication: vectors and lists.");
  verified.text("--key-file", "FILE", &flags->key_file,
                "With a key of the API; $TORII_API_KEY unless told.");
  verified.integer("--users", "N", &flags->users, "Users to compare; 1000 unless told.");
  verified.integer("--items", "N", &flags->items, "Items to compare; 1000 unless told.");
  tenant(verified, "'default' unless told");
}

}  // namespace torii::cli

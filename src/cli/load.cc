#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/file.h"
#include "base/file_lock.h"
#include "base/hash.h"
#include "cli/layout.h"
#include "cli/lineage.h"
#include "cli/load_table.h"
#include "cli/loading.h"
#include "cli/training.h"
#include "cli/verbs.h"
#include "publish/export.h"
#include "publish/store_records.h"
#include "store/store.h"

namespace torii::cli {
namespace {

namespace fs = std::filesystem;

struct LoadFlags {
  std::string from;
  std::string table;
  std::string data;
  std::string out;
  std::string tenant = std::string(store::kDefaultTenant);
};

// Whether a folder holds what this verb writes and nothing beside.
bool is_our_load(const fs::path& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    const auto& tables = publish::kExportedTables;
    if (name != kLoadFile && std::ranges::find(tables, name) == std::end(tables)) return false;
  }
  return true;
}

// The shop's own tables, as `torii train` reads them, with event ids if they have any.
struct Base {
  std::unique_ptr<Config> config;
  data::LoadedDataset loaded;
  publish::MergeBase merge;
};

publish::Separators separators_of(const features::EntityPlan& plan) {
  publish::Separators separators;
  for (const features::ColumnPlan& column : plan) {
    if (!column.separator.empty()) separators.emplace_back(column.column, column.separator);
  }
  return separators;
}

Result<std::unique_ptr<Base>> load_base(const Session& session, const LoadFlags& flags) {
  auto base = std::make_unique<Base>();
  TORII_TRY(base->config, load_config(session, {.data_folder = flags.data}));
  Config& config = *base->config;
  const data::InteractionOptions& rows = config.data.interactions;
  TORII_TRY(ThreadPool * pool, session.pool());
  const data::ReadContext context = {
      .environment = &session.environment(), .pool = pool, .reporter = &session.reporter()};
  TORII_TRY(const auto names,
            data::column_names(
                rows.path,
                {.null_values = config.data.null_values, .table = rows.table, .query = rows.query},
                context));
  // A `column:` split is the way in which load_data() reads one column more.
  std::optional<data::SplitSpec> extra;
  if (std::ranges::find(names, "event_id") != names.end()) {
    extra = data::SplitSpec{.kind = data::SplitSpec::Kind::kColumn, .column = "event_id"};
  }
  TORII_TRY(base->loaded, load_data(session, config, extra ? &*extra : nullptr));
  TORII_TRY(const Plans plans, plan_data(config, base->loaded.dataset, config.inference));
  base->merge = {.loaded = &base->loaded,
                 .has_event_ids = extra.has_value(),
                 .names = config.data,
                 .user_separators = separators_of(plans.users),
                 .item_separators = separators_of(plans.items)};
  return base;
}

Json records_json(const publish::StoreRecords& records, const publish::Exported& exported,
                  const std::string& shown, const std::string& tenant) {
  Json json = Json::object();
  json.set("store", shown)
      .set("tenant", tenant)
      .set("seq", records.seq)
      .set("events", records.events.size())
      .set("new_events", exported.events)
      .set("users", records.users.size())
      .set("items", records.items.size())
      .set("deleted_users", records.deleted_users.size())
      .set("returned_users", records.returned_users.size())
      .set("deleted_items", records.deleted_items.size());
  return json;
}

Result<void> write_load_file(const fs::path& folder, const Json& records, const Base* base) {
  Json tables = Json::object();
  for (const char* name : publish::kExportedTables) {
    TORII_TRY(const MappedFile file, MappedFile::open(folder / name));
    tables.set(
        name,
        Json::object().set("bytes", file.bytes().size()).set("sha256", sha256_hex(file.bytes())));
  }
  Json document = Json::object();
  document.set("format", "torii-load").set("version", kLoadVersion).set("records", records);
  if (base != nullptr) {
    document.set("base", Json::object()
                             .set("fingerprint", base->loaded.dataset.fingerprint)
                             .set("interactions", base->loaded.dataset.interactions.size()));
  }
  document.set("tables", std::move(tables));
  return write_file_durably(folder / kLoadFile, document.dump(2) + "\n");
}

void tell(const Session& session, const publish::StoreRecords& records,
          const publish::Exported& exported) {
  Reporter& reporter = session.reporter();
  const auto note = [&](std::uint64_t count, const char* what) {
    if (count > 0) reporter.note(fmt::format("{:<14} {} {}", "", grouped(count), what));
  };
  note(records.without_item, "events name no item; they make no row");
  note(records.without_user, "events of anonymous sessions; they make no row");
  note(exported.known_events, "events were in the data already");
  note(exported.removed_users, "deleted users taken out of the users table");
  note(exported.removed_rows, "interactions of deleted users taken out");
  note(exported.removed_items, "deleted items taken out of the items table");
  if (records.unreadable > 0) {
    reporter.warn(fmt::format("{} records of the store cannot be read and were left out",
                              grouped(records.unreadable)));
  }
  for (const auto& [column, count] : exported.lost) {
    reporter.warn(
        fmt::format("{}: {} values of the store are not of the column's type; they count "
                    "as null",
                    column, grouped(count)));
  }
}

Json document_of(const LoadFlags& flags, const Json& records, const publish::StoreRecords& read,
                 const publish::Exported& exported) {
  Json lost = Json::object();
  for (const auto& [column, count] : exported.lost) lost.set(column, count);
  Json document = Json::object();
  document.set("out", flags.out)
      .set("records", records)
      .set("users", exported.users)
      .set("items", exported.items)
      .set("interactions", exported.interactions)
      .set("deletions", exported.deletions)
      .set("known_events", exported.known_events)
      .set("removed_users", exported.removed_users)
      .set("removed_interactions", exported.removed_rows)
      .set("removed_items", exported.removed_items)
      .set("events_without_item", read.without_item)
      .set("events_without_user", read.without_user)
      .set("unreadable", read.unreadable)
      .set("lost", std::move(lost));
  return document;
}

Result<void> run(Session& session, const LoadFlags& flags) {
  if (!flags.table.empty()) {
    if (!flags.from.empty()) {
      return invalid("load: --from brings all tables together, --table one; leave one of them out");
    }
    return load_table(session, {.table = flags.table, .data = flags.data, .out = flags.out});
  }
  if (flags.from.empty()) {
    return invalid(
        "load: --from=STORE is missing: where the records are (or --table=NAME for one "
        "table of the configuration)");
  }
  if (flags.out.empty()) return invalid("load: --out=DIR is missing: where to write the tables");
  TORII_TRY_VOID(store::check_tenant(flags.tenant));
  TORII_TRY_VOID(check_tables_place(flags.out, publish::kExportedTables));
  fs::path out(flags.out);
  if (!out.has_filename()) out = out.parent_path();  // "folder/"
  std::error_code failure;
  if (out.has_parent_path()) fs::create_directories(out.parent_path(), failure);
  if (failure) {
    return make_error(ErrorCode::kIo, "--out={}: the folder cannot be made: {}", flags.out,
                      failure.message());
  }
  TORII_TRY(const FileLock lock, FileLock::take(out));
  Stopwatch watch;
  std::unique_ptr<Base> base;
  if (!flags.data.empty() || !session.common().config.empty()) {
    TORII_TRY(base, load_base(session, flags));
    TORII_TRY_VOID(check_not_data(flags.out, "--out", base->config->data));
  } else {
    TORII_TRY_VOID(check_config(session));
  }
  watch.lap("load");
  TORII_TRY(const auto store, store::open(flags.from, session.environment(), {.cancelled = [&] {
                                            return session.reporter().cancelled();
                                          }}));
  TORII_TRY(const publish::StoreRecords records,
            publish::read_store_records(*store, flags.tenant, session.reporter()));
  watch.lap("records");
  publish::Exported exported;
  Json lineage;
  TORII_TRY_VOID(
      write_folder_durably(out, is_our_load, [&](const fs::path& folder) -> Result<void> {
        if (base) {
          TORII_TRY(exported,
                    publish::write_merged(base->merge, records, folder, session.reporter()));
        } else {
          TORII_TRY(exported, publish::write_export(records, folder, session.reporter()));
        }
        lineage = records_json(records, exported, store->shown(), flags.tenant);
        return write_load_file(folder, lineage, base.get());
      }));
  watch.lap("write");
  tell(session, records, exported);
  session.print(fmt::format(
      "{}  {} interactions ({} of them new from {}), {} users, {} items, {} deletions, in {}\n",
      flags.out, grouped(exported.interactions), grouped(exported.events), store->shown(),
      grouped(exported.users), grouped(exported.items), grouped(exported.deletions),
      duration(watch.total())));
  Json document = document_of(flags, lineage, records, exported);
  session.answer(document.set("seconds", watch.seconds()));
  return {};
}

}  // namespace

void add_load(Verb& root, CommonFlags& common) {
  Verb& verb = root.child(
      "load", "Brings a store's records, or a table from its source, into Parquet for a training.");
  auto flags = std::make_shared<LoadFlags>();
  verb.usage("torii load --from=STORE [--data=DIR | --config=FILE] --out=DIR [flags]");
  verb.usage("torii load --table=NAME --data=DIR | --config=FILE --out=FILE [flags]");
  verb.text("--from", "STORE", &flags->from, "sqlite:FILE, postgres://... or redis://...");
  verb.text(
      "--table", "NAME", &flags->table,
      "Instead of a store's records: users, items or interactions of the configuration, from "
      "wherever it lies (files, databases, Feast), as the Parquet file that --out names; all: "
      "the three, in the folder that --out names.");
  verb.text("--data", "DIR", &flags->data,
            "The shop's own tables: the result is then both together, a complete folder for `torii "
            "train`. Without: the records alone.");
  verb.text("--out", "DIR", &flags->out,
            "Folder for users.parquet, items.parquet, interactions.parquet, deletions.parquet and "
            "load.json; one that this verb wrote is replaced.");
  verb.text("--tenant", "NAME", &flags->tenant, "Whose shop it is; 'default' unless told.");
  declare_common(verb, common);
  verb.example("torii load --from=sqlite:shop.db --data=shop --out=night");
  verb.example("torii load --table=users --config=torii.yaml --out=users.parquet");
  verb.example("torii load --table=all --config=torii.yaml --out=shop");
  verb.action([flags](Session& session) { return run(session, *flags); });
}

}  // namespace torii::cli

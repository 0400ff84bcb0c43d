#include "cli/load_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <map>

#include "base/file.h"
#include "base/printable.h"
#include "cli/config.h"
#include "cli/loading.h"
#include "data/dataset_tables.h"

namespace torii::cli {
namespace {

namespace fs = std::filesystem;

struct NamedTable {
  const char* name;
  data::DatasetTable which;
};
constexpr NamedTable kLoadable[] = {{"users", data::DatasetTable::kUsers},
                                    {"items", data::DatasetTable::kItems},
                                    {"interactions", data::DatasetTable::kInteractions}};
constexpr const char* kTableFiles[] = {"users.parquet", "items.parquet", "interactions.parquet"};

// Reads one table, writes it to `out` (told as `shown`); what the answer says of it.
Result<Json> copy_table(Session& session, const data::DataOptions& options, const NamedTable& named,
                        const std::string& out, const std::string& shown) {
  TORII_TRY(ThreadPool * pool, session.pool());
  Reporter& reporter = session.reporter();
  Stopwatch watch;
  reporter.begin(named.name, 0, "rows");
  std::map<std::string, std::uint64_t> findings;
  TORII_TRY(const data::Table table,
            data::read_dataset_table(
                options, named.which, findings,
                {.environment = &session.environment(), .pool = pool, .reporter = &reporter}));
  reporter.end(fmt::format("{} rows, {} columns", grouped(table.rows()), table.columns().size()));
  watch.lap("read");
  TORII_TRY_VOID(data::write_parquet(out, table));
  watch.lap("write");
  Json found = Json::object();
  for (const auto& [finding, count] : findings) {
    reporter.note(fmt::format("{:<14} {}: {}", "", finding, grouped(count)));
    found.set(finding, count);
  }
  for (const std::string& column : table.skipped()) {
    reporter.warn(fmt::format("{}: column left out: {}", named.name, column));
  }
  session.print(fmt::format("{}  {} {} from {}, in {}\n", shown, grouped(table.rows()), named.name,
                            table.source(), duration(watch.total())));
  Json columns = Json::array();
  for (const data::Column& column : table.columns()) columns.push(column.name);
  return Json::object()
      .set("table", named.name)
      .set("out", shown)
      .set("rows", table.rows())
      .set("columns", std::move(columns))
      .set("source", table.source())
      .set("findings", std::move(found))
      .set("seconds", watch.seconds());
}

bool is_table_folder(const fs::path& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (std::ranges::find(kTableFiles, name) == std::end(kTableFiles)) return false;
  }
  return true;
}

Result<void> load_all(Session& session, const LoadTable& wish, const Config& config) {
  if (wish.out.empty()) return invalid("load: --out=DIR is missing: where to write the tables");
  TORII_TRY_VOID(check_tables_place(wish.out, kTableFiles));
  fs::path out(wish.out);
  if (!out.has_filename()) out = out.parent_path();  // "folder/"
  Json tables = Json::array();
  TORII_TRY_VOID(
      write_folder_durably(out, is_table_folder, [&](const fs::path& folder) -> Result<void> {
        for (const NamedTable& named : kLoadable) {
          if (!data::names_table(config.data, named.which)) continue;
          const std::string file = fmt::format("{}.parquet", named.name);
          TORII_TRY(Json table, copy_table(session, config.data, named, (folder / file).string(),
                                           (out / file).string()));
          tables.push(std::move(table));
        }
        return {};
      }));
  session.answer(Json::object().set("out", wish.out).set("tables", std::move(tables)));
  return {};
}

}  // namespace

Result<void> load_table(Session& session, const LoadTable& wish) {
  const auto* named = std::ranges::find(kLoadable, wish.table, &NamedTable::name);
  const bool is_all = wish.table == kAllTables;
  if (!is_all && named == std::end(kLoadable)) {
    return invalid("load: --table: expected users, items, interactions or all, found '{}'",
                   wish.table);
  }
  TORII_TRY(const auto config, load_config(session, {.data_folder = wish.data}));
  if (is_all) {
    TORII_TRY_VOID(check_not_data(wish.out, "--out", config->data));
    return load_all(session, wish, *config);
  }
  if (wish.out.empty()) return invalid("load: --out=FILE is missing: where to write the table");
  TORII_TRY_VOID(check_file_place(wish.out, "--out", wish.table + ".parquet"));
  TORII_TRY_VOID(check_not_data(wish.out, "--out", config->data));
  TORII_TRY(const Json answer, copy_table(session, config->data, *named, wish.out, wish.out));
  session.answer(answer);
  return {};
}

}  // namespace torii::cli

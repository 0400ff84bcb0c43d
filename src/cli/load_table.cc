#include "cli/load_table.h"

#include <fmt/format.h>

#include <cstdint>
#include <map>

#include "base/printable.h"
#include "cli/config.h"
#include "cli/loading.h"
#include "data/dataset_tables.h"

namespace torii::cli {
namespace {

Result<data::DatasetTable> table_of(const std::string& name) {
  if (name == "users") return data::DatasetTable::kUsers;
  if (name == "items") return data::DatasetTable::kItems;
  if (name == "interactions") return data::DatasetTable::kInteractions;
  return invalid("load: --table: expected users, items or interactions, found '{}'", name);
}

}  // namespace

Result<void> load_table(Session& session, const LoadTable& wish) {
  TORII_TRY(const data::DatasetTable which, table_of(wish.table));
  if (wish.out.empty()) return invalid("load: --out=FILE is missing: where to write the table");
  TORII_TRY_VOID(check_file_place(wish.out, "--out", wish.table + ".parquet"));
  Stopwatch watch;
  TORII_TRY(const auto config, load_config(session, {.data_folder = wish.data}));
  TORII_TRY_VOID(check_not_data(wish.out, "--out", config->data));
  TORII_TRY(ThreadPool * pool, session.pool());
  Reporter& reporter = session.reporter();
  reporter.begin(wish.table, 0, "rows");
  std::map<std::string, std::uint64_t> findings;
  TORII_TRY(const data::Table table,
            data::read_dataset_table(
                config->data, which, findings,
                {.environment = &session.environment(), .pool = pool, .reporter = &reporter}));
  reporter.end(fmt::format("{} rows, {} columns", grouped(table.rows()), table.columns().size()));
  watch.lap("read");
  TORII_TRY_VOID(data::write_parquet(wish.out, table));
  watch.lap("write");
  for (const auto& [finding, count] : findings) {
    reporter.note(fmt::format("{:<14} {}: {}", "", finding, grouped(count)));
  }
  for (const std::string& column : table.skipped()) {
    reporter.warn(fmt::format("{}: column left out: {}", wish.table, column));
  }
  session.print(fmt::format("{}  {} {} from {}, in {}\n", wish.out, grouped(table.rows()),
                            wish.table, table.source(), duration(watch.total())));
  Json found = Json::object();
  for (const auto& [finding, count] : findings) found.set(finding, count);
  Json columns = Json::array();
  for (const data::Column& column : table.columns()) columns.push(column.name);
  session.answer(Json::object()
                     .set("table", wish.table)
                     .set("out", wish.out)
                     .set("rows", table.rows())
                     .set("columns", std::move(columns))
                     .set("source", table.source())
                     .set("findings", std::move(found))
                     .set("seconds", watch.seconds()));
  return {};
}

}  // namespace torii::cli

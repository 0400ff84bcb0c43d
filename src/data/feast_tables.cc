#include "data/feast_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <ranges>
#include <span>
#include <utility>

#include "base/printable.h"
#include "data/feast_offline.h"
#include "data/join_ids.h"

namespace torii::data {
namespace {

using feast::Source;
using feast::ValueType;

constexpr std::int64_t kBeforeAll = std::numeric_limits<std::int64_t>::min();

std::string where_of(const feast::Repo& repo, const feast::ServiceView& view) {
  return fmt::format("{}: feature view '{}'", repo.config.file, visible(view.view->name));
}

// Columns of the source that a view's rows are made of, each once.
std::vector<std::string> needed_columns(const feast::ServiceView& view) {
  std::vector<std::string> columns;
  const auto add = [&](const std::string& name) {
    if (!name.empty() && std::ranges::find(columns, name) == columns.end()) columns.push_back(name);
  };
  for (const auto& key : view.keys) add(key.column);
  for (const auto& feature : view.features) add(feature.column);
  add(view.timestamp);
  add(view.created_timestamp);
  return columns;
}

Result<Table> read_source(const feast::Repo& repo, const feast::ServiceView& view,
                          const ReadContext& context) {
  const Source& source = view.view->batch;
  ReadOptions options;
  options.columns = needed_columns(view);
  for (const auto& key : view.keys) {
    if (key.type == ValueType::kString) options.text_columns.push_back(key.column);
  }
  if (repo.config.offline_type() == "remote") {
    return read_feast_offline(repo, view, options.columns, context);
  }
  Environment environment = context.environment == nullptr ? Environment{} : *context.environment;
  ReadContext own = context;
  own.environment = &environment;
  switch (source.kind) {
    case Source::Kind::kFile:
      if (!source.s3_endpoint.empty()) environment["AWS_ENDPOINT_URL_S3"] = source.s3_endpoint;
      options.format = "parquet";
      return read_table(repo.config.resolved(source.uri), options, own);
    case Source::Kind::kPostgres: {
      if (repo.config.offline_type() != "postgres") {
        return invalid(
            "{}: its source is a table of PostgreSQL, but the offline_store is '{}'; "
            "expected postgres",
            where_of(repo, view), repo.config.offline_type());
      }
      TORII_TRY(const std::string uri,
                feast::postgres_uri(repo.config.offline,
                                    fmt::format("{}: offline_store", repo.config.file)));
      options.table = source.query.empty() ? source.table : "";
      options.query = source.query;
      return read_table(uri, options, own);
    }
    case Source::Kind::kPush:
    case Source::Kind::kNone:
    case Source::Kind::kOther:
      break;
  }
  return make_error(ErrorCode::kUnsupported,
                    "{}: torii reads files and tables of PostgreSQL, not a source of kind '{}'; "
                    "write its rows to Parquet, or serve them by `feast serve_offline`",
                    where_of(repo, view), visible(source.type));
}

bool is_numeric_column(ColumnType type) {
  return type == ColumnType::kInt64 || type == ColumnType::kFloat64 || type == ColumnType::kBool;
}

bool fits(ValueType declared, const Column& column) {
  if (column.null_count() == column.size()) return true;  // says nothing of its type
  switch (declared) {
    case ValueType::kInt32:
    case ValueType::kInt64:
    case ValueType::kDouble:
    case ValueType::kFloat:
      return is_numeric_column(column.type);
    case ValueType::kBool:
      return column.type == ColumnType::kBool || column.type == ColumnType::kInt64;
    case ValueType::kUnixTimestamp:
      return column.type == ColumnType::kTimestamp || column.type == ColumnType::kInt64;
    case ValueType::kStringList:
      return column.type == ColumnType::kStringList;
    case ValueType::kFloatList:
    case ValueType::kDoubleList:
      return column.type == ColumnType::kFloatList;
    case ValueType::kString:
      return column.type != ColumnType::kStringList && column.type != ColumnType::kFloatList;
    default:
      return true;
  }
}

Result<void> check_types(const feast::Repo& repo, const feast::ServiceView& view,
                         const Table& table) {
  const auto check = [&](const feast::ServiceColumn& column) -> Result<void> {
    const Column& found = *table.find(column.column);
    if (fits(column.type, found)) return {};
    return invalid(
        "{}: '{}': expected {}, found {} in column '{}' of {}; mend the data, or the "
        "schema of the view and run `feast apply`",
        where_of(repo, view), visible(column.name), feast::type_name(column.type),
        type_name(found.type), visible(column.column), table.source());
  };
  for (const auto& key : view.keys) TORII_TRY_VOID(check(key));
  for (const auto& feature : view.features) TORII_TRY_VOID(check(feature));
  return {};
}

Result<std::vector<std::int64_t>> times_of(const feast::Repo& repo, const feast::ServiceView& view,
                                           const Table& table, const std::string& name,
                                           const char* what) {
  const Column& column = *table.find(name);
  if (column.type != ColumnType::kTimestamp && column.null_count() != column.size()) {
    return invalid("{}: {} '{}': expected timestamps, found {} in {}", where_of(repo, view), what,
                   visible(name), type_name(column.type), table.source());
  }
  std::vector<std::int64_t> times(table.rows(), kBeforeAll);
  if (column.type != ColumnType::kTimestamp) return times;
  for (std::size_t row = 0; row < times.size(); ++row) {
    if (!column.is_null(row)) times[row] = column.ints()[row];
  }
  return times;
}

Column time_column(const std::string& name, std::vector<std::int64_t> times) {
  Column column;
  column.name = name;
  column.type = ColumnType::kTimestamp;
  if (std::ranges::find(times, kBeforeAll) != times.end()) {
    column.valid.resize(times.size());
    for (std::size_t row = 0; row < times.size(); ++row) {
      column.valid[row] = times[row] == kBeforeAll ? 0 : 1;
      if (column.valid[row] == 0) times[row] = 0;
    }
  }
  column.values = std::move(times);
  return column;
}

// A row that is newer wins; of equal times the newer created time, then the later row.
struct Newer {
  const FeastRows& rows;
  [[nodiscard]] bool operator()(std::uint32_t a, std::uint32_t b) const {
    if (rows.times[a] != rows.times[b]) return rows.times[a] < rows.times[b];
    if (!rows.created.empty() && rows.created[a] != rows.created[b]) {
      return rows.created[a] < rows.created[b];
    }
    return a < b;
  }
};

IdSource key_source(const FeastRows& rows, const std::string& key) {
  return {rows.table.find(key), false, fmt::format("{}: column '{}'", rows.table.source(), key)};
}

Column key_column(const IdIndex& ids, const std::string& name) {
  Column column;
  column.name = name;
  if (ids.integers()) {
    column.type = ColumnType::kInt64;
    std::vector<std::int64_t> values(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) values[i] = canonical_integer(ids[i]).value_or(0);
    column.values = std::move(values);
  } else {
    column.type = ColumnType::kString;
    column.values = ids.all();
  }
  return column;
}

// The view of events: it has the keys of users and of items, or of anything two things.
Result<std::size_t> find_events(const feast::Repo& repo, const std::string& service,
                                const std::vector<feast::ServiceView>& views) {
  std::size_t found = views.size();
  for (std::size_t i = 0; i < views.size(); ++i) {
    if (views[i].keys.size() < 2) continue;
    if (found != views.size()) {
      return make_error(ErrorCode::kUnsupported,
                        "{}: feature service '{}': the views '{}' and '{}' both have two join "
                        "keys; give torii a service with one view of events",
                        repo.config.file, visible(service), visible(views[found].view->name),
                        visible(views[i].view->name));
    }
    found = i;
  }
  if (found < views.size()) return found;
  return invalid(
      "{}: feature service '{}': expected a view whose entities are the user and the "
      "item, found none with two join keys",
      repo.config.file, visible(service));
}

// For each event the row of `rows` that held then, or kNullRow.
std::vector<std::uint32_t> rows_in_time(const FeastRows& rows,
                                        const std::vector<std::uint32_t>& codes,
                                        const std::vector<std::uint32_t>& event_codes,
                                        std::span<const std::int64_t> event_times, double ttl_s,
                                        std::size_t entities) {
  std::vector<std::vector<std::uint32_t>> of_entity(entities);
  for (std::uint32_t row = 0; row < codes.size(); ++row) {
    if (codes[row] != JoinedIds::kNone) of_entity[codes[row]].push_back(row);
  }
  for (auto& list : of_entity) std::ranges::sort(list, Newer{rows});
  const auto ttl_ms = static_cast<std::int64_t>(ttl_s * 1000.0);
  std::vector<std::uint32_t> chosen(event_codes.size(), Table::kNullRow);
  for (std::size_t event = 0; event < chosen.size(); ++event) {
    if (event_codes[event] == JoinedIds::kNone) continue;
    const auto& list = of_entity[event_codes[event]];
    const auto after = std::ranges::upper_bound(list, event_times[event], {},
                                                [&](auto row) { return rows.times[row]; });
    if (after == list.begin()) continue;
    const std::uint32_t row = *std::prev(after);
    const bool alive = ttl_ms <= 0 || (event_times[event] != kBeforeAll &&
                                       rows.times[row] >= event_times[event] - ttl_ms);
    if (alive) chosen[event] = row;
  }
  return chosen;
}

Result<void> check_unique(const feast::Repo& repo, const std::string& service,
                          const std::vector<Column>& columns) {
  std::vector<std::string> names;
  for (const Column& column : columns) names.push_back(column.name);
  std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  if (twice == names.end()) return {};
  return invalid(
      "{}: feature service '{}': a join key and a feature are both called '{}'; rename "
      "one",
      repo.config.file, visible(service), visible(*twice));
}

}  // namespace

Result<FeastRows> read_feast_rows(const feast::Repo& repo, const feast::ServiceView& view,
                                  const ReadContext& context) {
  if (view.timestamp.empty()) {
    return invalid("{}: its source has no timestamp field", where_of(repo, view));
  }
  auto read = read_source(repo, view, context);
  if (!read.ok()) return with_context(std::move(read).error(), where_of(repo, view));
  FeastRows rows;
  rows.table = std::move(read).value();
  TORII_TRY_VOID(check_types(repo, view, rows.table));
  TORII_TRY(rows.times, times_of(repo, view, rows.table, view.timestamp, "timestamp field"));
  if (!view.created_timestamp.empty()) {
    TORII_TRY(rows.created,
              times_of(repo, view, rows.table, view.created_timestamp, "created timestamp"));
  }
  std::vector<Table::Renamed> columns;
  for (const auto& key : view.keys) columns.push_back({key.column, key.name});
  for (const auto& feature : view.features) columns.push_back({feature.column, feature.name});
  rows.table = std::move(rows.table).select(columns);
  return rows;
}

Result<FeastEntities> read_feast_entities(const feast::Repo& repo, const std::string& service,
                                          std::int64_t as_of, const ReadContext& context) {
  TORII_TRY(const auto views, feast::resolve_service(repo, service));
  FeastEntities entities;
  std::vector<FeastRows> rows;
  std::vector<IdSource> sources;
  for (const feast::ServiceView& view : views) {
    if (view.keys.size() != 1 ||
        (!entities.key.empty() && view.keys.front().name != entities.key)) {
      return invalid(
          "{}: feature service '{}': expected views of one entity, found the join keys "
          "{} in '{}'",
          repo.config.file, visible(service),
          fmt::join(std::views::transform(view.keys, &feast::ServiceColumn::name), ", "),
          visible(view.view->name));
    }
    entities.key = view.keys.front().name;
    TORII_TRY(FeastRows of_view, read_feast_rows(repo, view, context));
    rows.push_back(std::move(of_view));
  }
  for (const FeastRows& of_view : rows) sources.push_back(key_source(of_view, entities.key));
  TORII_TRY(const JoinedIds joined, join_ids(sources));

  std::vector<std::vector<std::uint32_t>> newest(rows.size());
  std::vector<std::uint8_t> known(joined.index.size(), 0);
  for (std::size_t v = 0; v < rows.size(); ++v) {
    newest[v].assign(joined.index.size(), Table::kNullRow);
    const Newer newer{rows[v]};
    for (std::uint32_t row = 0; row < rows[v].times.size(); ++row) {
      const std::uint32_t id = joined.codes[v][row];
      if (id == JoinedIds::kNone) continue;
      if (rows[v].times[row] > as_of) {
        ++entities.later;
        continue;
      }
      known[id] = 1;
      std::uint32_t& best = newest[v][id];
      if (best != Table::kNullRow) ++entities.older;
      if (best == Table::kNullRow || newer(best, row)) best = row;
    }
  }
  std::vector<std::uint32_t> kept;  // an id of later rows alone is not there yet
  for (std::uint32_t id = 0; id < known.size(); ++id) {
    if (known[id] != 0) kept.push_back(id);
  }
  std::vector<Column> columns = {take(key_column(joined.index, entities.key), kept)};
  for (std::size_t v = 0; v < rows.size(); ++v) {
    std::vector<std::uint32_t> chosen(kept.size());
    std::ranges::transform(kept, chosen.begin(), [&](std::uint32_t id) { return newest[v][id]; });
    for (const Column& column : rows[v].table.columns()) {
      if (column.name != entities.key) columns.push_back(take(column, chosen));
    }
  }
  TORII_TRY_VOID(check_unique(repo, service, columns));
  const std::string source = rows.front().table.source();
  entities.table = Table(std::move(columns), source);
  return entities;
}

Result<Table> read_feast_events(const feast::Repo& repo, const std::string& service,
                                const FeastEventNames& names, const ReadContext& context) {
  TORII_TRY(const auto views, feast::resolve_service(repo, service));
  TORII_TRY(const std::size_t at, find_events(repo, service, views));
  for (const std::string& key : {names.user_key, names.item_key}) {
    if (std::ranges::find(views[at].keys, key, &feast::ServiceColumn::name) !=
        views[at].keys.end()) {
      continue;
    }
    return invalid(
        "{}: feature view '{}': expected the join keys '{}' and '{}', found {}", repo.config.file,
        visible(views[at].view->name), visible(names.user_key), visible(names.item_key),
        fmt::join(std::views::transform(views[at].keys, &feast::ServiceColumn::name), ", "));
  }
  TORII_TRY(FeastRows rows, read_feast_rows(repo, views[at], context));
  if (rows.table.find(names.timestamp) != nullptr) return std::move(rows.table);
  std::vector<Column> columns = rows.table.columns();
  columns.push_back(time_column(names.timestamp, std::move(rows.times)));
  return Table(std::move(columns), rows.table.source());
}

Result<Table> join_feast_service(const feast::Repo& repo, const std::string& service,
                                 const ReadContext& context) {
  TORII_TRY(const auto views, feast::resolve_service(repo, service));
  TORII_TRY(const std::size_t at, find_events(repo, service, views));
  TORII_TRY(const FeastRows events, read_feast_rows(repo, views[at], context));
  std::vector<Column> columns = events.table.columns();
  columns.push_back(time_column("event_timestamp", events.times));
  for (std::size_t v = 0; v < views.size(); ++v) {
    if (v == at) continue;
    const feast::ServiceView& view = views[v];
    if (view.keys.size() != 1 || events.table.find(view.keys.front().name) == nullptr) {
      return invalid("{}: feature service '{}': the join key of '{}' is none of the events'",
                     repo.config.file, visible(service), visible(view.view->name));
    }
    const std::string& key = view.keys.front().name;
    TORII_TRY(const FeastRows rows, read_feast_rows(repo, view, context));
    TORII_TRY(const JoinedIds joined, join_ids({key_source(rows, key), key_source(events, key)}));
    const auto chosen = rows_in_time(rows, joined.codes[0], joined.codes[1], events.times,
                                     view.view->ttl_s, joined.index.size());
    for (const Column& column : rows.table.columns()) {
      if (column.name != key) columns.push_back(take(column, chosen));
    }
  }
  TORII_TRY_VOID(check_unique(repo, service, columns));
  return Table(std::move(columns), events.table.source());
}

}  // namespace torii::data

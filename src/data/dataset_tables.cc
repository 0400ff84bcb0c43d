#include "data/dataset_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <optional>
#include <utility>

#include "data/concatenate.h"
#include "data/feast_repo.h"
#include "data/feast_tables.h"
#include "data/iso_time.h"

namespace torii::data {
namespace {

Result<char> delimiter_of(const DataOptions& options) {
  if (options.delimiter.empty()) return char{0};
  if (options.delimiter == "\\t") return '\t';
  if (options.delimiter.size() != 1) {
    return invalid("data.delimiter: expected one character, found \"{}\"", options.delimiter);
  }
  return options.delimiter.front();
}

Result<EntityTable> read_entities(const EntityOptions& entity, ReadOptions read,
                                  const ReadContext& context) {
  EntityTable result;
  result.id = entity.id;
  if (entity.path.empty()) return result;
  read.text_columns = {entity.id};
  read.table = entity.table;
  read.query = entity.query;
  TORII_TRY(result.table, read_table(entity.path, read, context));
  TORII_TRY_VOID(result.table.column(entity.id));
  result.present = true;
  return result;
}

// The columns of an interactions table that are needed: those that must be there, and those that
// may. A column that still has its default name may be missing.
ReadOptions interaction_columns(const InteractionOptions& names, ReadOptions read,
                                const std::vector<std::string>& extra) {
  const InteractionOptions defaults;
  read.columns = {names.user_id, names.item_id};
  const auto add = [&](const std::string& name, const std::string& standard) {
    if (name.empty()) return;
    (name == standard ? read.optional_columns : read.columns).push_back(name);
  };
  add(names.timestamp, defaults.timestamp);
  add(names.position, defaults.position);
  add(names.type, defaults.type);
  add(names.rating, defaults.rating);
  add(names.quantity, defaults.quantity);
  read.columns.insert(read.columns.end(), extra.begin(), extra.end());
  read.text_columns = {names.user_id, names.item_id};
  read.encoded_columns = read.text_columns;
  return read;
}

// The rows of both, columns by name.
Result<Table> appended(Table first, Table second, ThreadPool* pool) {
  std::vector<PartTable> parts(2);
  const std::string sources[] = {first.source(), second.source()};
  const std::size_t rows = first.rows();
  Table* tables[] = {&first, &second};
  for (std::size_t i = 0; i < 2; ++i) {
    parts[i].rows = tables[i]->rows();
    parts[i].columns = tables[i]->columns();
    // Encoded texts of two tables do not share their values.
    for (Column& column : parts[i].columns) {
      if (column.is_encoded()) column = as_text(std::move(column));
    }
  }
  if (const auto found = conflicts(parts); !found.empty()) {
    const Conflict& conflict = found.front();
    return invalid("{}: column '{}': expected {} as in {}, found {}", sources[conflict.second],
                   conflict.column, type_name(conflict.first_type), sources[conflict.first],
                   type_name(conflict.second_type));
  }
  PartTable whole = unify(std::move(parts), pool);
  Table table(std::move(whole.columns), sources[0]);
  table.set_parts({{sources[0], 0}, {sources[1], rows}});
  return table;
}

ReadOptions with_place(ReadOptions read, const MoreRows& more) {
  read.table = more.table;
  read.query = more.query;
  return read;
}

class TablesReader {
 public:
  TablesReader(const DataOptions& options, const std::vector<std::string>& extra,
               const ReadContext& context)
      : options_(options), extra_(extra), context_(context) {}

  /// Of the interactions all columns, not only those that a training reads.
  void take_all_columns() { all_columns_ = true; }

  Result<DatasetTables> run(std::initializer_list<DatasetTable> wanted) {
    TORII_TRY(read_.delimiter, delimiter_of(options_));
    read_.null_values = options_.null_values;
    DatasetTables tables;
    if (!options_.feast.repo.empty()) TORII_TRY_VOID(open_feast());
    for (const DatasetTable which : wanted) {
      switch (which) {
        case DatasetTable::kUsers:
          TORII_TRY_VOID(read_users(tables));
          break;
        case DatasetTable::kItems:
          TORII_TRY_VOID(read_items(tables));
          break;
        case DatasetTable::kInteractions:
          TORII_TRY_VOID(read_interactions(tables));
          break;
      }
    }
    return tables;
  }

 private:
  Result<void> read_users(DatasetTables& tables) {
    if (repo_) {
      TORII_TRY_VOID(read_feast_table(options_.feast.users, "users", options_.users.id,
                                      tables.users, tables.findings));
    } else {
      TORII_TRY(tables.users, read_entities(options_.users, read_, context_));
    }
    return append_new_users(tables);
  }

  Result<void> read_items(DatasetTables& tables) {
    if (repo_) {
      return read_feast_table(options_.feast.items, "items", options_.items.id, tables.items,
                              tables.findings);
    }
    TORII_TRY(tables.items, read_entities(options_.items, read_, context_));
    return {};
  }

  Result<void> read_interactions(DatasetTables& tables) {
    const InteractionOptions& names = options_.interactions;
    if (repo_) {
      TORII_TRY(Table events,
                read_feast_events(*repo_, options_.feast.interactions, keys_, context_));
      TORII_TRY(tables.interactions, named_events(std::move(events)));
    } else {
      if (names.path.empty()) {
        return invalid("data.interactions.path: no interactions table is named");
      }
      ReadOptions read = wanted_columns();
      read.table = names.table;
      read.query = names.query;
      TORII_TRY(tables.interactions, read_table(names.path, read, context_));
    }
    return append_stream(tables);
  }

  // Which columns of the interactions are read.
  [[nodiscard]] ReadOptions wanted_columns() const {
    ReadOptions read = interaction_columns(options_.interactions, read_, extra_);
    if (!all_columns_) return read;
    read.columns.clear();
    read.optional_columns.clear();
    read.encoded_columns.clear();
    return read;
  }

  // Reads what the repository offers, and by which keys.
  Result<void> open_feast() {
    const FeastOptions& feast = options_.feast;
    for (const auto& [key, path] :
         {std::pair("data.users.path", &options_.users.path),
          std::pair("data.items.path", &options_.items.path),
          std::pair("data.interactions.path", &options_.interactions.path)}) {
      if (path->empty()) continue;
      return invalid("{}: data.feast.repo is named too; the tables come from one of them", key);
    }
    if (feast.interactions.empty()) {
      return invalid("data.feast.interactions: no feature service with interactions is named");
    }
    TORII_TRY(as_of_, as_of_ms());
    static const Environment kNone;
    TORII_TRY(repo_,
              read_feast_repo(feast.repo,
                              context_.environment == nullptr ? kNone : *context_.environment));
    keys_ = {options_.interactions.user_id, options_.interactions.item_id,
             options_.interactions.timestamp};
    for (const auto& [service, key] :
         {std::pair(&feast.users, &keys_.user_key), std::pair(&feast.items, &keys_.item_key)}) {
      if (service->empty()) continue;
      TORII_TRY(const auto views, feast::resolve_service(*repo_, *service));
      if (!views.front().keys.empty()) *key = views.front().keys.front().name;
    }
    return {};
  }

  [[nodiscard]] Result<std::int64_t> as_of_ms() const {
    const std::string& text = options_.feast.as_of;
    if (text.empty()) {
      return std::chrono::duration_cast<std::chrono::milliseconds>(
                 std::chrono::system_clock::now().time_since_epoch())
          .count();
    }
    const auto time = parse_iso_time(text);
    if (time) return *time;
    return invalid("data.feast.as_of: expected a time such as 2026-01-31T00:00:00Z, found '{}'",
                   text);
  }

  Result<void> read_feast_table(const std::string& service, const char* word, const std::string& id,
                                EntityTable& to, std::map<std::string, std::uint64_t>& findings) {
    to.id = id;
    if (service.empty()) return {};
    TORII_TRY(FeastEntities read, read_feast_entities(*repo_, service, as_of_, context_));
    if (read.older > 0) {
      findings[fmt::format("{}: older row of an id, the newest kept", word)] = read.older;
    }
    if (read.later > 0) {
      findings[fmt::format("{}: row after the time that counts", word)] = read.later;
    }
    std::vector<Table::Renamed> columns;
    for (const Column& column : read.table.columns()) {
      columns.push_back({column.name, column.name == read.key ? id : column.name});
    }
    if (read.key != id && read.table.find(id) != nullptr) {
      return invalid(
          "data.feast.{}: '{}' is both a feature and the name of the id (data.{}.id); "
          "give the id another name",
          word, id, word);
    }
    to.table = std::move(read.table).select(columns);
    to.present = true;
    return {};
  }

  // The wanted columns of the events, named as the options name them.
  [[nodiscard]] Result<Table> named_events(Table events) const {
    const InteractionOptions& names = options_.interactions;
    const ReadOptions needed = interaction_columns(names, {}, extra_);
    const auto source_of = [&](const std::string& name) -> const std::string& {
      return name == names.user_id ? keys_.user_key : name == names.item_id ? keys_.item_key : name;
    };
    std::vector<Table::Renamed> columns;
    for (const std::string& name : needed.columns) {
      TORII_TRY_VOID(events.column(source_of(name)));
      columns.push_back({source_of(name), name});
    }
    for (const std::string& name : needed.optional_columns) {
      if (events.find(name) != nullptr) columns.push_back({name, name});
    }
    for (const Column& column : events.columns()) {
      const bool taken = std::ranges::any_of(columns, [&](const Table::Renamed& renamed) {
        return renamed.from == column.name || renamed.to == column.name;
      });
      if (all_columns_ && !taken) columns.push_back({column.name, column.name});
    }
    return std::move(events).select(columns);
  }

  Result<void> append_new_users(DatasetTables& tables) {
    const MoreRows& more = options_.new_users;
    if (more.path.empty()) return {};
    EntityOptions entity = options_.users;
    entity.path = more.path;
    entity.table = more.table;
    entity.query = more.query;
    TORII_TRY(EntityTable fresh, read_entities(entity, read_, context_));
    tables.findings["users: appended rows of new users"] = fresh.table.rows();
    if (!tables.users.present) {
      tables.users = std::move(fresh);
      return {};
    }
    // What only the new rows have is no feature of the others.
    std::vector<Table::Renamed> columns;
    for (const Column& column : tables.users.table.columns()) {
      if (fresh.table.find(column.name) != nullptr) columns.push_back({column.name, column.name});
    }
    TORII_TRY(tables.users.table, appended(std::move(tables.users.table),
                                           std::move(fresh.table).select(columns), context_.pool));
    return {};
  }

  Result<void> append_stream(DatasetTables& tables) {
    const MoreRows& more = options_.stream;
    if (more.path.empty()) return {};
    const ReadOptions read = with_place(wanted_columns(), more);
    TORII_TRY(Table fresh, read_table(more.path, read, context_));
    tables.findings["interactions: appended rows of the stream"] = fresh.rows();
    TORII_TRY(tables.interactions,
              appended(std::move(tables.interactions), std::move(fresh), context_.pool));
    return {};
  }

  const DataOptions& options_;
  const std::vector<std::string>& extra_;
  const ReadContext& context_;
  ReadOptions read_;
  bool all_columns_ = false;
  std::optional<feast::Repo> repo_;
  std::int64_t as_of_ = 0;
  FeastEventNames keys_;
};

}  // namespace

std::string place_of(const Table& table, const std::string& column) {
  return fmt::format("{}: column '{}'", table.source(), column);
}

IdSource EntityTable::ids() const {
  return {table.find(id), table.untyped(), place_of(table, id)};
}

Result<DatasetTables> read_dataset_tables(const DataOptions& options,
                                          const std::vector<std::string>& extra_interaction_columns,
                                          const ReadContext& context) {
  return TablesReader(options, extra_interaction_columns, context)
      .run({DatasetTable::kInteractions, DatasetTable::kUsers, DatasetTable::kItems});
}

bool names_table(const DataOptions& options, DatasetTable which) {
  const bool is_feast = !options.feast.repo.empty();
  switch (which) {
    case DatasetTable::kUsers:
      return !options.new_users.path.empty() ||
             !(is_feast ? options.feast.users : options.users.path).empty();
    case DatasetTable::kItems:
      return !(is_feast ? options.feast.items : options.items.path).empty();
    case DatasetTable::kInteractions:
      return true;
  }
  return false;
}

Result<Table> read_dataset_table(const DataOptions& options, DatasetTable which,
                                 std::map<std::string, std::uint64_t>& findings,
                                 const ReadContext& context) {
  const std::vector<std::string> none;
  TablesReader reader(options, none, context);
  reader.take_all_columns();
  TORII_TRY(DatasetTables tables, reader.run({which}));
  findings = std::move(tables.findings);
  if (which == DatasetTable::kInteractions) return std::move(tables.interactions);
  const bool users = which == DatasetTable::kUsers;
  EntityTable& table = users ? tables.users : tables.items;
  if (table.present) return std::move(table.table);
  return make_error(ErrorCode::kNotFound, "data.{}: no such table is named",
                    users ? "users" : "items");
}

}  // namespace torii::data

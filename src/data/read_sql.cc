#include "data/read_sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <limits>
#include <map>
#include <memory>

#include "base/options.h"
#include "data/sql_column.h"
#include "data/table_source.h"
#include "sql/connection.h"

namespace torii::data {
namespace {

constexpr std::uint64_t kRowsBetweenReports = 8192;
constexpr std::uint64_t kRowsMax = std::numeric_limits<std::uint32_t>::max() - 1;

std::string source_name(const SqlSource& source) {
  return fmt::format("{}: {}", sql::shown_uri(source.uri),
                     source.table.empty() ? "query" : source.table);
}

// The first word behind blanks, comments and brackets, in capitals.
std::string first_word(std::string_view text) {
  std::size_t i = 0;
  for (;;) {
    while (i < text.size() &&
           (std::isspace(static_cast<unsigned char>(text[i])) != 0 || text[i] == '(')) {
      ++i;
    }
    if (text.substr(i).starts_with("--")) {
      i = std::min(text.find('\n', i), text.size());
    } else if (text.substr(i).starts_with("/*")) {
      const std::size_t end = text.find("*/", i);
      i = end == std::string_view::npos ? text.size() : end + 2;
    } else {
      break;
    }
  }
  std::string word;
  for (; i < text.size() && std::isalpha(static_cast<unsigned char>(text[i])) != 0; ++i) {
    word += static_cast<char>(std::toupper(static_cast<unsigned char>(text[i])));
  }
  return word;
}

Result<void> check(const SqlSource& source) {
  if (source.table.empty() == source.query.empty()) {
    return invalid("{}: name exactly one of table and query; expected for example table: users",
                   sql::shown_uri(source.uri));
  }
  if (source.query.empty()) return {};
  const std::string word = first_word(source.query);
  for (const std::string_view allowed : {"SELECT", "WITH", "VALUES", "TABLE"}) {
    if (word == allowed) return {};
  }
  return invalid("{}: expected a SELECT, found a statement that begins with '{}'",
                 source_name(source), word);
}

Result<std::unique_ptr<sql::Connection>> connect(const SqlSource& source,
                                                 const Environment& environment,
                                                 const Reporter* reporter) {
  TORII_TRY_VOID(check(source));
  sql::ConnectionOptions options;
  if (reporter != nullptr) options.cancelled = [reporter] { return reporter->cancelled(); };
  TORII_TRY(auto connection, sql::open(source.uri, environment, options));
  if (connection->dialect() == sql::Dialect::kPostgres) {
    // The same rows in the same order each time: no worker and no neighbour's scan shuffles them.
    TORII_TRY_VOID(
        connection->execute("SELECT set_config('synchronize_seqscans', 'off', false), "
                            "set_config('max_parallel_workers_per_gather', '0', false)"));
  }
  return connection;
}

// Tables there are, for the message that one is not.
std::string tables_of(sql::Connection& connection) {
  const bool sqlite = connection.dialect() == sql::Dialect::kSqlite;
  const auto names = connection.prepare(
      sqlite ? "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') "
               "AND name NOT LIKE 'sqlite_%' ORDER BY name LIMIT 30"
             : "SELECT CASE WHEN table_schema = 'public' THEN table_name "
               "ELSE table_schema || '.' || table_name END AS name FROM information_schema.tables "
               "WHERE table_schema NOT IN ('pg_catalog', 'information_schema') "
               "ORDER BY name LIMIT 30");
  if (!names.ok() || !(*names)->start().ok()) return {};
  std::string list;
  for (;;) {
    const auto more = (*names)->step();
    if (!more.ok() || !*more) break;
    list += (list.empty() ? "" : ", ") + std::string((*names)->text(0));
  }
  return list;
}

std::string select_of(const SqlSource& source, const std::string& columns) {
  return fmt::format("SELECT {} FROM {}", columns, sql::quote_table(source.table));
}

// The statement that gives all columns; it need not run.
Result<std::unique_ptr<sql::Statement>> prepare_all(sql::Connection& connection,
                                                    const SqlSource& source,
                                                    const Environment& environment) {
  auto statement = connection.prepare(source.table.empty() ? source.query : select_of(source, "*"));
  if (statement.ok()) return statement;
  Error error = with_context(std::move(statement).error(),
                             source.table.empty() ? "query" : "table " + source.table);
  if (!source.table.empty()) {
    // PostgreSQL's session cannot go on after an error: another one looks.
    const auto other = sql::open(source.uri, environment, {});
    const std::string tables = other.ok() ? tables_of(**other) : "";
    if (!tables.empty()) error.message += "; tables there are: " + tables;
  }
  return error;
}

std::vector<std::string> names_of(const sql::Statement& statement) {
  std::vector<std::string> names;
  for (const sql::ColumnInfo& column : statement.columns()) names.push_back(column.name);
  return names;
}

Error unreadable(const std::string& source, const sql::ColumnInfo& column) {
  return make_error(ErrorCode::kUnsupported,
                    "{}: column '{}' is of type {}, which torii cannot hold; leave it out, or cast "
                    "it in a query: SELECT CAST({} AS text) ...",
                    source, column.name, column.type_name.empty() ? "bytes" : column.type_name,
                    sql::quote_name(column.name));
}

// The rows of a statement as columns.
class RowReader {
 public:
  RowReader(std::string source, const ReadOptions& options, sql::Dialect dialect)
      : source_(std::move(source)), options_(options), dialect_(dialect) {}

  // Which of the statement's columns are kept; types that cannot be held are told or left out.
  [[nodiscard]] Result<void> choose(const std::vector<sql::ColumnInfo>& columns,
                                    const std::vector<int>& places) {
    for (const int place : places) {
      const sql::ColumnInfo& column = columns[static_cast<std::size_t>(place)];
      // In SQLite a declaration promises nothing: the values tell.
      if (dialect_ == sql::Dialect::kPostgres && !is_readable(column.type)) {
        if (is_named(options_, column.name)) return unreadable(source_, column);
        skipped_.push_back(fmt::format("{} ({})", column.name, column.type_name));
        continue;
      }
      places_.push_back(static_cast<std::size_t>(place));
      columns_.emplace_back(column, dialect_);
    }
    return {};
  }
  [[nodiscard]] const std::vector<SqlColumn>& columns() const { return columns_; }
  // After this the statement has exactly the chosen columns.
  void renumber() {
    for (std::size_t i = 0; i < places_.size(); ++i) places_[i] = i;
  }

  [[nodiscard]] Result<Table> read(sql::Statement& statement, Reporter* reporter) {
    std::vector<bool> refused(columns_.size());
    std::uint64_t rows = 0;
    for (;; ++rows) {
      TORII_TRY(const bool more, statement.step());
      if (!more) break;
      if (rows == kRowsMax) {
        return make_error(ErrorCode::kResourceExhausted, "{}: more than {} rows", source_,
                          kRowsMax);
      }
      for (std::size_t i = 0; i < columns_.size(); ++i) {
        if (refused[i] || columns_[i].add(statement, places_[i])) continue;
        if (is_named(options_, columns_[i].info().name)) {
          return unreadable(source_, columns_[i].info());
        }
        refused[i] = true;
      }
      if (reporter != nullptr && (rows + 1) % kRowsBetweenReports == 0) {
        if (reporter->cancelled()) {
          return make_error(ErrorCode::kCancelled, "{}: stopped while it was read", source_);
        }
        reporter->progress(rows + 1, "");
      }
    }
    return finish(refused);
  }

 private:
  [[nodiscard]] Result<Table> finish(const std::vector<bool>& refused) {
    std::vector<Column> done;
    std::map<std::string, std::uint64_t> repaired;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string name = columns_[i].info().name;
      if (refused[i]) {
        skipped_.push_back(name + " (bytes)");
        continue;
      }
      if (columns_[i].repaired() > 0) {
        if (is_named(options_, name)) {
          return invalid("{}: column '{}': {} texts are not UTF-8; write them in UTF-8", source_,
                         name, columns_[i].repaired());
        }
        repaired[name] = columns_[i].repaired();
      }
      TORII_TRY(Column column, std::move(columns_[i]).finish(source_));
      done.push_back(std::move(column));
    }
    Table table(std::move(done), source_);
    table.set_skipped(std::move(skipped_));
    table.set_repaired(std::move(repaired));
    return table;
  }

  std::string source_;
  const ReadOptions& options_;
  sql::Dialect dialect_;
  std::vector<std::size_t> places_;
  std::vector<SqlColumn> columns_;
  std::vector<std::string> skipped_;
};

}  // namespace

Result<Table> read_sql(const SqlSource& source, const ReadOptions& options,
                       const Environment& environment, Reporter* reporter) {
  TORII_TRY(const auto connection, connect(source, environment, reporter));
  TORII_TRY(auto statement, prepare_all(*connection, source, environment));
  const std::string name = source_name(source);
  TORII_TRY(const std::vector<int> places, select_columns(names_of(*statement), options, name));
  RowReader reader(name, options, connection->dialect());
  TORII_TRY_VOID(reader.choose(statement->columns(), places));
  if (reader.columns().empty()) {
    return invalid("{}: has no column that can be read", name);
  }
  if (!source.table.empty()) {
    // Only these columns leave the database.
    std::vector<std::string> quoted;
    for (const SqlColumn& column : reader.columns()) {
      quoted.push_back(sql::quote_name(column.info().name));
    }
    TORII_TRY(statement,
              connection->prepare(select_of(source, fmt::format("{}", fmt::join(quoted, ", ")))));
    reader.renumber();
  }
  TORII_TRY_VOID(statement->start());
  return reader.read(*statement, reporter);
}

Result<std::vector<std::string>> sql_column_names(const SqlSource& source,
                                                  const Environment& environment) {
  TORII_TRY(const auto connection, connect(source, environment, nullptr));
  TORII_TRY(const auto statement, prepare_all(*connection, source, environment));
  return names_of(*statement);
}

}  // namespace torii::data

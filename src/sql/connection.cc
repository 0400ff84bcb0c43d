#include "sql/connection.h"

#include <utility>

#include "sql/postgres.h"
#include "sql/sqlite.h"
#include "sql/uri.h"

namespace torii::sql {

Result<std::uint64_t> Connection::run_once(std::string_view sql,
                                           std::span<const Value> parameters) {
  TORII_TRY(const auto statement, prepare(sql));
  TORII_TRY_VOID(statement->start(parameters));
  for (;;) {
    TORII_TRY(const bool more, statement->step());
    if (!more) return statement->rows_changed();
  }
}

Result<Transaction> Transaction::begin(Connection& connection) {
  // SQLite: the lock is taken now, where waiting for it is possible, not in the middle.
  const bool sqlite = connection.dialect() == Dialect::kSqlite;
  TORII_TRY_VOID(connection.execute(sqlite ? "BEGIN IMMEDIATE" : "BEGIN"));
  return Transaction(connection);
}

Transaction::Transaction(Transaction&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

Transaction::~Transaction() {
  if (connection_ != nullptr) (void)connection_->execute("ROLLBACK");
}

Result<void> Transaction::commit() {
  TORII_TRY_VOID(connection_->execute("COMMIT"));
  connection_ = nullptr;
  return {};
}

std::string quote_name(std::string_view name) {
  std::string text = "\"";
  for (const char c : name) {
    if (c == '"') text += '"';
    text += c;
  }
  return text + '"';
}

std::string quote_table(std::string_view name) {
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return quote_name(name);
  return quote_name(name.substr(0, dot)) + "." + quote_name(name.substr(dot + 1));
}

bool is_database(std::string_view uri) {
  return is_sqlite(uri) || is_postgres(uri);
}

std::string shown_uri(std::string_view uri) {
  return is_postgres(uri) ? parse_postgres_uri(uri).shown : std::string(uri);
}

Result<std::unique_ptr<Connection>> open(const std::string& uri, const Environment& environment,
                                         const ConnectionOptions& options) {
  if (is_sqlite(uri)) return open_sqlite(uri, options);
  if (is_postgres(uri)) return open_postgres(uri, environment, options);
  return invalid("{}: is no database; expected sqlite:FILE or postgres://user@host:port/database",
                 shown_uri(uri));
}

}  // namespace torii::sql

#include "store/sql_session.h"

#include <algorithm>

namespace torii::store {

SqlSession::SqlSession(std::string uri, Environment environment, const OpenOptions& options)
    : uri_(std::move(uri)),
      shown_(sql::shown_uri(uri_)),
      environment_(std::move(environment)),
      is_sqlite_(uri_.starts_with("sqlite:")) {
  options_.access = sql::Access::kWrite;
  options_.connect_timeout_s = std::min(10.0, options.timeout_s);
  options_.lock_timeout_s = options.timeout_s;
  options_.statement_timeout_s = options.timeout_s;
  options_.cancelled = options.cancelled;
}

Result<void> SqlSession::connect() {
  if (!is_lost()) return {};
  statements_.clear();
  connection_ = nullptr;
  TORII_TRY(connection_, sql::open(uri_, environment_, options_));
  if (is_sqlite_) {
    // A commit is on the disk when it returns, and what was deleted is overwritten where that costs
    // nothing.
    TORII_TRY_VOID(run("PRAGMA synchronous=FULL"));
    TORII_TRY_VOID(run("PRAGMA secure_delete=FAST"));
    return {};
  }
  // A server or a role may have been told not to wait for the disk; "remote_apply" and the like
  // stay.
  TORII_TRY_VOID(
      run("SELECT set_config('synchronous_commit', 'on', false) "
          "WHERE current_setting('synchronous_commit') = 'off'"));
  // Tables grow: a plan that was good for the empty one is not kept.
  TORII_TRY_VOID(
      run("SELECT set_config(name, 'force_custom_plan', false) FROM pg_settings "
          "WHERE name = 'plan_cache_mode'"));
  return {};
}

Result<sql::Statement*> SqlSession::prepared(std::string_view sql) {
  if (const auto found = statements_.find(sql); found != statements_.end()) {
    return found->second.get();
  }
  TORII_TRY(auto statement, connection_->prepare(sql));
  return statements_.emplace(std::string(sql), std::move(statement)).first->second.get();
}

Result<std::unique_ptr<sql::Statement>> SqlSession::fresh(std::string_view sql) {
  return connection_->prepare(sql);
}

Result<std::uint64_t> SqlSession::run(std::string_view sql, const std::vector<sql::Value>& values) {
  TORII_TRY(sql::Statement * statement, prepared(sql));
  TORII_TRY_VOID(statement->start(values));
  for (;;) {
    TORII_TRY(const bool more, statement->step());
    if (!more) return statement->rows_changed();
  }
}

Result<std::optional<std::int64_t>> SqlSession::integer(std::string_view sql,
                                                        const std::vector<sql::Value>& values) {
  TORII_TRY(sql::Statement * statement, prepared(sql));
  TORII_TRY_VOID(statement->start(values));
  std::optional<std::int64_t> first;
  for (;;) {  // to the end: a statement that is left in the middle holds its snapshot
    TORII_TRY(const bool more, statement->step());
    if (!more) return first;
    if (!first.has_value() && !statement->is_null(0)) first = statement->integer(0);
  }
}

Result<std::optional<std::string>> SqlSession::text(std::string_view sql,
                                                    const std::vector<sql::Value>& values) {
  TORII_TRY(sql::Statement * statement, prepared(sql));
  TORII_TRY_VOID(statement->start(values));
  std::optional<std::string> first;
  for (;;) {
    TORII_TRY(const bool more, statement->step());
    if (!more) return first;
    if (!first.has_value() && !statement->is_null(0)) first = statement->text(0);
  }
}

Result<void> SqlSession::copy_in(const std::string& table, const std::vector<std::string>& columns,
                                 const sql::Connection::NextRow& next) {
  TORII_TRY_VOID(connection_->copy_in(table, columns, next));
  return {};
}

Result<SqlTransaction> SqlTransaction::begin(SqlSession& session, Mode mode) {
  const auto start = [&]() -> Result<void> {
    std::string_view sql = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    if (mode == Mode::kWrite) sql = session.is_sqlite() ? "BEGIN IMMEDIATE" : "BEGIN";
    if (mode == Mode::kRead && session.is_sqlite()) sql = "BEGIN";
    TORII_TRY_VOID(session.run(sql));
    return {};
  };
  TORII_TRY_VOID(session.reading(start));
  return SqlTransaction(session);
}

SqlTransaction::~SqlTransaction() {
  if (session_ != nullptr && !session_->is_lost()) (void)session_->run("ROLLBACK");
}

Result<void> SqlTransaction::commit() {
  TORII_TRY_VOID(session_->run("COMMIT"));
  session_ = nullptr;
  return {};
}

SqlList id_in(const SqlSession& session, const std::vector<std::string_view>& ids) {
  if (session.is_sqlite()) {
    Json list = Json::array();
    for (const std::string_view id : ids) list.push(id);
    return {"id IN (SELECT value FROM json_each($2))", list.dump()};
  }
  // An array: PostgreSQL looks each of them up in the index, or hashes them, whatever it believes
  // of the table.
  std::string list = "{";
  for (const std::string_view id : ids) {
    list += list.size() == 1 ? "\"" : ",\"";
    for (const char c : id) {
      if (c == '"' || c == '\\') list += '\\';
      list += c;
    }
    list += '"';
  }
  return {"id = ANY($2::text[])", list + "}"};
}

}  // namespace torii::store

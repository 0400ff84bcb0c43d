#pragma once

#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sql/connection.h"
#include "store/store.h"

namespace torii::store {

/// A database connection that is made again after it was lost, with its prepared statements.
class SqlSession {
 public:
  SqlSession(std::string uri, Environment environment, const OpenOptions& options);

  [[nodiscard]] const std::string& shown() const { return shown_; }
  [[nodiscard]] bool is_sqlite() const { return is_sqlite_; }
  /// Connects if there is no connection, or none that works any more.
  [[nodiscard]] Result<void> connect();

  /// A prepared statement, kept. Must be run to its end, or started again.
  [[nodiscard]] Result<sql::Statement*> prepared(std::string_view sql);
  /// One that may be left in the middle of its rows; goes before anything else is run.
  [[nodiscard]] Result<std::unique_ptr<sql::Statement>> fresh(std::string_view sql);
  /// Runs to the end; the rows changed.
  Result<std::uint64_t> run(std::string_view sql, const std::vector<sql::Value>& values = {});
  /// First column of the first row; nullopt if there is none.
  [[nodiscard]] Result<std::optional<std::int64_t>> integer(
      std::string_view sql, const std::vector<sql::Value>& values = {});
  [[nodiscard]] Result<std::optional<std::string>> text(std::string_view sql,
                                                        const std::vector<sql::Value>& values = {});
  /// Calls `row` with the statement on each of its rows; `row` returns a Result<void>.
  template <class Row>
  [[nodiscard]] Result<void> each(std::string_view sql, const std::vector<sql::Value>& values,
                                  Row&& row) {
    TORII_TRY(const auto statement, fresh(sql));
    TORII_TRY_VOID(statement->start(values));
    for (;;) {
      TORII_TRY(const bool more, statement->step());
      if (!more) return {};
      TORII_TRY_VOID(row(std::as_const(*statement)));
    }
  }
  [[nodiscard]] Result<void> copy_in(const std::string& table,
                                     const std::vector<std::string>& columns,
                                     const sql::Connection::NextRow& next);

  /// `read` makes single reading statements: once more, on a new connection, if the old was lost.
  template <class Read>
  [[nodiscard]] auto reading(Read&& read) -> decltype(read()) {
    if (Result<void> connected = connect(); !connected.ok()) return std::move(connected).error();
    auto result = read();
    if (result.ok() || !is_lost()) return result;
    if (Result<void> connected = connect(); !connected.ok()) return std::move(connected).error();
    return read();
  }

 private:
  friend class SqlTransaction;
  [[nodiscard]] bool is_lost() const { return connection_ == nullptr || connection_->is_lost(); }

  std::string uri_, shown_;
  Environment environment_;
  sql::ConnectionOptions options_;
  bool is_sqlite_;
  std::unique_ptr<sql::Connection> connection_;
  std::map<std::string, std::unique_ptr<sql::Statement>, std::less<>> statements_;
};

/// BEGIN ... COMMIT, rolled back where it goes out of scope. kRead: one state of the whole
/// database, and nothing can be written. kWrite: SQLite waits here for the other writer.
class SqlTransaction {
 public:
  enum class Mode : std::uint8_t { kRead, kWrite };
  [[nodiscard]] static Result<SqlTransaction> begin(SqlSession& session, Mode mode);
  SqlTransaction(SqlTransaction&& other) noexcept
      : session_(std::exchange(other.session_, nullptr)) {}
  SqlTransaction& operator=(SqlTransaction&&) = delete;
  ~SqlTransaction();
  [[nodiscard]] Result<void> commit();

 private:
  explicit SqlTransaction(SqlSession& session) : session_(&session) {}
  SqlSession* session_;
};

/// "id is one of many", with the many as one parameter.
struct SqlList {
  std::string condition;  ///< "id ..." with $2
  sql::Value value;       ///< of $2
};
[[nodiscard]] SqlList id_in(const SqlSession& session, const std::vector<std::string_view>& ids);

}  // namespace torii::store

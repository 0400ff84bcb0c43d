#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/environment.h"
#include "base/result.h"

/// One small interface over SQLite and PostgreSQL. SQL itself is not translated: a caller writes
/// what both understand, or asks dialect(). Parameters are $1, $2, ... in both.
namespace torii::sql {

enum class Dialect { kSqlite, kPostgres };

/// What a column or a value holds. kOther: a type that has only its text.
enum class Type {
  kNull,
  kInteger,
  kFloat,  ///< numeric and decimal too
  kBool,
  kText,
  kTimestamp,  ///< text(): "2024-03-01 12:30:45.678", PostgreSQL with "+00" behind it; also dates
  kBytes,
  kJson,
  kTextArray,   ///< PostgreSQL: text(): {a,"b c",NULL}; of texts and of integers
  kFloatArray,  ///< PostgreSQL: {1.5,2} or pgvector's [1.5,2]
  kOther,
};

struct Bytes {
  std::string bytes;
};
/// One parameter that is an array, PostgreSQL's alone: elements of the type with the OID `element`
/// (bytea, unless told), in its binary format.
struct BytesList {
  std::vector<std::string> list;
  std::uint32_t element = 17;
};
/// A parameter; monostate is NULL.
using Value =
    std::variant<std::monostate, std::int64_t, double, bool, std::string, Bytes, BytesList>;

struct ColumnInfo {
  std::string name;
  /// PostgreSQL: of every value. SQLite: what the declaration says, kOther if it says nothing;
  /// values may differ, type() tells.
  Type type = Type::kOther;
  std::string type_name;  ///< as the database calls it, for messages
};

/// A prepared statement. Rows come one by one; the whole result is never in memory. Belongs to its
/// connection and must go before it. One thread at a time.
class Statement {
 public:
  virtual ~Statement() = default;
  [[nodiscard]] virtual const std::vector<ColumnInfo>& columns() const = 0;
  /// Starts (again) with these values of $1, $2, ... Errors: as step(); a wrong number of values.
  [[nodiscard]] virtual Result<void> start(std::span<const Value> parameters = {}) = 0;
  /// The next row; false after the last. Errors: kInvalidArgument (what the database said of the
  /// statement), kIo (connection, lock, disk), kCancelled, kResourceExhausted (full disk).
  [[nodiscard]] virtual Result<bool> step() = 0;
  /// Rows that were inserted, updated or deleted; valid after step() said false.
  [[nodiscard]] virtual std::uint64_t rows_changed() const = 0;

  // The current row; `column` < columns().size(). Views live until the next call of step(),
  // start() or, for the same column, another of these.
  [[nodiscard]] virtual Type type(std::size_t column) const = 0;  ///< of this value
  [[nodiscard]] bool is_null(std::size_t column) const { return type(column) == Type::kNull; }
  /// Value as the database writes it; empty for NULL. kBytes: the bytes.
  [[nodiscard]] virtual std::string_view text(std::size_t column) const = 0;
  /// 0 for NULL and for what is no such number.
  [[nodiscard]] virtual std::int64_t integer(std::size_t column) const = 0;
  [[nodiscard]] virtual double number(std::size_t column) const = 0;
  [[nodiscard]] virtual bool boolean(std::size_t column) const = 0;
};

enum class Access {
  kRead,   ///< nothing can be written, whatever the statement says; the database must exist
  kWrite,  ///< SQLite: made if it is not there, in write-ahead mode
  /// The database of another program: it must exist, and stays in the mode that it is in.
  kWriteForeign,
};

struct ConnectionOptions {
  Access access = Access::kRead;
  /// How long a connection may take, a lock of another writer may be waited for, and a statement
  /// may run without a row.
  double connect_timeout_s = 10;
  double lock_timeout_s = 10;
  double statement_timeout_s = 600;
  /// Asked about ten times a second while a statement runs; true ends it (kCancelled).
  std::function<bool()> cancelled = {};
};

/// A session. One thread at a time; while a statement's rows are read, no other of the same
/// connection may be started.
class Connection {
 public:
  virtual ~Connection() = default;
  [[nodiscard]] virtual Dialect dialect() const = 0;
  /// One statement; an error if there is text behind it.
  [[nodiscard]] virtual Result<std::unique_ptr<Statement>> prepare(std::string_view sql) = 0;
  /// Runs one statement to its end, once, and returns the rows changed.
  [[nodiscard]] Result<std::uint64_t> execute(std::string_view sql,
                                              std::span<const Value> parameters = {}) {
    return run_once(sql, parameters);
  }
  /// Fills rows into a table, as fast as the database can (COPY, or one prepared INSERT; inside of
  /// a transaction of the caller, or of its own). `next` fills the row's values, in the order of
  /// `columns`, and returns false at the end. Names are quoted. Returns the number of rows.
  using NextRow = std::function<Result<bool>(std::vector<Value>& row)>;
  [[nodiscard]] virtual Result<std::uint64_t> copy_in(const std::string& table,
                                                      const std::vector<std::string>& columns,
                                                      const NextRow& next) = 0;
  /// The server or the way to it is gone: only a new connection helps. SQLite: never.
  [[nodiscard]] virtual bool is_lost() const = 0;

 protected:
  [[nodiscard]] virtual Result<std::uint64_t> run_once(std::string_view sql,
                                                       std::span<const Value> parameters);
};

/// BEGIN ... COMMIT; rolled back where it goes out of scope without commit().
class Transaction {
 public:
  [[nodiscard]] static Result<Transaction> begin(Connection& connection);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  [[nodiscard]] Result<void> commit();

 private:
  explicit Transaction(Connection& connection) : connection_(&connection) {}
  Connection* connection_;
};

/// `name` within quotes, safe in a statement.
[[nodiscard]] std::string quote_name(std::string_view name);
/// The same for "table" and "schema.table".
[[nodiscard]] std::string quote_table(std::string_view name);

/// Whether it is a name for open(): sqlite:..., postgres://..., postgresql://...
[[nodiscard]] bool is_database(std::string_view uri);
/// The URI without its password and other parameters, for messages: "postgres://me@host:5432/shop".
[[nodiscard]] std::string shown_uri(std::string_view uri);

/// Opens sqlite:FILE or postgres://[user[:password]@]host[:port]/database[?key=value&...] (what
/// libpq takes; host may be a folder with the server's socket, percent-encoded or ?host=/folder).
/// The password may come from PGPASSWORD or from the file PGPASSFILE (else $HOME/.pgpass) of the
/// environment map. Errors: kInvalidArgument (no such URI), kNotFound (file, database), kIo. No
/// message holds a password.
[[nodiscard]] Result<std::unique_ptr<Connection>> open(const std::string& uri,
                                                       const Environment& environment,
                                                       const ConnectionOptions& options = {});

}  // namespace torii::sql

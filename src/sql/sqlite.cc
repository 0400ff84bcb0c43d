#include "sql/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "base/check.h"

namespace torii::sql {
namespace {

constexpr int kOpcodesBetweenChecks = 100'000;  // a few milliseconds

// What the running statement is stopped by.
struct Watch {
  std::function<bool()> cancelled;
  double timeout_s = 0;
  double lock_timeout_s = 0;
  std::chrono::steady_clock::time_point since, waiting_since;
  bool was_cancelled = false;
  bool ran_out = false;

  void restart() {
    since = std::chrono::steady_clock::now();
    was_cancelled = false;
  }
};

int look_at_watch(void* pointer) {
  auto& watch = *static_cast<Watch*>(pointer);
  watch.was_cancelled = watch.cancelled && watch.cancelled();
  const std::chrono::duration<double> running = std::chrono::steady_clock::now() - watch.since;
  watch.ran_out = running.count() > watch.timeout_s;
  return watch.was_cancelled || watch.ran_out ? 1 : 0;
}

// Asked again and again while another holds the lock. SQLite's own handler soon sleeps a tenth of a
// second between two tries and finds a busy writer's short pauses by luck only.
int wait_for_lock(void* pointer, int tries) {
  auto& watch = *static_cast<Watch*>(pointer);
  const auto now = std::chrono::steady_clock::now();
  if (tries == 0) watch.waiting_since = now;
  if (tries % 128 == 127) watch.was_cancelled = watch.cancelled && watch.cancelled();
  const std::chrono::duration<double> waited = now - watch.waiting_since;
  if (watch.was_cancelled || waited.count() > watch.lock_timeout_s) return 0;
  std::this_thread::sleep_for(std::chrono::microseconds(tries < 10 ? 100 : 700));
  return 1;
}

ErrorCode code_of(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return ErrorCode::kResourceExhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::kCorrupt;
    case SQLITE_ERROR:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_READONLY:
    case SQLITE_RANGE:
    case SQLITE_AUTH:
      return ErrorCode::kInvalidArgument;
    default:
      return ErrorCode::kIo;
  }
}

Error failure(sqlite3* database, const std::string& uri, int code, Watch& watch) {
  if ((code & 0xff) == SQLITE_BUSY && watch.was_cancelled) {
    return make_error(ErrorCode::kCancelled, "{}: cancelled", uri);
  }
  if ((code & 0xff) == SQLITE_INTERRUPT) {
    if (watch.was_cancelled) return make_error(ErrorCode::kCancelled, "{}: cancelled", uri);
    return make_error(ErrorCode::kIo, "{}: no row within {} s; the statement was ended", uri,
                      watch.timeout_s);
  }
  const char* text = database == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(database);
  const char* advice = "";
  if ((code & 0xff) == SQLITE_BUSY) advice = "; another program writes to it: try again later";
  if ((code & 0xff) == SQLITE_NOTADB) advice = "; expected an SQLite database file";
  if ((code & 0xff) == SQLITE_CANTOPEN) {
    advice = "; check that the file can be read (and, in write-ahead mode, its folder written)";
  }
  if ((code & 0xff) == SQLITE_FULL) advice = "; free some space on its disk";
  return make_error(code_of(code), "{}: {}{}", uri, text, advice);
}

bool contains(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

// By SQLite's own rules of affinity, with the names that people use for what SQLite has not.
Type declared_type(const char* declaration) {
  if (declaration == nullptr) return Type::kOther;
  std::string name(declaration);
  for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (contains(name, {"BOOL"})) return Type::kBool;
  if (contains(name, {"DATE", "TIMESTAMP"})) return Type::kTimestamp;
  if (contains(name, {"JSON"})) return Type::kJson;
  if (contains(name, {"INT"})) return Type::kInteger;
  if (contains(name, {"CHAR", "CLOB", "TEXT"})) return Type::kText;
  if (contains(name, {"BLOB"})) return Type::kBytes;
  if (contains(name, {"REAL", "FLOA", "DOUB", "NUMERIC", "DECIMAL"})) return Type::kFloat;
  return Type::kOther;
}

class SqliteStatement final : public Statement {
 public:
  SqliteStatement(sqlite3_stmt* statement, std::string uri, Watch& watch)
      : statement_(statement), uri_(std::move(uri)), watch_(watch) {
    for (int i = 0; i < sqlite3_column_count(statement); ++i) {
      const char* declaration = sqlite3_column_decltype(statement, i);
      columns_.push_back({sqlite3_column_name(statement, i), declared_type(declaration),
                          declaration == nullptr ? "" : declaration});
    }
    for (int i = 1; i <= sqlite3_bind_parameter_count(statement); ++i) {
      places_.push_back(sqlite3_bind_parameter_index(statement, fmt::format("${}", i).c_str()));
    }
  }
  ~SqliteStatement() override { sqlite3_finalize(statement_); }
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;

  [[nodiscard]] const std::vector<ColumnInfo>& columns() const override { return columns_; }

  [[nodiscard]] Result<void> start(std::span<const Value> parameters) override {
    sqlite3_reset(statement_);  // it repeats the error of the last step()
    sqlite3_clear_bindings(statement_);
    changed_ = 0;
    if (places_.size() != parameters.size()) {
      return invalid("{}: the statement takes {} values, {} were given", uri_, places_.size(),
                     parameters.size());
    }
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const int place = places_[i];
      if (place == 0) return invalid("{}: the statement has no parameter ${}", uri_, i + 1);
      if (const int code = bind(place, parameters[i]); code != SQLITE_OK) return fault(code);
    }
    return {};
  }

  [[nodiscard]] Result<bool> step() override {
    watch_.restart();
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) {
      const bool reads = sqlite3_stmt_readonly(statement_) != 0;
      const auto changes = sqlite3_changes64(sqlite3_db_handle(statement_));
      changed_ = reads ? 0 : static_cast<std::uint64_t>(changes);
      sqlite3_reset(statement_);
      return false;
    }
    Error error = fault(code);
    sqlite3_reset(statement_);
    return error;
  }

  [[nodiscard]] std::uint64_t rows_changed() const override { return changed_; }

  [[nodiscard]] Type type(std::size_t column) const override {
    switch (sqlite3_column_type(statement_, static_cast<int>(column))) {
      case SQLITE_INTEGER:
        return columns_[column].type == Type::kBool ? Type::kBool : Type::kInteger;
      case SQLITE_FLOAT:
        return Type::kFloat;
      case SQLITE_BLOB:
        return Type::kBytes;
      case SQLITE_NULL:
        return Type::kNull;
      default: {
        const Type declared = columns_[column].type;
        return declared == Type::kTimestamp || declared == Type::kJson ? declared : Type::kText;
      }
    }
  }

  [[nodiscard]] std::string_view text(std::size_t column) const override {
    const int place = static_cast<int>(column);
    const void* bytes = sqlite3_column_type(statement_, place) == SQLITE_BLOB
                            ? sqlite3_column_blob(statement_, place)
                            : sqlite3_column_text(statement_, place);
    if (bytes == nullptr) return {};
    return {static_cast<const char*>(bytes),
            static_cast<std::size_t>(sqlite3_column_bytes(statement_, place))};
  }
  [[nodiscard]] std::int64_t integer(std::size_t column) const override {
    return sqlite3_column_int64(statement_, static_cast<int>(column));
  }
  [[nodiscard]] double number(std::size_t column) const override {
    return sqlite3_column_double(statement_, static_cast<int>(column));
  }
  [[nodiscard]] bool boolean(std::size_t column) const override { return integer(column) != 0; }

 private:
  Error fault(int code) { return failure(sqlite3_db_handle(statement_), uri_, code, watch_); }

  int bind(int place, const Value& value) {
    if (const auto* integer_value = std::get_if<std::int64_t>(&value)) {
      return sqlite3_bind_int64(statement_, place, *integer_value);
    }
    if (const auto* number_value = std::get_if<double>(&value)) {
      return sqlite3_bind_double(statement_, place, *number_value);
    }
    if (const auto* bool_value = std::get_if<bool>(&value)) {
      return sqlite3_bind_int64(statement_, place, *bool_value ? 1 : 0);
    }
    if (const auto* text_value = std::get_if<std::string>(&value)) {
      return sqlite3_bind_text64(statement_, place, text_value->data(), text_value->size(),
                                 SQLITE_TRANSIENT, SQLITE_UTF8);
    }
    if (const auto* bytes_value = std::get_if<Bytes>(&value)) {
      // A null pointer would bind NULL.
      const char* data = bytes_value->bytes.empty() ? "" : bytes_value->bytes.data();
      return sqlite3_bind_blob64(statement_, place, data, bytes_value->bytes.size(),
                                 SQLITE_TRANSIENT);
    }
    if (std::holds_alternative<BytesList>(value)) return SQLITE_MISMATCH;
    return sqlite3_bind_null(statement_, place);
  }

  sqlite3_stmt* statement_;
  std::string uri_;
  Watch& watch_;
  std::vector<ColumnInfo> columns_;
  std::vector<int> places_;  // of $1, $2, ...
  std::uint64_t changed_ = 0;
};

class SqliteConnection final : public Connection {
 public:
  SqliteConnection(sqlite3* database, std::string uri, std::string path,
                   const ConnectionOptions& options)
      : database_(database), uri_(std::move(uri)), path_(std::move(path)) {
    watch_.cancelled = options.cancelled;
    watch_.timeout_s = options.statement_timeout_s;
    watch_.restart();
    sqlite3_extended_result_codes(database, 1);
    watch_.lock_timeout_s = options.lock_timeout_s;
    sqlite3_busy_handler(database, wait_for_lock, &watch_);
    sqlite3_progress_handler(database, kOpcodesBetweenChecks, look_at_watch, &watch_);
  }
  ~SqliteConnection() override { sqlite3_close_v2(database_); }
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  [[nodiscard]] Dialect dialect() const override { return Dialect::kSqlite; }

  [[nodiscard]] Result<std::unique_ptr<Statement>> prepare(std::string_view sql) override {
    sqlite3_stmt* statement = nullptr;
    const char* tail = nullptr;
    watch_.restart();
    const int code =
        sqlite3_prepare_v2(database_, sql.data(), static_cast<int>(sql.size()), &statement, &tail);
    if (code != SQLITE_OK) return failure(database_, uri_, code, watch_);
    if (statement == nullptr) return invalid("{}: the statement is empty", uri_);
    auto owned = std::make_unique<SqliteStatement>(statement, uri_, watch_);
    sqlite3_stmt* second = nullptr;
    const char* end = sql.data() + sql.size();
    const int more =
        sqlite3_prepare_v2(database_, tail, static_cast<int>(end - tail), &second, nullptr);
    sqlite3_finalize(second);
    if (more != SQLITE_OK || second != nullptr) {
      return invalid("{}: expected one statement, found more behind it", uri_);
    }
    return std::unique_ptr<Statement>(std::move(owned));
  }

  [[nodiscard]] Result<std::uint64_t> copy_in(const std::string& table,
                                              const std::vector<std::string>& columns,
                                              const NextRow& next) override {
    const bool own = sqlite3_get_autocommit(database_) != 0;
    std::string names, places;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      names += (i == 0 ? "" : ", ") + quote_name(columns[i]);
      places += fmt::format("{}${}", i == 0 ? "" : ", ", i + 1);
    }
    TORII_TRY(const auto insert, prepare(fmt::format("INSERT INTO {} ({}) VALUES ({})",
                                                     quote_table(table), names, places)));
    const auto fill = [&]() -> Result<std::uint64_t> {
      std::uint64_t rows = 0;
      for (std::vector<Value> row;; ++rows) {
        row.clear();
        TORII_TRY(const bool more, next(row));
        if (!more) return rows;
        TORII_TRY_VOID(insert->start(row));
        TORII_TRY_VOID(insert->step());
      }
    };
    if (!own) return fill();
    TORII_TRY(Transaction transaction, Transaction::begin(*this));
    TORII_TRY(const std::uint64_t rows, fill());
    TORII_TRY_VOID(transaction.commit());
    return rows;
  }

  // Another file lies at the name since it was opened: a backup was put in its place. A file that
  // is only gone goes on, or a new empty one would come of it.
  [[nodiscard]] bool is_lost() const override {
    if (sqlite3_get_autocommit(database_) == 0) return false;  // a transaction ends where it began
    int moved = 0;
    if (sqlite3_file_control(database_, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK) {
      return false;
    }
    std::error_code ignored;
    return moved != 0 && std::filesystem::exists(path_, ignored);
  }

 private:
  sqlite3* database_;
  std::string uri_, path_;
  Watch watch_;
};

}  // namespace

Result<std::unique_ptr<Connection>> open_sqlite(const std::string& uri,
                                                const ConnectionOptions& options) {
  std::string path = uri.substr(std::string_view("sqlite:").size());
  if (path.starts_with("///")) path.erase(0, 2);  // sqlite:///shop.db is an absolute path here
  if (path.empty() || path.find('\0') != std::string::npos) {
    return invalid("{}: names no file; expected sqlite:FILE", uri);
  }
  const bool write = options.access != Access::kRead;
  const bool make = options.access == Access::kWrite;
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!make && status.type() == std::filesystem::file_type::not_found) {
    return make_error(ErrorCode::kNotFound, "{}: there is no file {}", uri, path);
  }
  if (std::filesystem::is_directory(status)) {
    return invalid("{}: {} is a folder; expected an SQLite database file", uri, path);
  }
  sqlite3* database = nullptr;
  const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
                    (make ? SQLITE_OPEN_CREATE : 0);
  // "./": a name such as ":memory:" or "file:x" means a file here, nothing else.
  const std::string named = path.starts_with('/') ? path : "./" + path;
  const int code = sqlite3_open_v2(named.c_str(), &database, flags, nullptr);
  Watch unused;
  if (code != SQLITE_OK) {
    Error fault = failure(database, uri, code, unused);
    sqlite3_close_v2(database);
    return fault;
  }
  // A hostile file must not run code of ours through its schema.
  sqlite3_db_config(database, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  auto connection = std::make_unique<SqliteConnection>(database, uri, path, options);
  if (make) {
    TORII_TRY_VOID(connection->execute("PRAGMA journal_mode=WAL"));
    TORII_TRY_VOID(connection->execute("PRAGMA foreign_keys=ON"));
  }
  if (!write) {
    TORII_TRY_VOID(connection->execute("PRAGMA query_only=ON"));
  }
  // Reads the file's head: what is no database is told now.
  TORII_TRY_VOID(connection->execute("SELECT count(*) FROM sqlite_master"));
  return std::unique_ptr<Connection>(std::move(connection));
}

}  // namespace torii::sql

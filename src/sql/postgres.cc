#include "sql/postgres.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "base/check.h"
#include "sql/postgres_session.h"

namespace torii::sql {
namespace {

// Object identifiers of built-in types: fixed for all time (pg_type.dat).
const std::map<Oid, std::pair<Type, const char*>>& built_in_types() {
  static const std::map<Oid, std::pair<Type, const char*>> types = {
      {16, {Type::kBool, "boolean"}},
      {17, {Type::kBytes, "bytea"}},
      {20, {Type::kInteger, "bigint"}},
      {21, {Type::kInteger, "smallint"}},
      {23, {Type::kInteger, "integer"}},
      {26, {Type::kInteger, "oid"}},
      {18, {Type::kText, "char"}},
      {19, {Type::kText, "name"}},
      {25, {Type::kText, "text"}},
      {1042, {Type::kText, "character"}},
      {1043, {Type::kText, "character varying"}},
      {2950, {Type::kText, "uuid"}},
      {114, {Type::kJson, "json"}},
      {3802, {Type::kJson, "jsonb"}},
      {700, {Type::kFloat, "real"}},
      {701, {Type::kFloat, "double precision"}},
      {1700, {Type::kFloat, "numeric"}},
      {1082, {Type::kTimestamp, "date"}},
      {1114, {Type::kTimestamp, "timestamp"}},
      {1184, {Type::kTimestamp, "timestamp with time zone"}},
      {1009, {Type::kTextArray, "text[]"}},
      {1014, {Type::kTextArray, "character[]"}},
      {1015, {Type::kTextArray, "character varying[]"}},
      {2951, {Type::kTextArray, "uuid[]"}},
      {1005, {Type::kTextArray, "smallint[]"}},
      {1007, {Type::kTextArray, "integer[]"}},
      {1016, {Type::kTextArray, "bigint[]"}},
      {1021, {Type::kFloatArray, "real[]"}},
      {1022, {Type::kFloatArray, "double precision[]"}},
      {1231, {Type::kFloatArray, "numeric[]"}},
  };
  return types;
}

constexpr Oid kByteaOid = 17;

unsigned digit_of(char c) {
  return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
}

// "\x6869" as the server sends bytes.
std::string unhexed(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 2; i + 1 < text.size(); i += 2) {
    bytes += static_cast<char>(digit_of(text[i]) << 4U | digit_of(text[i + 1]));
  }
  return bytes;
}

std::string hexed(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "\\x";
  text.reserve(2 + 2 * bytes.size());
  for (const char c : bytes) {
    text += kDigits[static_cast<unsigned char>(c) >> 4U];
    text += kDigits[static_cast<unsigned char>(c) & 15U];
  }
  return text;
}

// As a parameter or a field of COPY; no value for NULL.
std::optional<std::string> text_of(const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
  if (const auto* number = std::get_if<double>(&value)) return fmt::format("{}", *number);
  if (const auto* boolean = std::get_if<bool>(&value)) return *boolean ? "true" : "false";
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* bytes = std::get_if<Bytes>(&value)) return hexed(bytes->bytes);
  return std::nullopt;
}

void append_big_endian(std::string& bytes, std::uint32_t number) {
  for (const unsigned shift : {24U, 16U, 8U, 0U}) bytes += static_cast<char>(number >> shift);
}

// An array in the binary format: dimensions, has NULLs, type of the elements, size and first index;
// then each element behind its length.
std::string binary_of(const BytesList& value) {
  std::string bytes;
  std::size_t size = 20;
  for (const std::string& one : value.list) size += 4 + one.size();
  bytes.reserve(size);
  append_big_endian(bytes, value.list.empty() ? 0 : 1);
  append_big_endian(bytes, 0);
  append_big_endian(bytes, value.element);
  if (value.list.empty()) return bytes;
  append_big_endian(bytes, static_cast<std::uint32_t>(value.list.size()));
  append_big_endian(bytes, 1);
  for (const std::string& one : value.list) {
    append_big_endian(bytes, static_cast<std::uint32_t>(one.size()));
    bytes += one;
  }
  return bytes;
}

// Parameters as libpq takes them.
class PostgresParameters {
 public:
  static Result<PostgresParameters> of(std::span<const Value> values, const std::string& shown) {
    PostgresParameters made;
    for (const Value& value : values) {
      const auto* list = std::get_if<BytesList>(&value);
      made.texts_.push_back(list == nullptr ? text_of(value) : binary_of(*list));
      const auto& text = made.texts_.back();
      if (list == nullptr && text.has_value() && text->find('\0') != std::string::npos) {
        return invalid("{}: value {} is a text with a zero byte", shown, made.texts_.size());
      }
      made.lengths_.push_back(text.has_value() ? static_cast<int>(text->size()) : 0);
      made.formats_.push_back(list == nullptr ? 0 : 1);
    }
    return made;
  }
  // Of this object where it lies now.
  [[nodiscard]] const char* const* pointers() {
    pointers_.clear();
    for (const auto& text : texts_) pointers_.push_back(text.has_value() ? text->c_str() : nullptr);
    return pointers_.data();
  }
  [[nodiscard]] const int* lengths() const { return lengths_.data(); }
  [[nodiscard]] const int* formats() const { return formats_.data(); }
  [[nodiscard]] int count() const { return static_cast<int>(texts_.size()); }

 private:
  std::vector<std::optional<std::string>> texts_;
  std::vector<const char*> pointers_;
  std::vector<int> lengths_, formats_;
};

class PostgresStatement final : public Statement {
 public:
  PostgresStatement(std::shared_ptr<PostgresSession> session, std::string name,
                    std::vector<ColumnInfo> columns, int parameters)
      : session_(std::move(session)),
        name_(std::move(name)),
        columns_(std::move(columns)),
        parameters_(parameters),
        row_(nullptr, {&session_->pq()}) {}
  ~PostgresStatement() override {
    if (running_) session_->drop_rest();
    const std::string drop = "DEALLOCATE " + name_;
    const Libpq& pq = session_->pq();
    if (pq.PQsendQueryParams(session_->wire(), drop.c_str(), 0, nullptr, nullptr, nullptr, nullptr,
                             0) != 0) {
      (void)session_->last_result();
    }
  }
  PostgresStatement(const PostgresStatement&) = delete;
  PostgresStatement& operator=(const PostgresStatement&) = delete;

  [[nodiscard]] const std::vector<ColumnInfo>& columns() const override { return columns_; }

  [[nodiscard]] Result<void> start(std::span<const Value> values) override {
    if (running_) session_->drop_rest();
    running_ = false;
    changed_ = 0;
    if (values.size() != static_cast<std::size_t>(parameters_)) {
      return invalid("{}: the statement takes {} values, {} were given", session_->shown(),
                     parameters_, values.size());
    }
    TORII_TRY(PostgresParameters parameters, PostgresParameters::of(values, session_->shown()));
    const Libpq& pq = session_->pq();
    if (pq.PQsendQueryPrepared(session_->wire(), name_.c_str(), parameters_, parameters.pointers(),
                               parameters.lengths(), parameters.formats(), 0) == 0) {
      return session_->wire_error();
    }
    pq.PQsetSingleRowMode(session_->wire());
    running_ = true;
    return {};
  }

  [[nodiscard]] Result<bool> step() override {
    if (!running_) return false;
    const Libpq& pq = session_->pq();
    auto next = session_->next_result();
    if (!next.ok()) {
      running_ = false;
      return std::move(next).error();
    }
    row_ = std::move(*next);
    if (row_ != nullptr && pq.PQresultStatus(row_.get()) == PGRES_SINGLE_TUPLE) return true;
    running_ = false;
    if (row_ == nullptr) return session_->wire_error();
    const Result<void> status = session_->check(row_.get());
    if (status.ok()) {
      const std::string_view count = pq.PQcmdTuples(row_.get());
      // Of a SELECT it is the number of its rows.
      if (columns_.empty()) std::from_chars(count.data(), count.data() + count.size(), changed_);
    }
    const Result<PostgresResult> end = session_->next_result();
    TORII_TRY_VOID(status);
    if (!end.ok()) return end.error();
    return false;
  }

  [[nodiscard]] std::uint64_t rows_changed() const override { return changed_; }

  [[nodiscard]] Type type(std::size_t column) const override {
    const bool null = session_->pq().PQgetisnull(row_.get(), 0, static_cast<int>(column)) != 0;
    return null ? Type::kNull : columns_[column].type;
  }
  [[nodiscard]] std::string_view text(std::size_t column) const override {
    const int place = static_cast<int>(column);
    const Libpq& pq = session_->pq();
    const std::string_view text(pq.PQgetvalue(row_.get(), 0, place),
                                static_cast<std::size_t>(pq.PQgetlength(row_.get(), 0, place)));
    if (columns_[column].type != Type::kBytes) return text;
    bytes_ = unhexed(text);
    return bytes_;
  }
  [[nodiscard]] std::int64_t integer(std::size_t column) const override {
    if (columns_[column].type == Type::kBool) return boolean(column) ? 1 : 0;
    return parsed<std::int64_t>(column);
  }
  [[nodiscard]] double number(std::size_t column) const override { return parsed<double>(column); }
  [[nodiscard]] bool boolean(std::size_t column) const override {
    return text(column).starts_with('t');
  }

 private:
  template <class Number>
  [[nodiscard]] Number parsed(std::size_t column) const {
    const std::string_view digits = text(column);
    Number value{};
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
  }

  std::shared_ptr<PostgresSession> session_;
  std::string name_;
  std::vector<ColumnInfo> columns_;
  int parameters_;
  PostgresResult row_;
  mutable std::string bytes_;
  bool running_ = false;
  std::uint64_t changed_ = 0;
};

class PostgresConnection final : public Connection {
 public:
  explicit PostgresConnection(std::shared_ptr<PostgresSession> session)
      : session_(std::move(session)) {}

  [[nodiscard]] Dialect dialect() const override { return Dialect::kPostgres; }

  [[nodiscard]] Result<std::unique_ptr<Statement>> prepare(std::string_view sql) override {
    const Libpq& pq = session_->pq();
    const std::string name = session_->next_name();
    const std::string text(sql);
    if (pq.PQsendPrepare(session_->wire(), name.c_str(), text.c_str(), 0, nullptr) == 0) {
      return session_->wire_error();
    }
    TORII_TRY_VOID(session_->last_result());
    if (pq.PQsendDescribePrepared(session_->wire(), name.c_str()) == 0) {
      return session_->wire_error();
    }
    TORII_TRY(const PostgresResult facts, session_->last_result());
    std::vector<ColumnInfo> columns;
    for (int i = 0; i < pq.PQnfields(facts.get()); ++i) {
      TORII_TRY(ColumnInfo column, type_of(pq.PQftype(facts.get(), i)));
      column.name = pq.PQfname(facts.get(), i);
      columns.push_back(std::move(column));
    }
    return std::unique_ptr<Statement>(std::make_unique<PostgresStatement>(
        session_, name, std::move(columns), pq.PQnparams(facts.get())));
  }

  [[nodiscard]] Result<std::uint64_t> copy_in(const std::string& table,
                                              const std::vector<std::string>& columns,
                                              const NextRow& next) override {
    const Libpq& pq = session_->pq();
    std::string names;
    for (const std::string& name : columns) names += (names.empty() ? "" : ", ") + quote_name(name);
    const std::string copy = fmt::format("COPY {} ({}) FROM STDIN", quote_table(table), names);
    if (pq.PQsendQueryParams(session_->wire(), copy.c_str(), 0, nullptr, nullptr, nullptr, nullptr,
                             0) == 0) {
      return session_->wire_error();
    }
    TORII_TRY(const PostgresResult begun, session_->next_result());
    if (Result<void> status = session_->check(begun.get()); !status.ok()) {
      (void)session_->next_result();
      return std::move(status).error();
    }
    std::string lines;
    const auto fill = [&]() -> Result<void> {
      for (std::vector<Value> row;;) {
        row.clear();
        TORII_TRY(const bool more, next(row));
        if (more) add_line(row, lines);
        if (lines.size() >= kCopyBytes || !more) {
          if (pq.PQputCopyData(session_->wire(), lines.data(), static_cast<int>(lines.size())) != 1)
            return session_->wire_error();
          lines.clear();
        }
        if (!more) return {};
      }
    };
    const Result<void> filled = fill();
    const char* refusal = filled.ok() ? nullptr : "the rows could not be made";
    if (pq.PQputCopyEnd(session_->wire(), refusal) != 1) return session_->wire_error();
    const Result<PostgresResult> end = session_->last_result();
    TORII_TRY_VOID(filled);
    if (!end.ok()) return end.error();
    const std::string_view count = pq.PQcmdTuples(end->get());
    std::uint64_t rows = 0;
    std::from_chars(count.data(), count.data() + count.size(), rows);
    return rows;
  }

  [[nodiscard]] bool is_lost() const override {
    return session_->pq().PQstatus(session_->wire()) != CONNECTION_OK;
  }

 protected:
  // In one turn, where preparing takes four.
  [[nodiscard]] Result<std::uint64_t> run_once(std::string_view sql,
                                               std::span<const Value> values) override {
    const Libpq& pq = session_->pq();
    const std::string text(sql);
    TORII_TRY(PostgresParameters parameters, PostgresParameters::of(values, session_->shown()));
    if (pq.PQsendQueryParams(session_->wire(), text.c_str(), parameters.count(), nullptr,
                             parameters.pointers(), parameters.lengths(), parameters.formats(),
                             0) == 0) {
      return session_->wire_error();
    }
    pq.PQsetSingleRowMode(session_->wire());
    TORII_TRY(const PostgresResult last, session_->last_result());
    std::uint64_t changed = 0;
    const std::string_view count = pq.PQcmdTuples(last.get());
    // Of a SELECT it is the number of its rows.
    if (pq.PQnfields(last.get()) == 0) {
      std::from_chars(count.data(), count.data() + count.size(), changed);
    }
    return changed;
  }

 private:
  static constexpr std::size_t kCopyBytes = 256 * 1024;

  // One line of COPY's text format.
  static void add_line(const std::vector<Value>& row, std::string& lines) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) lines += '\t';
      const std::optional<std::string> text = text_of(row[i]);
      if (!text.has_value()) {
        lines += "\\N";
        continue;
      }
      for (const char c : *text) {
        switch (c) {
          case '\\':
            lines += "\\\\";
            break;
          case '\t':
            lines += "\\t";
            break;
          case '\n':
            lines += "\\n";
            break;
          case '\r':
            lines += "\\r";
            break;
          default:
            lines += c;
        }
      }
    }
    lines += '\n';
  }

  // Types that extensions and users made are looked up, once each.
  [[nodiscard]] Result<ColumnInfo> type_of(Oid oid) {
    if (const auto known = built_in_types().find(oid); known != built_in_types().end()) {
      return ColumnInfo{"", known->second.first, known->second.second};
    }
    if (const auto known = made_types_.find(oid); known != made_types_.end()) return known->second;
    const Libpq& pq = session_->pq();
    const std::string number = std::to_string(oid);
    const std::array<const char*, 1> values = {number.c_str()};
    if (pq.PQsendQueryParams(session_->wire(),
                             "SELECT typname, typtype FROM pg_catalog.pg_type WHERE oid = $1::oid",
                             1, nullptr, values.data(), nullptr, nullptr, 0) == 0) {
      return session_->wire_error();
    }
    TORII_TRY(const PostgresResult found, session_->last_result());
    ColumnInfo info{"", Type::kOther, "type " + number};
    if (pq.PQntuples(found.get()) == 1) {
      info.type_name = pq.PQgetvalue(found.get(), 0, 0);
      const bool is_enum = std::string_view(pq.PQgetvalue(found.get(), 0, 1)) == "e";
      if (is_enum || info.type_name == "citext") info.type = Type::kText;
      if (info.type_name == "vector" || info.type_name == "halfvec") info.type = Type::kFloatArray;
    }
    made_types_[oid] = info;
    return info;
  }

  std::shared_ptr<PostgresSession> session_;
  std::map<Oid, ColumnInfo> made_types_;
};

std::string value_of(const Environment& environment, std::string_view name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

}  // namespace

Result<std::unique_ptr<Connection>> open_postgres(const std::string& uri,
                                                  const Environment& environment,
                                                  const ConnectionOptions& options) {
  TORII_TRY(const Libpq* pq, libpq());
  PostgresUri parsed = parse_postgres_uri(uri);
  const std::string password = value_of(environment, "PGPASSWORD");
  if (!password.empty()) parsed.secrets.push_back(password);
  std::string passfile = value_of(environment, "PGPASSFILE");
  const std::string home = value_of(environment, "HOME");
  if (passfile.empty() && !home.empty()) passfile = home + "/.pgpass";
  const std::string seconds =
      std::to_string(std::max(2, static_cast<int>(options.connect_timeout_s)));
  // Of a name that comes twice the later counts: what the URI says goes before these.
  const std::array<const char*, 8> names = {"password",
                                            "passfile",
                                            "connect_timeout",
                                            "tcp_user_timeout",
                                            "fallback_application_name",
                                            "dbname",
                                            "client_encoding",
                                            nullptr};
  const std::array<const char*, 8> values = {password.c_str(), passfile.c_str(), seconds.c_str(),
                                             "60000",          "torii",          uri.c_str(),
                                             "UTF8",           nullptr};
  PGconn* wire = pq->PQconnectdbParams(names.data(), values.data(), /*expand_dbname=*/1);
  auto session = std::make_shared<PostgresSession>(pq, wire, std::move(parsed), options);
  if (pq->PQstatus(wire) != CONNECTION_OK) {
    Error error = session->wire_error();
    if (error.message.find("does not exist") != std::string::npos)
      error.code = ErrorCode::kNotFound;
    if (error.message.find("password") != std::string::npos) {
      error.message += "; set PGPASSWORD, or PGPASSFILE, or write it into the URI";
    }
    return error;
  }
  // Notices are for the terminal of psql.
  pq->PQsetNoticeProcessor(
      wire, [](void*, const char*) {}, nullptr);
  auto connection = std::make_unique<PostgresConnection>(session);
  // Nobody's personal settings decide how values are written.
  TORII_TRY_VOID(connection->execute(
      "SELECT set_config('DateStyle', 'ISO, YMD', false), set_config('TimeZone', 'UTC', false), "
      "set_config('bytea_output', 'hex', false), set_config('extra_float_digits', '1', false)"));
  TORII_TRY_VOID(connection->execute(
      fmt::format("SET lock_timeout = {}", static_cast<int>(options.lock_timeout_s * 1000))));
  if (options.access == Access::kRead) {
    // Inside of it nothing can be made writable again, whatever a statement tries.
    TORII_TRY_VOID(
        connection->execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"));
    // Until the first query it still could: this is it.
    TORII_TRY_VOID(connection->execute("SELECT 1"));
  }
  return std::unique_ptr<Connection>(std::move(connection));
}

}  // namespace torii::sql

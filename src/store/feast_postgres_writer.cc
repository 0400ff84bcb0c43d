#include <algorithm>
#include <cstdint>
#include <utility>

#include "feast/online_layout.h"
#include "feast/repo_config.h"
#include "store/feast_publications.h"
#include "store/feast_writer.h"

// PostgreSQL: one transaction. Rows go block by block as binary arrays, each by one statement,
// whose condition leaves newer rows alone even if somebody writes them at the same moment. COPY of
// text into a temporary table and an INSERT from there cost five times the processor time here
// (100,000 users with lists of 100: 4.2 s instead of 0.9), and four tables made and dropped at each
// commit.
namespace torii::store {
namespace {

constexpr std::size_t kFeastBlockBytes = std::size_t{4} << 20;

// "2026-11-22T12:34:56.789+00": what a session's time zone does not change.
std::string postgres_time(std::int64_t time_ms) {
  std::string text = feast::shown_time(time_ms);
  text.pop_back();
  return text + "+00";
}

class FeastPostgresWriter final : public FeastWriter {
 public:
  FeastPostgresWriter(FeastWriterInput input, std::string uri, std::string schema)
      : input_(std::move(input)),
        uri_(std::move(uri)),
        schema_(std::move(schema)),
        publications_(schema_, input_.repo->config.project, sql::shown_uri(uri_)) {}

  [[nodiscard]] std::string shown() const override { return sql::shown_uri(uri_); }

  [[nodiscard]] Result<void> check() override {
    TORII_TRY(sql::Connection * connection, connected());
    for (const FeastTarget& target : input_.targets) {
      TORII_TRY_VOID(columns_of(*connection, target));
    }
    return {};
  }

  [[nodiscard]] Result<std::vector<Publication>> publications() override {
    TORII_TRY(sql::Connection * connection, connected());
    TORII_TRY(auto kept, publications_.read(*connection));
    return publications_of(std::move(kept), shown());
  }

  [[nodiscard]] Result<std::uint64_t> write(const FeastCommit& commit,
                                            FeastOutcome& outcome) override {
    TORII_TRY(sql::Connection * connection, connected());
    TORII_TRY(sql::Transaction transaction, sql::Transaction::begin(*connection));
    TORII_TRY_VOID(publications_.make(*connection));
    TORII_TRY(const std::vector<bool> newer, have_newer(*connection, commit.info.created_ms));
    FeastOutcome done = fresh_outcome(input_.targets, *commit.rows);
    for (std::size_t i = 0; i < input_.targets.size(); ++i) {
      TORII_TRY_VOID(write_view(*connection, commit, input_.targets[i], newer[i], done.views[i]));
    }
    TORII_TRY(const FeastPlace place, publications_.add(*connection, commit));
    // Should the answer to this be lost, the next attempt finds the publication there.
    if (!place.is_there) outcome = std::move(done);
    TORII_TRY_VOID(transaction.commit());
    return place.version;
  }

 private:
  struct Columns {
    bool text = false;
    bool vector = false;      // there is one
    std::string vector_type;  // if it is pgvector's, as it is written here
    std::uint32_t vector_oid = 0;
  };

  // The one connection, or a new one if the server left it meanwhile.
  [[nodiscard]] Result<sql::Connection*> connected() {
    if (connection_ != nullptr && !connection_->execute("SELECT 1").ok()) connection_.reset();
    if (connection_ == nullptr) {
      TORII_TRY(connection_, sql::open(uri_, input_.environment,
                                       {.access = sql::Access::kWriteForeign,
                                        .lock_timeout_s = input_.options.timeout_s,
                                        .cancelled = input_.options.cancelled}));
    }
    return connection_.get();
  }

  [[nodiscard]] std::string name(const FeastTarget& target) const {
    return feast::table_name(input_.repo->config.project, target.names.view);
  }
  [[nodiscard]] std::string quoted(const FeastTarget& target) const {
    return sql::quote_name(schema_) + '.' + sql::quote_name(name(target));
  }

  Result<Columns> columns_of(sql::Connection& connection, const FeastTarget& target) const {
    // ::name cuts what is too long for a name, as it was cut when the table was made.
    TORII_TRY(
        const auto statement,
        connection.prepare(
            "SELECT a.attname, t.typname, format_type(a.atttypid, a.atttypmod), t.oid::bigint "
            "FROM pg_catalog.pg_attribute a "
            "JOIN pg_catalog.pg_class c ON c.oid = a.attrelid "
            "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
            "JOIN pg_catalog.pg_type t ON t.oid = a.atttypid "
            "WHERE n.nspname = $1::name AND c.relname = $2::name AND c.relkind IN ('r', 'p') "
            "AND a.attnum > 0 AND NOT a.attisdropped"));
    const std::vector<sql::Value> which = {schema_, name(target)};
    TORII_TRY_VOID(statement->start(which));
    Columns columns;
    std::vector<std::string> names;
    for (;;) {
      TORII_TRY(const bool more, statement->step());
      if (!more) break;
      names.emplace_back(statement->text(0));
      columns.text = columns.text || names.back() == "value_text";
      if (names.back() != "vector_value") continue;
      columns.vector = true;
      if (statement->text(1) != "vector") continue;
      columns.vector_type = statement->text(2);
      columns.vector_oid = static_cast<std::uint32_t>(statement->integer(3));
    }
    if (names.empty()) {
      return make_error(ErrorCode::kNotFound,
                        "{}: there is no table {}.{}; run `feast apply` in {}", shown(), schema_,
                        name(target), input_.repo->config.folder.string());
    }
    for (const char* needed : {"entity_key", "feature_name", "value", "event_ts", "created_ts"}) {
      if (std::ranges::find(names, needed) != names.end()) continue;
      return make_error(ErrorCode::kUnsupported,
                        "{}: the table {}.{} has no column {}; torii knows the tables of Feast "
                        "0.49 to 0.67",
                        shown(), schema_, name(target), needed);
    }
    return columns;
  }

  // Rows that go by one statement.
  struct Block {
    sql::BytesList keys, values, vectors;
    std::size_t bytes = 0;
  };

  [[nodiscard]] std::string upsert_of(const FeastTarget& target, const Columns& columns) const {
    const bool fills = !columns.vector_type.empty();
    const char* text = columns.text ? ", value_text = NULL" : "";
    const char* vector = columns.vector ? ", vector_value = NULL" : "";
    if (fills) vector = ", vector_value = EXCLUDED.vector_value";
    const std::string& type = columns.vector_type;  // "vector(64)"
    const std::string shown = fills ? fmt::format(", block.vector::{}", type) : "";
    const std::string array =
        fills ? fmt::format(", $6::{}[]", type.substr(0, type.find('('))) : "";
    return fmt::format(
        "INSERT INTO {} AS stored (entity_key, feature_name, value, event_ts{}) "
        "SELECT block.key, $1::text, block.value, $2::timestamptz{} "
        "FROM unnest($4::bytea[], $5::bytea[]{}) AS block(key, value{}) "
        "ON CONFLICT (entity_key, feature_name) DO UPDATE SET value = EXCLUDED.value, "
        "event_ts = EXCLUDED.event_ts, created_ts = NULL{}{} "
        "WHERE stored.event_ts IS NULL OR stored.event_ts <= EXCLUDED.event_ts "
        "OR stored.event_ts > $3::timestamptz",
        quoted(target), fills ? ", vector_value" : "", shown, array, fills ? ", vector" : "", text,
        vector);
  }

  // By target: whether its table has any row that is newer than the publication; placeholders and
  // other writers are rare, and each block is looked at only where there are some.
  Result<std::vector<bool>> have_newer(sql::Connection& connection, std::int64_t created_ms) const {
    std::string question = "SELECT ";
    for (const FeastTarget& target : input_.targets) {
      if (!question.ends_with("SELECT ")) question += ", ";
      question +=
          fmt::format("EXISTS (SELECT FROM {} WHERE event_ts > $1::timestamptz)", quoted(target));
    }
    TORII_TRY(const auto statement, connection.prepare(question));
    const std::vector<sql::Value> since = {postgres_time(created_ms)};
    TORII_TRY_VOID(statement->start(since));
    std::vector<bool> newer(input_.targets.size());
    for (;;) {
      TORII_TRY(const bool more, statement->step());
      if (!more) return newer;
      for (std::size_t i = 0; i < newer.size(); ++i) newer[i] = statement->boolean(i);
    }
  }

  // Finds and locks stored rows that are newer than the block's.
  Result<void> note_newer(sql::Connection& connection, const FeastTarget& target,
                          const std::vector<sql::Value>& values, const Block& block,
                          FeastOutcome::View& view) const {
    // By the index, however large the table is.
    TORII_TRY_VOID(connection.execute("SET LOCAL enable_hashjoin = off"));
    TORII_TRY_VOID(connection.execute("SET LOCAL enable_mergejoin = off"));
    TORII_TRY(const auto newer,
              connection.prepare(fmt::format(
                  "SELECT stored.entity_key, stored.event_ts > $3::timestamptz FROM {} stored "
                  "JOIN unnest($4::bytea[]) AS block(key) ON stored.entity_key = block.key "
                  "WHERE stored.feature_name = $1::text AND stored.event_ts > $2::timestamptz "
                  "ORDER BY stored.entity_key FOR UPDATE OF stored",
                  quoted(target))));
    std::vector<sql::Value> all = values;
    all.emplace_back(block.keys);
    TORII_TRY_VOID(newer->start(all));
    for (;;) {
      TORII_TRY(const bool more, newer->step());
      if (!more) return {};
      const bool is_future = newer->boolean(1);
      if (is_future && view.future++ == 0) view.future_example = id_in_key(newer->text(0));
      if (!is_future && view.kept_example.empty()) view.kept_example = id_in_key(newer->text(0));
    }
  }

  // Adds the current row of the reader, if it has anything for the view.
  static void add(const FeastRowReader& rows, const FeastTarget& target,
                  const feast::StringKeys& keys, const Columns& columns, Block& block) {
    auto value = rows.bytes(target.content);
    if (!value) return;
    block.bytes += value->size();
    block.keys.list.push_back(keys.of(rows.id()));
    block.values.list.push_back(*std::move(value));
    if (columns.vector_type.empty()) return;
    block.vectors.element = columns.vector_oid;
    block.vectors.list.push_back(*feast::vector_bytes(*rows.value(target.content)));
  }

  Result<void> send(sql::Connection& connection, const FeastCommit& commit,
                    const FeastTarget& target, const std::string& upsert, bool any_newer,
                    Block block, FeastOutcome::View& view) const {
    const std::uint64_t count = block.keys.list.size();
    if (count == 0) return {};
    std::vector<sql::Value> values = {target.names.feature, postgres_time(commit.info.created_ms),
                                      postgres_time(commit.now_ms())};
    if (any_newer) TORII_TRY_VOID(note_newer(connection, target, values, block, view));
    values.emplace_back(std::move(block.keys));
    values.emplace_back(std::move(block.values));
    if (!block.vectors.list.empty()) values.emplace_back(std::move(block.vectors));
    TORII_TRY(const std::uint64_t changed, connection.execute(upsert, values));
    view.written += changed;
    view.kept += count - changed;
    return commit.step(count);
  }

  Result<void> write_view(sql::Connection& connection, const FeastCommit& commit,
                          const FeastTarget& target, bool any_newer,
                          FeastOutcome::View& view) const {
    TORII_TRY(Columns columns, columns_of(connection, target));
    // A list of texts is no vector: its column stays empty.
    if (target.content == FeastContent::kUserItems) columns.vector_type.clear();
    const std::string upsert = upsert_of(target, columns);
    const feast::StringKeys keys(target.names.join_key);
    FeastRowReader rows(*commit.rows, target.of_items());
    for (Block block;;) {
      TORII_TRY(const bool more, rows.next());
      if (more) add(rows, target, keys, columns, block);
      if (block.bytes < kFeastBlockBytes && more) continue;
      TORII_TRY_VOID(
          send(connection, commit, target, upsert, any_newer, std::exchange(block, Block()), view));
      if (!more) return {};
    }
  }

  FeastWriterInput input_;
  std::string uri_, schema_;
  FeastPublicationTable publications_;
  std::unique_ptr<sql::Connection> connection_;
};

}  // namespace

Result<std::unique_ptr<FeastWriter>> make_feast_postgres_writer(FeastWriterInput input) {
  const feast::RepoConfig& config = input.repo->config;
  TORII_TRY(std::string uri, feast::postgres_uri(config.online, config.file + ": online_store"));
  std::string schema = config.online.string_at("db_schema").value_or("public");
  return std::unique_ptr<FeastWriter>(
      std::make_unique<FeastPostgresWriter>(std::move(input), std::move(uri), std::move(schema)));
}

}  // namespace torii::store

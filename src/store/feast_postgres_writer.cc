#include <algorithm>
#include <utility>

#include "feast/online_layout.h"
#include "feast/repo_config.h"
#include "store/feast_publications.h"
#include "store/feast_writer.h"

// PostgreSQL: one transaction. Rows go by COPY into a temporary table, block by block, and from
// there into the view's table by one statement, whose condition leaves newer rows alone even if
// somebody writes them at the same moment.
namespace torii::store {
namespace {

constexpr std::size_t kFeastBlockBytes = std::size_t{4} << 20;
constexpr const char* kFeastBlock = "torii_feast_rows";

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
    TORII_TRY(const auto connection, open(sql::Access::kRead));
    for (const FeastTarget& target : input_.targets) {
      TORII_TRY_VOID(columns_of(*connection, target));
    }
    return {};
  }

  [[nodiscard]] Result<std::vector<Publication>> publications() override {
    TORII_TRY(const auto connection, open(sql::Access::kRead));
    TORII_TRY(auto kept, publications_.read(*connection));
    return publications_of(std::move(kept), shown());
  }

  [[nodiscard]] Result<std::uint64_t> write(const FeastCommit& commit,
                                            FeastOutcome& outcome) override {
    TORII_TRY(const auto connection, open(sql::Access::kWriteForeign));
    TORII_TRY(sql::Transaction transaction, sql::Transaction::begin(*connection));
    TORII_TRY_VOID(publications_.make(*connection));
    FeastOutcome done = fresh_outcome(input_.targets, *commit.rows);
    for (std::size_t i = 0; i < input_.targets.size(); ++i) {
      TORII_TRY_VOID(write_view(*connection, commit, input_.targets[i], done.views[i]));
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
    bool vector = false;         // there is one
    bool vector_filled = false;  // of pgvector's type
  };

  [[nodiscard]] Result<std::unique_ptr<sql::Connection>> open(sql::Access access) const {
    return sql::open(uri_, input_.environment,
                     {.access = access,
                      .lock_timeout_s = input_.options.timeout_s,
                      .cancelled = input_.options.cancelled});
  }

  [[nodiscard]] std::string name(const FeastTarget& target) const {
    return feast::table_name(input_.repo->config.project, target.names.view);
  }
  [[nodiscard]] std::string quoted(const FeastTarget& target) const {
    return sql::quote_name(schema_) + '.' + sql::quote_name(name(target));
  }

  Result<Columns> columns_of(sql::Connection& connection, const FeastTarget& target) const {
    // ::name cuts what is too long for a name, as it was cut when the table was made.
    TORII_TRY(const auto statement,
              connection.prepare("SELECT column_name, udt_name FROM information_schema.columns "
                                 "WHERE table_schema = $1::name AND table_name = $2::name"));
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
      columns.vector_filled = statement->text(1) == "vector";
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

  [[nodiscard]] std::string upsert_of(const FeastTarget& target, const Columns& columns) const {
    const char* text = columns.text ? ", value_text = NULL" : "";
    const char* vector = "";
    if (columns.vector) vector = ", vector_value = NULL";
    if (columns.vector_filled) vector = ", vector_value = EXCLUDED.vector_value";
    const char* filled = columns.vector_filled ? ", vector_value" : "";
    return fmt::format(
        "INSERT INTO {} AS stored (entity_key, feature_name, value, event_ts{}) "
        "SELECT entity_key, $1::text, value, $2::timestamptz{} FROM {} "
        "ON CONFLICT (entity_key, feature_name) DO UPDATE SET value = EXCLUDED.value, "
        "event_ts = EXCLUDED.event_ts, created_ts = NULL{}{} "
        "WHERE stored.event_ts IS NULL OR stored.event_ts <= EXCLUDED.event_ts "
        "OR stored.event_ts > $3::timestamptz",
        quoted(target), filled, filled, kFeastBlock, text, vector);
  }

  // Finds and locks stored rows that are newer than the block's.
  [[nodiscard]] std::string newer_of(const FeastTarget& target) const {
    return fmt::format(
        "SELECT stored.entity_key, stored.event_ts > $3::timestamptz FROM {} stored "
        "JOIN {} block ON stored.entity_key = block.entity_key "
        "WHERE stored.feature_name = $1::text AND stored.event_ts > $2::timestamptz "
        "ORDER BY stored.entity_key FOR UPDATE OF stored",
        quoted(target), kFeastBlock);
  }

  Result<bool> has_newer(sql::Connection& connection, const FeastTarget& target,
                         std::int64_t created_ms) const {
    TORII_TRY(const auto any,
              connection.prepare(fmt::format(
                  "SELECT 1 FROM {} WHERE event_ts > $1::timestamptz LIMIT 1", quoted(target))));
    TORII_TRY(const auto found, first_integer(*any, {postgres_time(created_ms)}));
    return found.has_value();
  }

  static Result<void> note_newer(sql::Statement& newer, const std::vector<sql::Value>& values,
                                 FeastOutcome::View& view) {
    TORII_TRY_VOID(newer.start(values));
    for (;;) {
      TORII_TRY(const bool more, newer.step());
      if (!more) return {};
      const bool is_future = newer.boolean(1);
      if (is_future && view.future++ == 0) view.future_example = id_in_key(newer.text(0));
      if (!is_future && view.kept_example.empty()) view.kept_example = id_in_key(newer.text(0));
    }
  }

  // Fills the block; the number of its rows, 0 at the end.
  static Result<std::uint64_t> fill(sql::Connection& connection, const FeastTarget& target,
                                    const Columns& columns, FeastRowReader& rows) {
    const feast::StringKeys keys(target.names.join_key);
    std::vector<std::string> names = {"entity_key", "value"};
    if (columns.vector_filled) names.emplace_back("vector_value");
    std::size_t bytes = 0;
    return connection.copy_in(
        kFeastBlock, names, [&](std::vector<sql::Value>& row) -> Result<bool> {
          while (bytes < kFeastBlockBytes) {
            TORII_TRY(const bool more, rows.next());
            if (!more) return false;
            const auto value = rows.value(target.content);
            if (!value) continue;
            row.emplace_back(sql::Bytes{keys.of(rows.id())});
            row.emplace_back(sql::Bytes{feast::encode_value(*value)});
            bytes += std::get<sql::Bytes>(row.back()).bytes.size();
            if (!columns.vector_filled) return true;
            auto vector = feast::vector_text(*value);
            row.emplace_back(vector ? sql::Value(*std::move(vector)) : sql::Value());
            return true;
          }
          return false;
        });
  }

  Result<void> write_view(sql::Connection& connection, const FeastCommit& commit,
                          const FeastTarget& target, FeastOutcome::View& view) const {
    TORII_TRY(const Columns columns, columns_of(connection, target));
    TORII_TRY(const bool any_newer, has_newer(connection, target, commit.info.created_ms));
    TORII_TRY_VOID(connection.execute(fmt::format(
        "CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT entity_key, value{} FROM {} WITH NO "
        "DATA",
        kFeastBlock, columns.vector_filled ? ", vector_value" : "", quoted(target))));
    TORII_TRY(const auto upsert, connection.prepare(upsert_of(target, columns)));
    TORII_TRY(const auto newer, connection.prepare(newer_of(target)));
    if (any_newer) {  // by the index, block for block, however large the table is
      TORII_TRY_VOID(connection.execute("SET LOCAL enable_hashjoin = off"));
      TORII_TRY_VOID(connection.execute("SET LOCAL enable_mergejoin = off"));
    }
    FeastRowReader rows(*commit.rows, target.of_items());
    for (;;) {
      TORII_TRY(const std::uint64_t count, fill(connection, target, columns, rows));
      if (count == 0) break;
      const std::vector<sql::Value> values = {target.names.feature,
                                              postgres_time(commit.info.created_ms),
                                              postgres_time(commit.now_ms())};
      if (any_newer) TORII_TRY_VOID(note_newer(*newer, values, view));
      TORII_TRY_VOID(upsert->start(values));
      TORII_TRY_VOID(upsert->step());
      view.written += upsert->rows_changed();
      view.kept += count - upsert->rows_changed();
      TORII_TRY_VOID(connection.execute(fmt::format("TRUNCATE {}", kFeastBlock)));
      TORII_TRY_VOID(commit.step(count));
    }
    TORII_TRY_VOID(connection.execute(fmt::format("DROP TABLE {}", kFeastBlock)));
    return {};
  }

  FeastWriterInput input_;
  std::string uri_, schema_;
  FeastPublicationTable publications_;
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

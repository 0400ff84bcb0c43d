#include <algorithm>
#include <utility>

#include "feast/online_layout.h"
#include "store/feast_publications.h"
#include "store/feast_writer.h"
#include "store/rows.h"

// SQLite: one transaction of upserts, into the columns that the tables have.
namespace torii::store {
namespace {

class FeastSqliteWriter final : public FeastWriter {
 public:
  FeastSqliteWriter(FeastWriterInput input, std::string uri)
      : input_(std::move(input)),
        uri_(std::move(uri)),
        publications_("", input_.repo->config.project, uri_) {}

  [[nodiscard]] std::string shown() const override { return uri_; }
  [[nodiscard]] bool is_server() const override { return false; }

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
    return publications_of(std::move(kept), uri_);
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
    TORII_TRY_VOID(transaction.commit());
    outcome = std::move(done);
    return place.version;
  }

 private:
  [[nodiscard]] Result<std::unique_ptr<sql::Connection>> open(sql::Access access) const {
    auto connection = sql::open(uri_, input_.environment,
                                {.access = access,
                                 .lock_timeout_s = input_.options.timeout_s,
                                 .cancelled = input_.options.cancelled});
    if (connection.ok() || connection.error().code != ErrorCode::kNotFound) return connection;
    return make_error(ErrorCode::kNotFound, "{}; run `feast apply` in {}",
                      connection.error().message, input_.repo->config.folder.string());
  }

  [[nodiscard]] std::string table(const FeastTarget& target) const {
    return feast::table_name(input_.repo->config.project, target.names.view);
  }

  // Feast adds columns to new tables only (value_text came with 0.66): what is there counts.
  Result<std::vector<std::string>> columns_of(sql::Connection& connection,
                                              const FeastTarget& target) const {
    std::vector<std::string> columns;
    TORII_TRY(const auto statement, connection.prepare("SELECT name FROM pragma_table_info($1)"));
    const std::vector<sql::Value> name = {table(target)};
    TORII_TRY_VOID(statement->start(name));
    for (;;) {
      TORII_TRY(const bool more, statement->step());
      if (!more) break;
      columns.emplace_back(statement->text(0));
    }
    if (columns.empty()) {
      return make_error(ErrorCode::kNotFound, "{}: there is no table {}; run `feast apply` in {}",
                        uri_, table(target), input_.repo->config.folder.string());
    }
    for (const char* needed : {"entity_key", "feature_name", "value", "event_ts", "created_ts"}) {
      if (std::ranges::find(columns, needed) != columns.end()) continue;
      return make_error(ErrorCode::kUnsupported,
                        "{}: the table {} has no column {}; torii knows the tables of Feast 0.49 "
                        "to 0.67",
                        uri_, table(target), needed);
    }
    return columns;
  }

  struct Upsert {
    std::string sql;
    bool vectors = false;  // its last value
  };
  Result<Upsert> upsert_of(sql::Connection& connection, const FeastTarget& target) const {
    TORII_TRY(const auto columns, columns_of(connection, target));
    Upsert upsert;
    std::string names;
    std::string values;
    std::string changes;
    const auto add = [&](std::string_view name, std::string_view value) {
      names += fmt::format(", {}", name);
      values += fmt::format(", {}", value);
      changes += fmt::format("{}{} = excluded.{}", changes.empty() ? "" : ", ", name, name);
    };
    add("value", "$3");
    add("event_ts", "$4");
    add("created_ts", "NULL");
    for (const std::string& column : columns) {
      if (column == "value_text") add(column, "NULL");
      if (column == "vector_value") add(column, "$5");
      upsert.vectors = upsert.vectors || column == "vector_value";
    }
    upsert.sql = fmt::format(
        "INSERT INTO {} (entity_key, feature_name{}) VALUES ($1, $2{}) "
        "ON CONFLICT (entity_key, feature_name) DO UPDATE SET {}",
        sql::quote_name(table(target)), names, values, changes);
    return upsert;
  }

  // Looks for stored rows that are newer than the publication, one by one, but only if the table
  // has any: placeholders and other writers are rare.
  class Newer {
   public:
    static Result<Newer> open(sql::Connection& connection, const std::string& table,
                              const FeastCommit& commit) {
      const std::string quoted = sql::quote_name(table);
      const std::int64_t created_s = commit.info.created_ms / 1000;
      TORII_TRY(const auto any, connection.prepare(fmt::format(
                                    "SELECT 1 FROM {} WHERE event_ts > $1 LIMIT 1", quoted)));
      TORII_TRY(const auto found, first_integer(*any, {created_s}));
      if (!found) return Newer(nullptr, 0, 0);
      TORII_TRY(auto one, connection.prepare(
                              fmt::format("SELECT event_ts > $4 FROM {} WHERE entity_key = $1 AND "
                                          "feature_name = $2 AND event_ts > $3",
                                          quoted)));
      return Newer(std::move(one), created_s, commit.now_ms() / 1000);
    }
    // True: the row stays as it is.
    Result<bool> keeps(const sql::Bytes& key, const std::string& feature,
                       FeastOutcome::View& view) const {
      if (one_ == nullptr) return false;
      TORII_TRY(const auto is_future, first_integer(*one_, {key, feature, created_s_, now_s_}));
      if (!is_future) return false;
      std::uint64_t& count = *is_future != 0 ? view.future : view.kept;
      std::string& example = *is_future != 0 ? view.future_example : view.kept_example;
      if (count++ == 0) example = id_in_key(key.bytes);
      return *is_future == 0;
    }

   private:
    Newer(std::unique_ptr<sql::Statement> one, std::int64_t created_s, std::int64_t now_s)
        : one_(std::move(one)), created_s_(created_s), now_s_(now_s) {}
    std::unique_ptr<sql::Statement> one_;
    std::int64_t created_s_, now_s_;
  };

  Result<void> write_view(sql::Connection& connection, const FeastCommit& commit,
                          const FeastTarget& target, FeastOutcome::View& view) const {
    TORII_TRY(const Newer newer, Newer::open(connection, table(target), commit));
    TORII_TRY(const Upsert upsert, upsert_of(connection, target));
    TORII_TRY(const auto insert, connection.prepare(upsert.sql));
    const feast::StringKeys keys(target.names.join_key);
    FeastRowReader rows(*commit.rows, target.of_items());
    for (;;) {
      TORII_TRY(const bool more, rows.next());
      if (!more) return {};
      auto value = rows.bytes(target.content);
      if (!value) continue;
      TORII_TRY_VOID(commit.step(1));
      const sql::Bytes key{keys.of(rows.id())};
      TORII_TRY(const bool keeps, newer.keeps(key, target.names.feature, view));
      if (keeps) continue;
      std::vector<sql::Value> row = {key, target.names.feature, sql::Bytes{*std::move(value)},
                                     commit.info.created_ms / 1000};
      if (upsert.vectors) row.push_back(vector_of(rows, target));
      TORII_TRY_VOID(insert->start(row));
      TORII_TRY_VOID(insert->step());
      ++view.written;
    }
  }

  // Feast fills it only where it was told to search in SQLite itself.
  [[nodiscard]] sql::Value vector_of(const FeastRowReader& rows, const FeastTarget& target) const {
    const bool wanted = input_.repo->config.online.bool_at("vector_enabled").value_or(false);
    if (!wanted || target.content == FeastContent::kUserItems) return {};
    const auto value = rows.value(target.content);
    return sql::Bytes{float_bytes(std::get<std::vector<float>>(value->held))};
  }

  FeastWriterInput input_;
  std::string uri_;
  FeastPublicationTable publications_;
};

}  // namespace

Result<std::unique_ptr<FeastWriter>> make_feast_sqlite_writer(FeastWriterInput input) {
  const auto path = input.repo->config.online.string_at("path");
  if (!path || path->empty()) {
    return invalid("{}: online_store: `path` is missing", input.repo->config.file);
  }
  std::string uri = "sqlite:" + input.repo->config.resolved(*path);
  return std::unique_ptr<FeastWriter>(
      std::make_unique<FeastSqliteWriter>(std::move(input), std::move(uri)));
}

}  // namespace torii::store

#include "store/feast_publications.h"

#include <algorithm>

#include "base/check.h"
#include "feast/online_layout.h"
#include "store/publication_json.h"

namespace torii::store {

Result<std::optional<std::int64_t>> first_integer(sql::Statement& statement,
                                                  const std::vector<sql::Value>& values) {
  TORII_TRY_VOID(statement.start(values));
  std::optional<std::int64_t> first;
  for (;;) {
    TORII_TRY(const bool more, statement.step());
    if (!more) return first;
    if (!first) first = statement.integer(0);
  }
}

std::string kept_text(const Publication& info) {
  auto json = Json::parse(publication_text(info), "publication");
  TORII_CHECK(json.ok(), "publication_text() writes JSON");
  json->set("items", info.items).set("users", info.users);
  return json->dump();
}

Result<std::vector<Publication>> publications_of(std::vector<KeptPublication> kept,
                                                 const std::string& where) {
  std::ranges::sort(kept, std::ranges::greater(), &KeptPublication::version);
  std::vector<Publication> publications;
  for (const KeptPublication& one : kept) {
    TORII_TRY(Publication info, publication_of(one.info, where));
    TORII_TRY(const Json json, Json::parse(one.info, where));
    info.version = one.version;
    info.items = static_cast<std::uint64_t>(json.int_at("items").value_or(0));
    info.users = static_cast<std::uint64_t>(json.int_at("users").value_or(0));
    publications.push_back(std::move(info));
  }
  return publications;
}

Result<FeastPlace> place_publication(const std::vector<KeptPublication>& kept,
                                     const FeastCommit& commit, const std::string& where) {
  FeastPlace place;
  const std::string text = kept_text(commit.info);
  std::vector<std::uint64_t> versions;
  for (const KeptPublication& one : kept) {
    if (one.info == text) return FeastPlace{one.version, true, {}};
    TORII_TRY(const Json json, Json::parse(one.info, where));
    const std::int64_t created_ms = json.int_at("created_ms").value_or(0);
    if (created_ms > commit.info.created_ms && created_ms <= commit.now_ms()) {
      return make_error(
          ErrorCode::kCheckFailed,
          "{}: version {} was published meanwhile, from a later moment ({}) than this "
          "one ({}): publish again",
          where, one.version, feast::shown_time(created_ms),
          feast::shown_time(commit.info.created_ms));
    }
    versions.push_back(one.version);
  }
  std::ranges::sort(versions, std::ranges::greater());
  place.version = versions.empty() ? 1 : versions.front() + 1;
  for (std::size_t i = kFeastPublicationsMax - 1; i < versions.size(); ++i) {
    place.outlived.push_back(versions[i]);
  }
  return place;
}

FeastPublicationTable::FeastPublicationTable(std::string_view schema, std::string_view project,
                                             std::string where)
    : name_(feast::table_name(project, "torii_publications")),
      quoted_(sql::quote_name(name_)),
      where_(std::move(where)) {
  if (!schema.empty()) quoted_ = sql::quote_name(schema) + '.' + quoted_;
}

Result<bool> FeastPublicationTable::exists(sql::Connection& connection) const {
  const bool sqlite = connection.dialect() == sql::Dialect::kSqlite;
  TORII_TRY(const auto statement,
            connection.prepare(sqlite ? "SELECT 1 FROM sqlite_master WHERE name = $1"
                                      : "SELECT 1 WHERE to_regclass($1) IS NOT NULL"));
  TORII_TRY(const auto found, first_integer(*statement, {sqlite ? name_ : quoted_}));
  return found.has_value();
}

Result<std::vector<KeptPublication>> FeastPublicationTable::read(
    sql::Connection& connection) const {
  std::vector<KeptPublication> kept;
  TORII_TRY(const bool there, exists(connection));
  if (!there) return kept;
  TORII_TRY(const auto statement,
            connection.prepare("SELECT version, info FROM " + quoted_ + " ORDER BY version"));
  TORII_TRY_VOID(statement->start());
  for (;;) {
    TORII_TRY(const bool more, statement->step());
    if (!more) return kept;
    kept.push_back(
        {static_cast<std::uint64_t>(statement->integer(0)), std::string(statement->text(1))});
  }
}

Result<void> FeastPublicationTable::make(sql::Connection& connection) const {
  TORII_TRY(const bool there, exists(connection));
  if (there) return {};
  const auto made = connection.execute("CREATE TABLE IF NOT EXISTS " + quoted_ +
                                       " (version BIGINT PRIMARY KEY, info TEXT NOT NULL)");
  if (made.ok()) return {};
  return with_context(made.error(), "the table in which torii keeps its publications");
}

Result<FeastPlace> FeastPublicationTable::add(sql::Connection& connection,
                                              const FeastCommit& commit) const {
  if (connection.dialect() == sql::Dialect::kPostgres) {
    TORII_TRY_VOID(connection.execute("LOCK TABLE " + quoted_ + " IN EXCLUSIVE MODE"));
  }
  TORII_TRY(const auto kept, read(connection));
  TORII_TRY(FeastPlace place, place_publication(kept, commit, where_));
  if (place.is_there) return place;
  for (const std::uint64_t version : place.outlived) {
    const std::vector<sql::Value> which = {static_cast<std::int64_t>(version)};
    TORII_TRY_VOID(connection.execute("DELETE FROM " + quoted_ + " WHERE version = $1", which));
  }
  const std::vector<sql::Value> row = {static_cast<std::int64_t>(place.version),
                                       kept_text(commit.info)};
  TORII_TRY_VOID(
      connection.execute("INSERT INTO " + quoted_ + " (version, info) VALUES ($1, $2)", row));
  return place;
}

}  // namespace torii::store

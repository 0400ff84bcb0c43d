#include "store/checks.h"
#include "store/publication_json.h"
#include "store/sql_store.h"

// Publications: who is current, rows read and checked. Writing them: sql_draft.cc.
namespace torii::store {
namespace {

using sql::Value;

Error damaged(const SqlSession& session, std::string_view what) {
  return make_error(ErrorCode::kCorrupt, "{}: {} is damaged", session.shown(), what);
}

std::optional<PublishedItem> item_of(const sql::Statement& row) {
  PublishedItem item;
  item.id = row.text(1);
  item.attributes = row.text(2);
  auto embedding = floats_of(row.text(3));
  auto text_embedding = floats_of(row.text(4));
  if (!embedding.has_value() || !text_embedding.has_value()) return std::nullopt;
  item.embedding = std::move(*embedding);
  item.text_embedding = std::move(*text_embedding);
  item.popularity = static_cast<float>(row.number(5));
  return item;
}

constexpr const char* kUserColumns = "user_id, source, attributes, embedding, items, scores, seen";

std::optional<PublishedUser> user_of(const sql::Statement& row) {
  PublishedUser user;
  user.id = row.text(0);
  user.source = static_cast<std::uint8_t>(row.integer(1));
  user.attributes = row.text(2);
  auto embedding = floats_of(row.text(3));
  auto items = indices_of(row.text(4));
  auto scores = floats_of(row.text(5));
  auto seen = indices_of(row.text(6));
  if (!embedding.has_value() || !items.has_value() || !scores.has_value() || !seen.has_value()) {
    return std::nullopt;
  }
  user.embedding = std::move(*embedding);
  user.items = std::move(*items);
  user.scores = std::move(*scores);
  user.seen = std::move(*seen);
  return user;
}

std::string mismatch(std::string_view what, const RowTotals& found, const RowTotals& noted) {
  return fmt::format("rows of {} are not those that were published (found {}, expected {})", what,
                     found.rows, noted.rows);
}

}  // namespace

Result<std::int64_t> SqlStore::find_publication(std::string_view tenant, std::uint64_t version) {
  TORII_TRY(const auto found,
            session_.integer("SELECT publication FROM torii_publications "
                             "WHERE tenant = $1 AND version = $2",
                             {std::string(tenant), static_cast<std::int64_t>(version)}));
  if (found.has_value()) return *found;
  return make_error(ErrorCode::kNotFound, "{}: tenant '{}' has no version {}", session_.shown(),
                    tenant, version);
}

namespace {

constexpr const char* kTotals = "publication, items, items_sum, users, users_sum";

Result<RowTotals> totals_of(const sql::Statement& row, std::size_t column,
                            const SqlSession& session) {
  const auto sum = RowSum::parse(row.text(column + 1));
  if (!sum.has_value()) return damaged(session, "a checksum in torii_publications");
  return RowTotals{static_cast<std::uint64_t>(row.integer(column)), *sum};
}

}  // namespace

Result<SqlStore::Stored> SqlStore::stored(std::int64_t publication) {
  Stored result;
  TORII_TRY_VOID(session_.each(
      fmt::format("SELECT {} FROM torii_publications WHERE publication = $1", kTotals),
      {publication}, [&](const sql::Statement& row) -> Result<void> {
        result.publication = row.integer(0);
        TORII_TRY(result.items, totals_of(row, 1, session_));
        TORII_TRY(result.users, totals_of(row, 3, session_));
        return {};
      }));
  return result;
}

Result<std::optional<SqlStore::Stored>> SqlStore::lock_publication(std::int64_t publication) {
  TORII_TRY(const std::uint64_t locked,
            session_.run("UPDATE torii_publications SET touched_ms = touched_ms "
                         "WHERE publication = $1 AND touched_ms >= 0",
                         {publication}));
  if (locked == 0) return std::optional<Stored>{};
  TORII_TRY(const Stored found, stored(publication));
  return std::optional<Stored>(found);
}

Result<std::optional<SqlStore::Stored>> SqlStore::lock_draft(std::int64_t publication) {
  TORII_TRY(const std::uint64_t locked,
            session_.run("UPDATE torii_publications SET touched_ms = $2 "
                         "WHERE publication = $1 AND touched_ms >= 0 AND version IS NULL",
                         {publication, now_ms()}));
  if (locked == 0) return std::optional<Stored>{};
  TORII_TRY(const Stored found, stored(publication));
  return std::optional<Stored>(found);
}

Result<void> SqlStore::set_totals(const Stored& stored) {
  TORII_TRY_VOID(session_.run(
      "UPDATE torii_publications SET items = $2, items_sum = $3, users = $4, users_sum = $5 "
      "WHERE publication = $1",
      {stored.publication, static_cast<std::int64_t>(stored.items.rows), stored.items.sum.hex(),
       static_cast<std::int64_t>(stored.users.rows), stored.users.sum.hex()}));
  return {};
}

Result<RowTotals> SqlStore::scan_items(std::int64_t publication, const ItemSink& sink) {
  RowTotals totals;
  std::string encoded;
  TORII_TRY_VOID(
      session_.each("SELECT place, item_id, attributes, embedding, text_embedding, popularity "
                    "FROM torii_publication_items WHERE publication = $1 ORDER BY place",
                    {publication}, [&](const sql::Statement& row) -> Result<void> {
                      auto item = item_of(row);
                      if (!item.has_value())
                        return damaged(session_, "a row of torii_publication_items");
                      encoded.clear();
                      encode(*item, encoded);
                      totals.sum.add(encoded, static_cast<std::uint64_t>(row.integer(0)));
                      ++totals.rows;
                      return sink(std::move(*item));
                    }));
  return totals;
}

Result<RowTotals> SqlStore::scan_users(std::int64_t publication, const UserSink& sink) {
  RowTotals totals;
  std::string encoded;
  TORII_TRY_VOID(
      session_.each(fmt::format("SELECT {} FROM torii_publication_users WHERE publication = $1 "
                                "ORDER BY user_id",
                                kUserColumns),
                    {publication}, [&](const sql::Statement& row) -> Result<void> {
                      auto user = user_of(row);
                      if (!user.has_value()) {
                        return damaged(session_, "a row of torii_publication_users");
                      }
                      encoded.clear();
                      encode(*user, encoded);
                      totals.sum.add(encoded, 0);
                      ++totals.rows;
                      return sink(std::move(*user));
                    }));
  return totals;
}

Result<bool> SqlStore::erase_row(Stored& stored, const std::string& user_id) {
  std::optional<PublishedUser> user;
  TORII_TRY_VOID(session_.each(fmt::format("SELECT {} FROM torii_publication_users "
                                           "WHERE publication = $1 AND user_id = $2",
                                           kUserColumns),
                               {stored.publication, user_id},
                               [&](const sql::Statement& row) -> Result<void> {
                                 user = user_of(row);
                                 if (user.has_value()) return {};
                                 return damaged(session_, "a row of torii_publication_users");
                               }));
  if (!user.has_value()) return false;
  std::string encoded;
  encode(*user, encoded);
  stored.users.sum.remove(encoded, 0);
  --stored.users.rows;
  TORII_TRY_VOID(
      session_.run("DELETE FROM torii_publication_users WHERE publication = $1 AND user_id = $2",
                   {stored.publication, user_id}));
  return true;
}

Result<void> SqlStore::check_rows(std::int64_t publication) {
  TORII_TRY(SqlTransaction transaction, begin_read());
  TORII_TRY(const Stored noted, stored(publication));
  TORII_TRY(const RowTotals items,
            scan_items(publication, [](PublishedItem) { return Result<void>(); }));
  TORII_TRY(const RowTotals users,
            scan_users(publication, [](PublishedUser) { return Result<void>(); }));
  if (items != noted.items) {
    return make_error(ErrorCode::kCorrupt, "{}: {}", session_.shown(),
                      mismatch("items", items, noted.items));
  }
  if (users != noted.users) {
    return make_error(ErrorCode::kCorrupt, "{}: {}", session_.shown(),
                      mismatch("users", users, noted.users));
  }
  return transaction.commit();
}

Result<std::vector<Publication>> SqlStore::publications(std::string_view tenant) {
  TORII_TRY_VOID(check_tenant(tenant));
  return session_.reading([&]() -> Result<std::vector<Publication>> {
    std::vector<Publication> found;
    TORII_TRY_VOID(session_.each(
        "SELECT publication, items, items_sum, users, users_sum, version, info "
        "FROM torii_publications WHERE tenant = $1 AND version IS NOT NULL ORDER BY version DESC",
        {std::string(tenant)}, [&](const sql::Statement& row) -> Result<void> {
          TORII_TRY(Publication info, publication_of(row.text(6), session_.shown()));
          info.version = static_cast<std::uint64_t>(row.integer(5));
          info.items = static_cast<std::uint64_t>(row.integer(1));
          info.users = static_cast<std::uint64_t>(row.integer(3));
          info.checksum = std::string(row.text(2)) + std::string(row.text(4));
          found.push_back(std::move(info));
          return {};
        }));
    return found;
  });
}

Result<std::uint64_t> SqlStore::current_version(std::string_view tenant) {
  TORII_TRY_VOID(check_tenant(tenant));
  TORII_TRY(const auto version, session_.reading([&] {
    return session_.integer("SELECT version FROM torii_current WHERE tenant = $1",
                            {std::string(tenant)});
  }));
  return static_cast<std::uint64_t>(version.value_or(0));
}

Result<void> SqlStore::make_current(std::string_view tenant, std::uint64_t version,
                                    std::string_view by, std::int64_t time_ms) {
  TORII_TRY(const std::int64_t place, next_counter(tenant, "activation"));
  const auto number = static_cast<std::int64_t>(version);
  TORII_TRY_VOID(
      session_.run("INSERT INTO torii_activations (tenant, place, version, time_ms, made_by) "
                   "VALUES ($1, $2, $3, $4, $5)",
                   {std::string(tenant), place, number, time_ms, std::string(by)}));
  TORII_TRY_VOID(
      session_.run("INSERT INTO torii_current (tenant, version) VALUES ($1, $2) "
                   "ON CONFLICT (tenant) DO UPDATE SET version = excluded.version",
                   {std::string(tenant), number}));
  return {};
}

Result<void> SqlStore::activate(std::string_view tenant, std::uint64_t version, std::string_view by,
                                std::int64_t time_ms) {
  TORII_TRY_VOID(check_tenant(tenant));
  if (by.size() > kIdBytesMax || !is_plain_text(by)) {
    return invalid("who activates: expected at most {} bytes of UTF-8", kIdBytesMax);
  }
  TORII_TRY(SqlTransaction transaction, begin_write());
  // gc() takes the same counter before it looks at what is current.
  TORII_TRY_VOID(lock_counter(tenant, "activation"));
  TORII_TRY_VOID(find_publication(tenant, version));
  TORII_TRY_VOID(make_current(tenant, version, by, time_ms));
  return transaction.commit();
}

Result<std::vector<Activation>> SqlStore::activations(std::string_view tenant) {
  TORII_TRY_VOID(check_tenant(tenant));
  return session_.reading([&]() -> Result<std::vector<Activation>> {
    std::vector<Activation> all;
    TORII_TRY_VOID(
        session_.each("SELECT version, time_ms, made_by FROM torii_activations "
                      "WHERE tenant = $1 ORDER BY place",
                      {std::string(tenant)}, [&](const sql::Statement& row) -> Result<void> {
                        all.push_back({static_cast<std::uint64_t>(row.integer(0)), row.integer(1),
                                       std::string(row.text(2))});
                        return {};
                      }));
    return all;
  });
}

Result<void> SqlStore::read_items(std::string_view tenant, std::uint64_t version,
                                  const ItemSink& sink) {
  TORII_TRY_VOID(check_tenant(tenant));
  TORII_TRY(SqlTransaction transaction, begin_read());
  TORII_TRY(const std::int64_t publication, find_publication(tenant, version));
  TORII_TRY(const Stored noted, stored(publication));
  TORII_TRY(const RowTotals found, scan_items(publication, sink));
  if (found == noted.items) return transaction.commit();
  return make_error(ErrorCode::kCorrupt, "{}: tenant '{}', version {}: {}", session_.shown(),
                    tenant, version, mismatch("items", found, noted.items));
}

Result<void> SqlStore::read_users(std::string_view tenant, std::uint64_t version,
                                  const UserSink& sink) {
  TORII_TRY_VOID(check_tenant(tenant));
  TORII_TRY(SqlTransaction transaction, begin_read());
  TORII_TRY(const std::int64_t publication, find_publication(tenant, version));
  TORII_TRY(const Stored noted, stored(publication));
  TORII_TRY(const RowTotals found, scan_users(publication, sink));
  if (found == noted.users) return transaction.commit();
  return make_error(ErrorCode::kCorrupt, "{}: tenant '{}', version {}: {}", session_.shown(),
                    tenant, version, mismatch("users", found, noted.users));
}

Result<std::optional<PublishedUser>> SqlStore::find_user(std::string_view tenant,
                                                         std::uint64_t version,
                                                         std::string_view id) {
  TORII_TRY_VOID(check_tenant(tenant));
  TORII_TRY_VOID(check_id("user id", id));
  return session_.reading([&]() -> Result<std::optional<PublishedUser>> {
    TORII_TRY(const std::int64_t publication, find_publication(tenant, version));
    std::optional<PublishedUser> user;
    TORII_TRY_VOID(session_.each(fmt::format("SELECT {} FROM torii_publication_users "
                                             "WHERE publication = $1 AND user_id = $2",
                                             kUserColumns),
                                 {publication, std::string(id)},
                                 [&](const sql::Statement& row) -> Result<void> {
                                   user = user_of(row);
                                   if (user.has_value()) return {};
                                   return damaged(session_, "a row of torii_publication_users");
                                 }));
    return user;
  });
}

}  // namespace torii::store

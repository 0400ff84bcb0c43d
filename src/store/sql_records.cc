#include <algorithm>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "store/checks.h"
#include "store/sql_store.h"

// Records: append, erase, read.
namespace torii::store {
namespace {

using sql::Value;

constexpr const char* kColumns = "kind, id, user_id, time_ms, payload, seq";

Record record_of(const sql::Statement& row) {
  return {.kind = static_cast<RecordKind>(row.integer(0)),
          .id = std::string(row.text(1)),
          .user_id = std::string(row.text(2)),
          .time_ms = row.integer(3),
          .payload = std::string(row.text(4)),
          .seq = static_cast<std::uint64_t>(row.integer(5))};
}

std::int64_t number_of(RecordKind kind) {
  return static_cast<std::int64_t>(kind);
}

// Which records of a call are written: of several with one id the first event, the last user or
// item.
struct Chosen {
  std::vector<std::string_view> events, users, items;  // all ids, each once
  std::vector<std::size_t> last_of_id;                 // by record: where its id comes last
  std::vector<std::uint8_t> is_first;                  // by record
};

Chosen choose(std::span<const Record> records) {
  Chosen chosen;
  chosen.last_of_id.resize(records.size());
  chosen.is_first.resize(records.size());
  std::unordered_map<std::string_view, std::size_t> known[3];
  for (std::size_t i = records.size(); i-- > 0;) {
    auto& ids = known[static_cast<std::size_t>(records[i].kind)];
    chosen.last_of_id[i] = ids.try_emplace(records[i].id, i).first->second;
  }
  std::unordered_set<std::string_view> met[3];
  std::vector<std::string_view>* lists[] = {&chosen.events, &chosen.users, &chosen.items};
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto kind = static_cast<std::size_t>(records[i].kind);
    chosen.is_first[i] = met[kind].insert(records[i].id).second ? 1 : 0;
    if (chosen.is_first[i] != 0) lists[kind]->push_back(records[i].id);
  }
  return chosen;
}

}  // namespace

Result<void> SqlStore::insert_records(std::string_view tenant,
                                      const std::vector<const Record*>& records,
                                      std::optional<std::uint64_t> first_seq) {
  auto next = records.begin();
  std::uint64_t seq = first_seq.value_or(0);
  return session_.copy_in("torii_records",
                          {"tenant", "seq", "kind", "id", "user_id", "time_ms", "payload"},
                          [&](std::vector<Value>& row) -> Result<bool> {
                            if (next == records.end()) return false;
                            const Record& record = **next++;
                            row.emplace_back(std::string(tenant));
                            const std::uint64_t number = first_seq.has_value() ? seq++ : record.seq;
                            row.emplace_back(static_cast<std::int64_t>(number));
                            row.emplace_back(number_of(record.kind));
                            row.emplace_back(record.id);
                            row.emplace_back(record.user_id);
                            row.emplace_back(record.time_ms);
                            row.emplace_back(record.payload);
                            return true;
                          });
}

Result<Appended> SqlStore::append(std::string_view tenant, std::span<const Record> records) {
  TORII_TRY_VOID(check_tenant(tenant));
  TORII_TRY_VOID(check_appended(records));
  Appended appended;
  if (records.empty()) {
    TORII_TRY(appended.seq, last_seq(tenant));
    return appended;
  }
  const Chosen chosen = choose(records);
  TORII_TRY(SqlTransaction transaction, begin_write());
  // Whoever holds this row is the only writer of the tenant until its commit: numbers are committed
  // in their order.
  TORII_TRY(const std::int64_t last, lock_counter(tenant, "seq"));
  std::unordered_set<std::string> there;
  if (!chosen.events.empty()) {
    const SqlList list = id_in(session_, chosen.events);
    TORII_TRY_VOID(session_.each(
        "SELECT id FROM torii_records WHERE tenant = $1 AND kind = 0 AND " + list.condition,
        {std::string(tenant), list.value}, [&](const sql::Statement& row) -> Result<void> {
          there.emplace(row.text(0));
          return {};
        }));
  }
  if (!chosen.users.empty()) {
    const SqlList list = id_in(session_, chosen.users);
    // Whoever was erased and is told anew: the tombstone stays as an erasure, the one before goes.
    TORII_TRY_VOID(session_.run(
        "DELETE FROM torii_records WHERE tenant = $1 AND kind = 3 AND " + list.condition +
            " AND id IN (SELECT id FROM torii_records WHERE tenant = $1 AND kind = 1 AND "
            "payload = '')",
        {std::string(tenant), list.value}));
    TORII_TRY_VOID(session_.run(
        "UPDATE torii_records SET kind = 3 WHERE tenant = $1 AND kind = 1 AND payload = '' AND " +
            list.condition,
        {std::string(tenant), list.value}));
    TORII_TRY_VOID(session_.run(
        "DELETE FROM torii_records WHERE tenant = $1 AND kind = 1 AND " + list.condition,
        {std::string(tenant), list.value}));
  }
  if (!chosen.items.empty()) {
    const SqlList list = id_in(session_, chosen.items);
    TORII_TRY_VOID(session_.run(
        "DELETE FROM torii_records WHERE tenant = $1 AND kind = 2 AND " + list.condition,
        {std::string(tenant), list.value}));
  }
  std::vector<const Record*> written;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const bool event = records[i].kind == RecordKind::kEvent;
    const bool fresh = !event || (chosen.is_first[i] != 0 && !there.contains(records[i].id));
    appended.is_new.push_back(fresh ? 1 : 0);
    if (fresh && (event || chosen.last_of_id[i] == i)) written.push_back(&records[i]);
  }
  if (written.empty()) {
    appended.seq = static_cast<std::uint64_t>(last);
    return appended;
  }
  TORII_TRY_VOID(insert_records(tenant, written, static_cast<std::uint64_t>(last) + 1));
  const std::int64_t now_last = last + static_cast<std::int64_t>(written.size());
  TORII_TRY_VOID(set_counter(tenant, "seq", now_last));
  TORII_TRY_VOID(transaction.commit());
  appended.seq = static_cast<std::uint64_t>(now_last);
  return appended;
}

Result<Erased> SqlStore::erase_user(std::string_view tenant, std::string_view user_id,
                                    std::int64_t time_ms) {
  TORII_TRY_VOID(check_tenant(tenant));
  TORII_TRY_VOID(check_id("user id", user_id));
  TORII_TRY_VOID(session_.connect());
  // What was of a person is overwritten in the file, not only forgotten.
  if (session_.is_sqlite()) TORII_TRY_VOID(session_.run("PRAGMA secure_delete=ON"));
  const auto erase = [&]() -> Result<Erased> {
    TORII_TRY(SqlTransaction transaction, begin_write());
    TORII_TRY(const std::int64_t last, lock_counter(tenant, "seq"));
    const std::string name(tenant), id(user_id);
    Erased erased;
    TORII_TRY(const auto known,
              session_.integer("SELECT 1 FROM torii_records WHERE tenant = $1 AND kind = 1 "
                               "AND id = $2 AND payload <> ''",
                               {name, id}));
    erased.user = known.has_value();
    TORII_TRY(
        erased.events,
        session_.run("DELETE FROM torii_records WHERE tenant = $1 AND kind = 0 AND user_id = $2",
                     {name, id}));
    std::vector<std::int64_t> publications;
    TORII_TRY_VOID(
        session_.each("SELECT p.publication FROM torii_publications p "
                      "JOIN torii_publication_users u ON u.publication = p.publication "
                      "WHERE p.tenant = $1 AND u.user_id = $2 ORDER BY p.publication",
                      {name, id}, [&](const sql::Statement& row) -> Result<void> {
                        publications.push_back(row.integer(0));
                        return {};
                      }));
    for (const std::int64_t publication : publications) {
      TORII_TRY(auto found, lock_publication(publication));
      if (!found.has_value()) continue;
      TORII_TRY(const bool had, erase_row(*found, id));
      if (!had) continue;
      TORII_TRY_VOID(set_totals(*found));
      ++erased.lists;
    }
    TORII_TRY_VOID(session_.run(
        "DELETE FROM torii_records WHERE tenant = $1 AND kind IN (1, 3) AND id = $2", {name, id}));
    const Record tombstone{.kind = RecordKind::kUser,
                           .id = id,
                           .user_id = "",
                           .time_ms = time_ms,
                           .payload = "",
                           .seq = 0};
    erased.seq = static_cast<std::uint64_t>(last) + 1;
    TORII_TRY_VOID(insert_records(tenant, {&tombstone}, erased.seq));
    TORII_TRY_VOID(set_counter(tenant, "seq", last + 1));
    TORII_TRY_VOID(transaction.commit());
    return erased;
  };
  auto erased = erase();
  if (session_.is_sqlite()) (void)session_.run("PRAGMA secure_delete=FAST");
  return erased;
}

Result<std::optional<Record>> SqlStore::find_record(std::string_view tenant, RecordKind kind,
                                                    std::string_view id) {
  TORII_TRY_VOID(check_tenant(tenant));
  TORII_TRY_VOID(check_id("id", id));
  return session_.reading([&]() -> Result<std::optional<Record>> {
    std::optional<Record> found;
    TORII_TRY_VOID(session_.each(fmt::format("SELECT {} FROM torii_records WHERE tenant = $1 AND "
                                             "kind = $2 AND id = $3",
                                             kColumns),
                                 {std::string(tenant), number_of(kind), std::string(id)},
                                 [&](const sql::Statement& row) -> Result<void> {
                                   found = record_of(row);
                                   return {};
                                 }));
    return found;
  });
}

Result<std::vector<Record>> SqlStore::read_records(std::string_view tenant, std::uint64_t after,
                                                   std::size_t limit) {
  TORII_TRY_VOID(check_tenant(tenant));
  const auto most = std::numeric_limits<std::int64_t>::max();
  if (after >= static_cast<std::uint64_t>(most)) return std::vector<Record>{};
  return session_.reading([&]() -> Result<std::vector<Record>> {
    // The statement that a server asks all the time is kept.
    TORII_TRY(sql::Statement * statement,
              session_.prepared("SELECT kind, id, user_id, time_ms, payload, seq FROM "
                                "torii_records WHERE tenant = $1 AND seq > $2 ORDER BY seq "
                                "LIMIT $3"));
    TORII_TRY_VOID(
        statement->start(std::vector<Value>{std::string(tenant), static_cast<std::int64_t>(after),
                                            static_cast<std::int64_t>(std::min<std::uint64_t>(
                                                limit, static_cast<std::uint64_t>(most)))}));
    std::vector<Record> records;
    for (;;) {
      TORII_TRY(const bool more, statement->step());
      if (!more) return records;
      records.push_back(record_of(*statement));
    }
  });
}

Result<std::vector<Record>> SqlStore::read_events_of(std::string_view tenant,
                                                     std::string_view user_id) {
  TORII_TRY_VOID(check_tenant(tenant));
  TORII_TRY_VOID(check_id("user id", user_id));
  return session_.reading([&]() -> Result<std::vector<Record>> {
    std::vector<Record> records;
    TORII_TRY_VOID(session_.each(fmt::format("SELECT {} FROM torii_records WHERE tenant = $1 AND "
                                             "kind = 0 AND user_id = $2 ORDER BY seq",
                                             kColumns),
                                 {std::string(tenant), std::string(user_id)},
                                 [&](const sql::Statement& row) -> Result<void> {
                                   records.push_back(record_of(row));
                                   return {};
                                 }));
    return records;
  });
}

Result<std::uint64_t> SqlStore::last_seq(std::string_view tenant) {
  TORII_TRY_VOID(check_tenant(tenant));
  TORII_TRY(const std::int64_t value, session_.reading([&] { return counter(tenant, "seq"); }));
  return static_cast<std::uint64_t>(value);
}

}  // namespace torii::store

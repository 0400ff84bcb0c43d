#include <algorithm>

#include "store/checks.h"
#include "store/redis_scripts.h"
#include "store/redis_store.h"

// Records: append, erase, read.
namespace torii::store {
namespace {

namespace scripts = redis_scripts;

constexpr std::size_t kRecordsPage = 2000;  // records that one script reads
constexpr int kAppendAttempts = 100;

std::string_view letter_of(const Record& record) {
  if (record.kind == RecordKind::kEvent) return "e";
  if (record.kind == RecordKind::kItem) return "i";
  return record.payload.empty() ? "U" : "u";
}

}  // namespace

Result<Appended> RedisStore::append(std::string_view tenant, std::span<const Record> records) {
  TORII_TRY_VOID(check_tenant(tenant));
  TORII_TRY_VOID(check_appended(records));
  std::vector<std::string> bytes(records.size());
  std::vector<std::string_view> arguments = {tenant};
  for (std::size_t i = 0; i < records.size(); ++i) {
    encode(records[i], bytes[i]);
    arguments.push_back(letter_of(records[i]));
    arguments.push_back(records[i].id);
    arguments.push_back(records[i].user_id);
    arguments.push_back(bytes[i]);
  }
  TORII_TRY(const RedisReply reply,
            redis_.script(scripts::kAppend, redis_prefix(tenant), arguments));
  if (reply.elements.size() != 2 || reply.elements[1].text.size() != records.size()) {
    return damaged("the answer to append");
  }
  Appended appended;
  appended.seq = static_cast<std::uint64_t>(reply.elements[0].number());
  for (const char c : reply.elements[1].text) appended.is_new.push_back(c == '1' ? 1 : 0);
  return appended;
}

Result<Erased> RedisStore::erase_user(std::string_view tenant, std::string_view user_id,
                                      std::int64_t time_ms) {
  TORII_TRY_VOID(check_tenant(tenant));
  TORII_TRY_VOID(check_id("user id", user_id));
  std::string tombstone;
  encode(Record{RecordKind::kUser, std::string(user_id), "", time_ms, "", 0}, tombstone);
  const std::string prefix = redis_prefix(tenant);
  for (int attempt = 0; attempt < kAppendAttempts; ++attempt) {
    TORII_TRY(const RedisReply committed, ask({"HVALS", prefix + "versions"}));
    TORII_TRY(const RedisReply drafts, ask({"ZRANGE", prefix + "drafts", "0", "-1"}));
    std::vector<std::string> words = {std::string(tenant), std::string(user_id), tombstone};
    for (const RedisReply* list : {&committed, &drafts}) {
      for (const RedisReply& each : list->elements) {
        TORII_TRY(const auto user, find_row(each.text, user_id));
        TORII_TRY(const auto noted, stored(each.text));
        if (!user.has_value() || !noted.has_value()) continue;
        std::string row;
        encode(*user, row);
        RowSum without = noted->users.sum;
        without.remove(row, 0);
        words.insert(words.end(), {each.text, noted->users.sum.hex(), without.hex()});
      }
    }
    TORII_TRY(const RedisReply reply,
              redis_.script(scripts::kErase, prefix, {words.begin(), words.end()}));
    if (reply.elements.size() != 4) continue;  // a publication came, went, or lost another user
    return Erased{.seq = static_cast<std::uint64_t>(reply.elements[0].number()),
                  .user = reply.elements[1].number() != 0,
                  .events = static_cast<std::uint64_t>(reply.elements[2].number()),
                  .lists = static_cast<std::uint64_t>(reply.elements[3].number())};
  }
  return make_error(ErrorCode::kIo, "{}: the publications change all the time; try again", shown());
}

Result<std::vector<Record>> RedisStore::records_of(const RedisReply& reply) const {
  std::vector<Record> records;
  for (std::size_t i = 0; i + 1 < reply.elements.size(); i += 2) {
    std::string_view bytes = reply.elements[i + 1].text;
    auto record = decode_record(bytes);
    if (!record.has_value() || !bytes.empty()) return damaged("a record");
    record->seq = static_cast<std::uint64_t>(reply.elements[i].number());
    records.push_back(std::move(*record));
  }
  return records;
}

Result<std::optional<Record>> RedisStore::find_record(std::string_view tenant, RecordKind kind,
                                                      std::string_view id) {
  TORII_TRY_VOID(check_tenant(tenant));
  TORII_TRY_VOID(check_id("id", id));
  const char* hash = kind == RecordKind::kEvent  ? "events"
                     : kind == RecordKind::kUser ? "users"
                     : kind == RecordKind::kItem ? "items"
                                                 : "erasures";
  const char* letter = kind == RecordKind::kErasure ? "x" : hash;
  TORII_TRY(const RedisReply reply, ask_script(scripts::kFindRecord, redis_prefix(tenant),
                                               {hash, std::string_view(letter, 1), id}));
  TORII_TRY(std::vector<Record> records, records_of(reply));
  if (records.empty()) return std::optional<Record>{};
  return std::optional<Record>(std::move(records[0]));
}

Result<std::vector<Record>> RedisStore::read_records(std::string_view tenant, std::uint64_t after,
                                                     std::size_t limit) {
  TORII_TRY_VOID(check_tenant(tenant));
  // Pages: what changes between two of them moves to the end, where it is met again.
  std::vector<Record> records;
  while (records.size() < limit) {
    const std::string from = std::to_string(after);
    const std::string page = std::to_string(std::min(kRecordsPage, limit - records.size()));
    TORII_TRY(const RedisReply reply,
              ask_script(scripts::kReadRecords, redis_prefix(tenant), {from, page}));
    TORII_TRY(std::vector<Record> some, records_of(reply));
    if (some.empty()) break;
    after = some.back().seq;
    std::move(some.begin(), some.end(), std::back_inserter(records));
  }
  return records;
}

Result<std::vector<Record>> RedisStore::read_events_of(std::string_view tenant,
                                                       std::string_view user_id) {
  TORII_TRY_VOID(check_tenant(tenant));
  TORII_TRY_VOID(check_id("user id", user_id));
  TORII_TRY(const RedisReply reply,
            ask_script(scripts::kReadEventsOf, redis_prefix(tenant), {user_id}));
  return records_of(reply);
}

Result<std::uint64_t> RedisStore::last_seq(std::string_view tenant) {
  TORII_TRY_VOID(check_tenant(tenant));
  TORII_TRY(const RedisReply reply, ask({"GET", redis_prefix(tenant) + "seq"}));
  return static_cast<std::uint64_t>(reply.number());
}

}  // namespace torii::store

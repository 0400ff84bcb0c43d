#include "store/checks.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "base/printable.h"

namespace torii::store {
namespace {

// Ids in messages: short, and nothing that a terminal would obey.
std::string shown(std::string_view id) {
  return cut(visible(id), 40);
}

bool is_all_of(std::string_view text, std::string_view punctuation, bool upper_case) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (upper_case && c >= 'A' && c <= 'Z') || punctuation.find(c) != std::string_view::npos;
  });
}

Result<void> check_text(std::string_view what, std::string_view id, std::string_view text) {
  if (text.size() > kTextBytesMax) {
    return invalid("{} of '{}': {} bytes; at most {} are stored", what, shown(id), text.size(),
                   kTextBytesMax);
  }
  if (!is_plain_text(text)) {
    return invalid("{} of '{}': expected UTF-8 without NUL, found other bytes", what, shown(id));
  }
  return {};
}

// Whole documents are read where they come from; here only what could not be meant is refused.
Result<void> check_object(std::string_view what, std::string_view id, std::string_view text) {
  if (!text.starts_with('{') || !text.ends_with('}')) {
    return invalid("{} of '{}': expected a JSON object, found '{}'", what, shown(id), shown(text));
  }
  return check_text(what, id, text);
}

Result<void> check_numbers(std::string_view what, std::string_view id,
                           const std::vector<float>& numbers) {
  if (numbers.size() > kNumbersMax) {
    return invalid("{} of '{}': {} numbers; at most {} are stored", what, shown(id), numbers.size(),
                   kNumbersMax);
  }
  if (!std::all_of(numbers.begin(), numbers.end(), [](float x) { return std::isfinite(x); })) {
    return invalid("{} of '{}': holds a number that is not finite", what, shown(id));
  }
  return {};
}

}  // namespace

Result<void> check_tenant(std::string_view tenant) {
  if (!tenant.empty() && tenant.size() <= 64 && is_all_of(tenant, "_-", false)) return {};
  return invalid("tenant '{}': expected 1 to 64 characters of a-z, 0-9, _ and -", shown(tenant));
}

bool is_plain_text(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t at) {
      return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
    };
    const unsigned first = byte(i);
    if (first == 0) return false;
    if (first < 0x80) {
      ++i;
      continue;
    }
    const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4) return false;
    unsigned lowest = 0x80, highest = 0xBF;  // of the second byte
    if (first == 0xE0) lowest = 0xA0;
    if (first == 0xED) highest = 0x9F;
    if (first == 0xF0) lowest = 0x90;
    if (first == 0xF4) highest = 0x8F;
    if (byte(i + 1) < lowest || byte(i + 1) > highest) return false;
    for (std::size_t k = 2; k < size; ++k) {
      if (byte(i + k) < 0x80 || byte(i + k) > 0xBF) return false;
    }
    i += size;
  }
  return true;
}

Result<void> check_id(std::string_view what, std::string_view id) {
  if (id.empty()) return invalid("{}: is empty", what);
  if (id.size() > kIdBytesMax) {
    return invalid("{} '{}': {} bytes; at most {} are stored", what, shown(id), id.size(),
                   kIdBytesMax);
  }
  if (!is_plain_text(id)) {
    return invalid("{} '{}': expected UTF-8 without NUL, found other bytes", what, shown(id));
  }
  return {};
}

std::uint64_t new_identity() {
  std::random_device random;
  const std::uint64_t bits = (std::uint64_t{random()} << 32U) ^ random();
  return std::max<std::uint64_t>(1, bits & ((std::uint64_t{1} << 53U) - 1));
}

Result<void> check_records(std::span<const Record> records) {
  if (records.size() > kAppendMax) {
    return invalid("{} records at once; at most {} are taken", records.size(), kAppendMax);
  }
  for (const Record& record : records) {
    switch (record.kind) {
      case RecordKind::kEvent:
        TORII_TRY_VOID(check_id("event id", record.id));
        TORII_TRY_VOID(check_id("user id of the event", record.user_id));
        TORII_TRY_VOID(check_object("event", record.id, record.payload));
        continue;
      case RecordKind::kUser:
        TORII_TRY_VOID(check_id("user id", record.id));
        break;
      case RecordKind::kItem:
        TORII_TRY_VOID(check_id("item id", record.id));
        break;
      case RecordKind::kErasure:
        TORII_TRY_VOID(check_id("user id", record.id));
        if (!record.payload.empty()) {
          return invalid("erasure of '{}': expected no payload", shown(record.id));
        }
        break;
      default:
        return invalid("record '{}': there is no kind {}", shown(record.id),
                       static_cast<int>(record.kind));
    }
    if (!record.user_id.empty()) {
      return invalid("record '{}': only an event is of a user", shown(record.id));
    }
    if (!record.payload.empty()) {
      TORII_TRY_VOID(check_object("payload", record.id, record.payload));
    }
  }
  return {};
}

Result<void> check_key(const ApiKey& key) {
  TORII_TRY_VOID(check_tenant(key.tenant));
  if (key.id.empty() || key.id.size() > 32 || !is_all_of(key.id, "", true)) {
    return invalid("key '{}': expected 1 to 32 characters of A-Z, a-z and 0-9", shown(key.id));
  }
  if (key.name.size() > kIdBytesMax || !is_plain_text(key.name)) {
    return invalid("name of key {}: expected at most {} bytes of UTF-8", key.id, kIdBytesMax);
  }
  if ((key.scopes & ~(kRead | kWrite | kAdmin)) != 0) {
    return invalid("key {}: there is no scope {}", key.id, static_cast<int>(key.scopes));
  }
  const bool hexadecimal = std::all_of(key.hash.begin(), key.hash.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
  if (key.hash.size() != 64 || !hexadecimal) {
    return invalid("key {}: expected the SHA-256 of the key, 64 hexadecimal digits", key.id);
  }
  return {};
}

Result<void> check_appended(std::span<const Record> records) {
  TORII_TRY_VOID(check_records(records));
  const auto erasure = std::ranges::find(records, RecordKind::kErasure, &Record::kind);
  if (erasure == records.end()) return {};
  return invalid("record '{}': an erasure is made by erase_user() alone", shown(erasure->id));
}

void RowChecks::Widths::add(std::size_t width) {
  least = std::min(least, width);
  most = std::max(most, width);
}

Result<void> RowChecks::item(const PublishedItem& item) {
  TORII_TRY_VOID(check_id("item id", item.id));
  TORII_TRY_VOID(check_object("attributes", item.id, item.attributes));
  TORII_TRY_VOID(check_numbers("embedding", item.id, item.embedding));
  TORII_TRY_VOID(check_numbers("text embedding", item.id, item.text_embedding));
  if (!std::isfinite(item.popularity)) {
    return invalid("popularity of '{}': is not finite", shown(item.id));
  }
  if (++items_ > kBoughtMark) return invalid("a publication has at most {} items", kBoughtMark);
  item_width_.add(item.embedding.size());
  if (!item.text_embedding.empty()) text_width_.add(item.text_embedding.size());
  return {};
}

Result<void> RowChecks::user(const PublishedUser& user) {
  TORII_TRY_VOID(check_id("user id", user.id));
  if (users_ > 0 && user.id <= last_user_) {
    return invalid("user '{}' comes after '{}'; expected them ascending by id", shown(user.id),
                   shown(last_user_));
  }
  last_user_ = user.id;
  ++users_;
  TORII_TRY_VOID(check_object("attributes", user.id, user.attributes));
  TORII_TRY_VOID(check_numbers("embedding", user.id, user.embedding));
  TORII_TRY_VOID(check_numbers("scores", user.id, user.scores));
  if (user.items.size() != user.scores.size()) {
    return invalid("user '{}': {} items in the list, {} scores", shown(user.id), user.items.size(),
                   user.scores.size());
  }
  const auto rising = std::ranges::adjacent_find(user.seen, std::ranges::greater_equal(),
                                                 item_of_seen) == user.seen.end();
  if (user.seen.size() > kNumbersMax || !rising) {
    return invalid("user '{}': expected seen items ascending, each once", shown(user.id));
  }
  user_width_.add(user.embedding.size());
  k_ = std::max<std::uint64_t>(k_, user.items.size());
  for (const std::uint32_t index : user.items) {
    index_end_ = std::max(index_end_, std::uint64_t{index} + 1);
  }
  if (!user.seen.empty()) {
    index_end_ = std::max(index_end_, std::uint64_t{item_of_seen(user.seen.back())} + 1);
  }
  return {};
}

Result<void> RowChecks::finish(Publication& info) const {
  if (!item_width_.all(info.width) || !user_width_.all(info.width)) {
    return invalid("an embedding has another width than the publication, {}", info.width);
  }
  if (!text_width_.all(info.text_width)) {
    return invalid("a text embedding has another width than the publication, {}", info.text_width);
  }
  if (index_end_ > items_) {
    return invalid("a user's list or seen items name item {}; there are {} items", index_end_ - 1,
                   items_);
  }
  info.k = std::max(info.k, k_);
  return {};
}

}  // namespace torii::store

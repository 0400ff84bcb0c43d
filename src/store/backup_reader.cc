#include <cstring>

#include "store/backup_file.h"
#include "store/backup_frames.h"
#include "store/checks.h"
#include "store/publication_json.h"

namespace torii::store {
namespace {

using namespace backup_frames;

constexpr std::size_t kHeadBytes = 16, kFrameHeadBytes = 16, kFrameTailBytes = 8;
constexpr std::size_t kEndBytes = 4 * 8 + 32;

template <class T>
T number_at(std::string_view bytes, std::size_t at) {
  T value{};
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

class Reader {
 public:
  Reader(std::string_view bytes, const std::string& name, const BackupParts& parts)
      : bytes_(bytes), name_(name), parts_(parts) {}

  Result<BackedUp> read() {
    if (bytes_.size() < kHeadBytes || !bytes_.starts_with(kMagic)) {
      return make_error(ErrorCode::kCorrupt, "{}: is no backup of a store", name_);
    }
    const auto version = number_at<std::uint32_t>(bytes_, kMagic.size());
    if (version < kOldestVersion || version > kVersion) {
      return make_error(ErrorCode::kUnsupported,
                        "{}: is a backup of format {}; this program reads {} to {}", name_, version,
                        kOldestVersion, kVersion);
    }
    for (at_ = kHeadBytes;;) {
      const std::size_t left = bytes_.size() - at_;
      if (left < kFrameHeadBytes + kFrameTailBytes) return cut();
      const auto kind = number_at<std::uint32_t>(bytes_, at_);
      const auto size = number_at<std::uint64_t>(bytes_, at_ + 8);
      if (size > left - kFrameHeadBytes - kFrameTailBytes) return cut();
      const std::string_view payload = bytes_.substr(at_ + kFrameHeadBytes, size);
      const std::size_t end = at_ + kFrameHeadBytes + size;
      if (number_at<std::uint64_t>(bytes_, end) != checksum(kind, payload)) {
        return bad("a checksum does not match");
      }
      if (kind == kEnd) return finish(payload, end + kFrameTailBytes);
      TORII_TRY_VOID(part(kind, payload));
      at_ = end + kFrameTailBytes;
    }
  }

 private:
  [[nodiscard]] Error bad(std::string_view what) const {
    return make_error(ErrorCode::kCorrupt, "{}: {}, at byte {}; take another backup", name_, what,
                      at_);
  }
  [[nodiscard]] Error cut() const { return bad("is cut off"); }

  Result<void> part(std::uint32_t kind, std::string_view payload) {
    switch (kind) {
      case kTenant:
        return tenant(payload);
      case kPublication:
        return publication(payload);
      case kItems:
        return items(payload);
      case kUsers:
        return users(payload);
      case kPublicationEnd:
        return end_publication(payload);
      case kRecords:
        return records(payload);
      case kKey:
        return key(payload);
      default:
        return bad("holds an unknown part");
    }
  }

  Result<void> tenant(std::string_view payload) {
    const auto json = Json::parse(payload, name_);
    if (!json.ok() || in_publication_ || in_keys_) return bad("a tenant is damaged");
    const auto name = json->string_at("tenant");
    const auto seq = json->int_at("seq");
    const auto last = json->int_at("last_version");
    const auto current = json->int_at("current");
    const Json* activations = json->find("activations");
    if (!name || !seq || !last || !current || activations == nullptr || !activations->is_array() ||
        !check_tenant(*name).ok() || *name <= tenant_ || *seq < 0 || *last < 0 || *current < 0) {
      return bad("a tenant is damaged");
    }
    TenantState state{.seq = static_cast<std::uint64_t>(*seq),
                      .last_version = static_cast<std::uint64_t>(*last),
                      .current = static_cast<std::uint64_t>(*current),
                      .activations = {}};
    for (const Json& each : activations->as_array()) {
      const auto version = each.int_at("version");
      const auto time = each.int_at("time_ms");
      const auto by = each.string_at("by");
      if (!version || !time || !by) return bad("a tenant is damaged");
      state.activations.push_back({static_cast<std::uint64_t>(*version), *time, *by});
    }
    tenant_ = *name;
    version_ = seq_ = 0;
    seq_end_ = state.seq;
    ++totals_.tenants;
    return parts_.tenant ? parts_.tenant(tenant_, state) : Result<void>();
  }

  Result<void> publication(std::string_view payload) {
    const auto json = Json::parse(payload, name_);
    if (!json.ok() || tenant_.empty() || in_publication_ || in_keys_ || seq_ > 0) {
      return bad("a publication is damaged");
    }
    const auto version = json->int_at("version");
    const auto text = json->string_at("info");
    if (!version || !text || *version <= static_cast<std::int64_t>(version_)) {
      return bad("a publication is damaged");
    }
    TORII_TRY(Publication info, publication_of(*text, name_));
    info_ = std::move(info);
    info_.version = version_ = static_cast<std::uint64_t>(*version);
    checks_ = RowChecks();
    item_totals_ = user_totals_ = {};
    in_publication_ = true;
    ++totals_.publications;
    return parts_.publication ? parts_.publication(info_) : Result<void>();
  }

  Result<void> items(std::string_view payload) {
    if (!in_publication_ || user_totals_.rows > 0) return bad("items lie where none belong");
    std::vector<PublishedItem> rows;
    while (!payload.empty()) {
      const std::string_view before = payload;
      auto item = decode_item(payload);
      if (!item.has_value() || !checks_.item(*item).ok()) return bad("an item is damaged");
      item_totals_.sum.add(before.substr(0, before.size() - payload.size()), item_totals_.rows++);
      rows.push_back(std::move(*item));
    }
    return parts_.items ? parts_.items(rows) : Result<void>();
  }

  Result<void> users(std::string_view payload) {
    if (!in_publication_) return bad("users lie where none belong");
    std::vector<PublishedUser> rows;
    while (!payload.empty()) {
      const std::string_view before = payload;
      auto user = decode_user(payload);
      if (!user.has_value() || !checks_.user(*user).ok()) return bad("a user is damaged");
      user_totals_.sum.add(before.substr(0, before.size() - payload.size()), 0);
      ++user_totals_.rows;
      rows.push_back(std::move(*user));
    }
    return parts_.users ? parts_.users(rows) : Result<void>();
  }

  Result<void> end_publication(std::string_view payload) {
    const auto json = Json::parse(payload, name_);
    if (!in_publication_ || !json.ok() ||
        json->int_at("items") != static_cast<std::int64_t>(item_totals_.rows) ||
        json->int_at("users") != static_cast<std::int64_t>(user_totals_.rows) ||
        json->string_at("checksum") != item_totals_.sum.hex() + user_totals_.sum.hex() ||
        !checks_.finish(info_).ok()) {
      return bad("the rows of a publication are not those that were written");
    }
    in_publication_ = false;
    return parts_.end_publication ? parts_.end_publication() : Result<void>();
  }

  Result<void> records(std::string_view payload) {
    if (tenant_.empty() || in_publication_ || in_keys_) return bad("records lie where none belong");
    std::vector<Record> rows;
    while (!payload.empty()) {
      if (payload.size() < 8) return bad("a record is damaged");
      const auto seq = number_at<std::uint64_t>(payload, 0);
      payload.remove_prefix(8);
      auto record = decode_record(payload);
      if (!record.has_value() || seq <= seq_ || seq > seq_end_ ||
          !check_records({&*record, 1}).ok() || rows.size() >= kAppendMax) {
        return bad("a record is damaged");
      }
      record->seq = seq_ = seq;
      rows.push_back(std::move(*record));
    }
    totals_.records += rows.size();
    return parts_.records ? parts_.records(rows) : Result<void>();
  }

  Result<void> key(std::string_view payload) {
    const auto found = key_of(payload, name_);
    if (in_publication_ || !found.ok() || !check_key(*found).ok()) return bad("a key is damaged");
    in_keys_ = true;
    ++totals_.keys;
    return parts_.key ? parts_.key(*found) : Result<void>();
  }

  Result<BackedUp> finish(std::string_view payload, std::size_t end) {
    if (in_publication_ || payload.size() != kEndBytes || end != bytes_.size()) {
      return bad("does not end as it should");
    }
    const std::uint64_t counts[] = {totals_.tenants, totals_.publications, totals_.records,
                                    totals_.keys};
    for (std::size_t i = 0; i < 4; ++i) {
      if (number_at<std::uint64_t>(payload, 8 * i) != counts[i]) return bad("parts are missing");
    }
    const Sha256::Digest digest = sha256(std::as_bytes(std::span(bytes_.data(), at_)));
    if (std::memcmp(payload.data() + 32, digest.data(), digest.size()) != 0) {
      return bad("the SHA-256 of all parts does not match");
    }
    return totals_;
  }

  std::string_view bytes_;
  const std::string& name_;
  const BackupParts& parts_;
  std::size_t at_ = 0;
  std::string tenant_;
  Publication info_;
  RowChecks checks_;
  RowTotals item_totals_, user_totals_;
  std::uint64_t version_ = 0, seq_ = 0, seq_end_ = 0;
  bool in_publication_ = false, in_keys_ = false;
  BackedUp totals_;
};

}  // namespace

Result<BackedUp> read_backup(std::string_view bytes, const std::string& name,
                             const BackupParts& parts) {
  return Reader(bytes, name, parts).read();
}

}  // namespace torii::store

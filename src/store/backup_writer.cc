#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/file.h"
#include "store/backup_file.h"
#include "store/backup_frames.h"
#include "store/publication_json.h"

namespace torii::store {
namespace {

using namespace backup_frames;

constexpr std::size_t kBlockBytes = std::size_t{1} << 20;

template <class T>
void put(T value, std::string& out) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

}  // namespace

BackupWriter::BackupWriter(std::string path, int descriptor)
    : path_(std::move(path)), descriptor_(descriptor) {}

BackupWriter::BackupWriter(BackupWriter&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      kind_(other.kind_),
      block_(std::move(other.block_)),
      row_(std::move(other.row_)),
      items_(other.items_),
      users_(other.users_),
      totals_(other.totals_),
      hash_(std::move(other.hash_)) {}

BackupWriter::~BackupWriter() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<BackupWriter> BackupWriter::create(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (descriptor < 0) return make_error(ErrorCode::kIo, "{}: {}", path, errno_text(errno));
  BackupWriter writer(path, descriptor);
  std::string head(kMagic);
  put(kVersion, head);
  put(std::uint32_t{0}, head);
  TORII_TRY_VOID(writer.write(head));
  return writer;
}

Result<void> BackupWriter::write(std::string_view bytes) {
  hash_.update(bytes);
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
      return make_error(full ? ErrorCode::kResourceExhausted : ErrorCode::kIo, "{}: {}", path_,
                        errno_text(errno));
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> BackupWriter::frame(std::uint32_t kind, std::string_view payload) {
  std::string head, tail;
  put(kind, head);
  put(std::uint32_t{0}, head);
  put(static_cast<std::uint64_t>(payload.size()), head);
  put(checksum(kind, payload), tail);
  TORII_TRY_VOID(write(head));
  TORII_TRY_VOID(write(payload));
  return write(tail);
}

Result<void> BackupWriter::flush() {
  if (block_.empty()) return {};
  TORII_TRY_VOID(frame(kind_, block_));
  block_.clear();
  return {};
}

Result<void> BackupWriter::add(std::uint32_t kind, std::string_view encoded) {
  if (kind != kind_ || block_.size() >= kBlockBytes) TORII_TRY_VOID(flush());
  kind_ = kind;
  block_ += encoded;
  return {};
}

Result<void> BackupWriter::tenant(std::string_view name, const TenantState& state) {
  TORII_TRY_VOID(flush());
  Json json = Json::object();
  json.set("tenant", name);
  json.set("seq", state.seq);
  json.set("last_version", state.last_version);
  json.set("current", state.current);
  Json activations = Json::array();
  for (const Activation& each : state.activations) {
    Json one = Json::object();
    one.set("version", each.version);
    one.set("time_ms", each.time_ms);
    one.set("by", each.by);
    activations.push(std::move(one));
  }
  json.set("activations", std::move(activations));
  ++totals_.tenants;
  return frame(kTenant, json.dump());
}

Result<void> BackupWriter::publication(const Publication& info) {
  TORII_TRY_VOID(flush());
  Json json = Json::object();
  json.set("version", info.version);
  json.set("info", publication_text(info));
  items_ = users_ = {};
  ++totals_.publications;
  return frame(kPublication, json.dump());
}

Result<void> BackupWriter::item(const PublishedItem& item) {
  row_.clear();
  encode(item, row_);
  items_.sum.add(row_, items_.rows++);
  return add(kItems, row_);
}

Result<void> BackupWriter::user(const PublishedUser& user) {
  row_.clear();
  encode(user, row_);
  users_.sum.add(row_, 0);
  ++users_.rows;
  return add(kUsers, row_);
}

Result<void> BackupWriter::end_publication() {
  TORII_TRY_VOID(flush());
  Json json = Json::object();
  json.set("items", items_.rows);
  json.set("users", users_.rows);
  json.set("checksum", items_.sum.hex() + users_.sum.hex());
  return frame(kPublicationEnd, json.dump());
}

Result<void> BackupWriter::record(const Record& record) {
  row_.clear();
  put(record.seq, row_);
  encode(record, row_);
  ++totals_.records;
  return add(kRecords, row_);
}

Result<void> BackupWriter::key(const ApiKey& key) {
  TORII_TRY_VOID(flush());
  ++totals_.keys;
  return frame(kKey, key_text(key));
}

Result<BackedUp> BackupWriter::end() {
  TORII_TRY_VOID(flush());
  std::string payload;
  for (const std::uint64_t count :
       {totals_.tenants, totals_.publications, totals_.records, totals_.keys}) {
    put(count, payload);
  }
  const Sha256::Digest digest = std::exchange(hash_, Sha256()).finish();
  payload.append(reinterpret_cast<const char*>(digest.data()), digest.size());
  TORII_TRY_VOID(frame(kEnd, payload));
  return totals_;
}

}  // namespace torii::store

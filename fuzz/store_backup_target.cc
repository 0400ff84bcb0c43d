#include <cstring>
#include <span>
#include <string>

#include "base/check.h"
#include "base/hash.h"
#include "fuzz/target.h"
#include "store/backup_file.h"
#include "store/backup_frames.h"

namespace torii::fuzz {
namespace {

template <class T>
T number_at(const std::string& bytes, std::size_t at) {
  T value{};
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// The same with the right checksums, so that a search gets behind them.
std::string sealed(std::string_view input) {
  std::string bytes(input);
  for (std::size_t at = 16; at + 24 <= bytes.size();) {
    const auto kind = number_at<std::uint32_t>(bytes, at);
    const auto size = number_at<std::uint64_t>(bytes, at + 8);
    if (size > bytes.size() - at - 24) break;
    if (kind == store::backup_frames::kEnd && size == 64) {
      const auto digest = sha256(std::as_bytes(std::span(bytes.data(), at)));
      std::memcpy(bytes.data() + at + 16 + 32, digest.data(), digest.size());
    }
    const std::string_view payload = std::string_view(bytes).substr(at + 16, size);
    const std::uint64_t sum = store::backup_frames::checksum(kind, payload);
    std::memcpy(bytes.data() + at + 16 + size, &sum, sizeof sum);
    at += 24 + size;
  }
  return bytes;
}

void read(std::string_view bytes) {
  store::BackedUp met;
  std::uint64_t rows = 0;
  store::BackupParts parts;
  parts.tenant = [&](const std::string& name, const store::TenantState&) -> Result<void> {
    TORII_CHECK(store::check_tenant(name).ok(), "a name of a tenant");
    ++met.tenants;
    return {};
  };
  parts.publication = [&](const store::Publication&) -> Result<void> {
    ++met.publications;
    return {};
  };
  parts.items = [&](const std::vector<store::PublishedItem>& items) -> Result<void> {
    for (const auto& item : items) TORII_CHECK(!item.id.empty(), "an id");
    rows += items.size();
    return {};
  };
  parts.users = [&](const std::vector<store::PublishedUser>& users) -> Result<void> {
    for (const auto& user : users) {
      TORII_CHECK(user.items.size() == user.scores.size(), "a score for each item");
    }
    rows += users.size();
    return {};
  };
  parts.records = [&](const std::vector<store::Record>& records) -> Result<void> {
    met.records += records.size();
    return {};
  };
  parts.key = [&](const store::ApiKey&) -> Result<void> {
    ++met.keys;
    return {};
  };
  const auto whole = store::read_backup(bytes, "input", parts);
  TORII_CHECK(rows <= bytes.size(), "rows take room");
  if (!whole.ok()) return;
  TORII_CHECK(whole->tenants == met.tenants && whole->publications == met.publications &&
                  whole->records == met.records && whole->keys == met.keys,
              "what is counted was handed over");
}

}  // namespace

// Input: a file, read as it is and with its checksums put right.
void run_store_backup(std::string_view input) {
  read(input);
  read(sealed(input));
}

}  // namespace torii::fuzz

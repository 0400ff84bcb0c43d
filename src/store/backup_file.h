#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "store/rows.h"
#include "store/store.h"

/// The file of a backup, whatever the back end. docs/formats/store_backup.md.
namespace torii::store {

/// Writes the parts in this order: for each tenant tenant(), then for each publication, oldest
/// first, publication(), item()..., user()..., end_publication(), then record()... by seq; after
/// the last tenant key()..., and end(). Errors: kIo, kResourceExhausted (full disk).
class BackupWriter {
 public:
  /// Overwrites `path`; whoever calls makes it durable.
  [[nodiscard]] static Result<BackupWriter> create(const std::string& path);
  BackupWriter(BackupWriter&& other) noexcept;
  BackupWriter& operator=(BackupWriter&&) = delete;
  ~BackupWriter();

  [[nodiscard]] Result<void> tenant(std::string_view name, const TenantState& state);
  [[nodiscard]] Result<void> publication(const Publication& info);
  [[nodiscard]] Result<void> item(const PublishedItem& item);
  [[nodiscard]] Result<void> user(const PublishedUser& user);
  [[nodiscard]] Result<void> end_publication();
  [[nodiscard]] Result<void> record(const Record& record);
  [[nodiscard]] Result<void> key(const ApiKey& key);
  [[nodiscard]] Result<BackedUp> end();

 private:
  BackupWriter(std::string path, int descriptor);
  [[nodiscard]] Result<void> add(std::uint32_t kind, std::string_view encoded);
  [[nodiscard]] Result<void> flush();
  [[nodiscard]] Result<void> frame(std::uint32_t kind, std::string_view payload);
  [[nodiscard]] Result<void> write(std::string_view bytes);

  std::string path_;
  int descriptor_;
  std::uint32_t kind_ = 0;  ///< of the rows that wait in block_
  std::string block_, row_;
  RowTotals items_, users_;  ///< of the publication that is being written
  BackedUp totals_;
  Sha256 hash_;
};

/// What read_backup() meets, in the order of the file. An error ends the reading.
struct BackupParts {
  std::function<Result<void>(const std::string& name, const TenantState& state)> tenant;
  std::function<Result<void>(const Publication& info)> publication;
  std::function<Result<void>(const std::vector<PublishedItem>& items)> items;
  std::function<Result<void>(const std::vector<PublishedUser>& users)> users;
  std::function<Result<void>()> end_publication;
  std::function<Result<void>(const std::vector<Record>& records)> records;
  std::function<Result<void>(const ApiKey& key)> key;
};

/// Checks everything that can be checked without a store (sizes, checksums, order, every row) and
/// hands the parts over; an empty function is not called. `bytes` is the whole file, `name` for
/// messages. Errors: kCorrupt, kUnsupported (a newer format), and those of the parts.
[[nodiscard]] Result<BackedUp> read_backup(std::string_view bytes, const std::string& name,
                                           const BackupParts& parts);

}  // namespace torii::store

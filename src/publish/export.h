#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "base/reporter.h"
#include "base/result.h"
#include "data/interactions.h"
#include "data/table.h"
#include "publish/attributes.h"
#include "publish/store_records.h"

/// From the records of a store to the tables of the next training.
namespace torii::publish {

inline constexpr const char* kExportedTables[] = {"users.parquet", "items.parquet",
                                                  "interactions.parquet", "deletions.parquet"};

/// What was written.
struct Exported {
  std::uint64_t users = 0, items = 0, interactions = 0, deletions = 0;
  std::uint64_t events = 0;  ///< of the interactions, those of the store that the base had not
  // Of a merge:
  std::uint64_t known_events = 0;   ///< of the store that the base had already, by their ids
  std::uint64_t removed_users = 0;  ///< rows of the users table of the base
  std::uint64_t removed_rows = 0;   ///< interactions of the base whose user was deleted
  std::uint64_t removed_items = 0;  ///< rows of the items table of the base
  std::map<std::string, std::uint64_t> lost;  ///< "users.age" -> values that were no such type
};

/// Writes the records alone: users.parquet (user_id and every attribute that any has),
/// items.parquet likewise, interactions.parquet (user_id, item_id, timestamp, interaction_type,
/// rating, quantity, event_id) and deletions.parquet (kind: user or item; id, timestamp). Ids are
/// texts. Errors: those of data::write_parquet().
[[nodiscard]] Result<Exported> write_export(const StoreRecords& records,
                                            const std::filesystem::path& folder,
                                            Reporter& reporter);

/// The shop's own tables, as they were read.
struct MergeBase {
  const data::LoadedDataset* loaded = nullptr;
  /// Whether loaded->extra[0] is the column event_id.
  bool has_event_ids = false;
  data::DataOptions names;  ///< columns keep the names that they have in the base
  Separators user_separators;
  Separators item_separators;
};

/// Writes base and records as one complete folder of the same column names:
///  - interactions: all rows of the base, and the store's events that it has not (by event_id),
///    ordered by time. Rows of the base whose user was deleted are gone.
///  - users and items: a row of the base, with the attributes that the store knows in the place of
///    its own; an attribute that is null there is taken away, one that is not named stays. Users
///    and items that only the store knows are added; deleted ones are gone. Interactions with
///    deleted items stay: what somebody liked once still tells of them.
///  - deletions.parquet as above.
/// Attributes take the type of the base's column. Memory: that of the base and the records.
[[nodiscard]] Result<Exported> write_merged(const MergeBase& base, const StoreRecords& records,
                                            const std::filesystem::path& folder,
                                            Reporter& reporter);

}  // namespace torii::publish

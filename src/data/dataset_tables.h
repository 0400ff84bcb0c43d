#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/interactions.h"
#include "data/join_ids.h"
#include "data/table.h"

namespace torii::data {

/// "users.parquet: column 'age'", for messages.
[[nodiscard]] std::string place_of(const Table& table, const std::string& column);

/// A table of users or items; without one a table without columns.
struct EntityTable {
  bool present = false;
  Table table;
  std::string id;  ///< name of its id column
  /// Its ids; the column lives in `table`.
  [[nodiscard]] IdSource ids() const;
};

/// The three tables as they were read, columns named as `options` names them, and what was found on
/// the way (Dataset::findings).
struct DatasetTables {
  EntityTable users, items;
  Table interactions;  ///< only the columns that are needed
  std::map<std::string, std::uint64_t> findings;
};

/// Reads them from files and databases, or from services of a Feast repository (whose join keys and
/// event time take the names in `options`), and appends new users and streamed interactions.
/// Errors: those of the readers; kInvalidArgument for what is named twice or not at all.
[[nodiscard]] Result<DatasetTables> read_dataset_tables(
    const DataOptions& options, const std::vector<std::string>& extra_interaction_columns,
    const ReadContext& context);

/// One of them by itself, as read_dataset_tables() has it; of the interactions all columns, with
/// those that the options name under these names. Errors also: kNotFound (the options name no such
/// table).
enum class DatasetTable : std::uint8_t { kUsers, kItems, kInteractions };
[[nodiscard]] bool names_table(const DataOptions& options, DatasetTable which);
[[nodiscard]] Result<Table> read_dataset_table(const DataOptions& options, DatasetTable which,
                                               std::map<std::string, std::uint64_t>& findings,
                                               const ReadContext& context);

}  // namespace torii::data

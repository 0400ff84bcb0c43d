#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/id_index.h"
#include "base/options.h"
#include "base/result.h"
#include "data/table.h"

namespace torii::data {

/// `data:` of torii.yaml. Paths are relative to the file that names them.
struct DataOptions {
  std::string users;         ///< path of the users table; empty = none
  std::string items;         ///< path of the items table; empty = none
  std::string interactions;  ///< path of the interactions table
  std::string user_id = "user_id";
  std::string item_id = "item_id";
  std::string timestamp = "timestamp";                ///< optional column
  std::string position = "position";                  ///< optional column
  std::string interaction_type = "interaction_type";  ///< optional column
  std::string rating = "rating";                      ///< optional column
  std::string quantity = "quantity";                  ///< optional column
  std::vector<std::string> negative_types = {"negative_view", "return"};
  double min_rating = 0.0;  ///< ratings below are not positive; 0 = off
  std::string delimiter;    ///< for CSV files; empty = by the file's ending
  std::vector<std::string> null_values;
};
void declare(DataOptions& options, OptionSet& set);

/// What people did, as columns of equal length, ordered by (timestamp, position, file row): rows
/// without a timestamp come first. Nothing is cut off; rows without a user or item id cannot be
/// used and are counted in `dropped`.
struct Interactions {
  std::vector<std::uint32_t> user;     ///< dense index
  std::vector<std::uint32_t> item;     ///< dense index
  std::vector<std::int64_t> time;      ///< ms since 1970 UTC; kNoTime if none
  std::vector<std::int64_t> position;  ///< order inside the user; row number if the source has none
  std::vector<std::uint8_t> type;      ///< index into type_names
  std::vector<float> rating;           ///< NaN = none
  std::vector<float> quantity;         ///< NaN = none
  std::vector<std::uint8_t> positive;  ///< DESIGN: not of a negative type, rating not too low
  std::vector<std::uint32_t> file_row;  ///< row in the source
  std::vector<std::string> type_names;  ///< "" = no type column or null

  static constexpr std::int64_t kNoTime = INT64_MIN;
  [[nodiscard]] std::size_t size() const { return user.size(); }
};

/// Users, items and interactions joined by dense ids.
struct Dataset {
  IdIndex users;  ///< every id of the users table and of the interactions
  IdIndex items;  ///< every id of the items table and of the interactions
  /// Feature rows in dense order: row i describes users[i]. Ids that only interactions mention
  /// have null in every column. Without a users (items) file: no columns but the right row count
  /// is users.size(). The id column itself is left out.
  Table user_table;
  Table item_table;
  Interactions interactions;
  /// Rows that could not be used, by reason ("interactions: no item id" -> 12), and findings such
  /// as "users: duplicate id, last row kept" -> 3, "items: only in interactions" -> 7.
  std::map<std::string, std::uint64_t> dropped;
  std::map<std::string, std::uint64_t> findings;
  /// SHA-256 over the content that was read, for provenance.
  std::string fingerprint;
};

/// `extra_interaction_columns`: further columns to read, e.g. that of a column: split.
struct LoadedDataset {
  Dataset dataset;
  /// The extra columns, in the order of dataset.interactions.
  std::vector<Column> extra;
};
[[nodiscard]] Result<LoadedDataset> load_dataset(
    const DataOptions& options, const std::vector<std::string>& extra_interaction_columns = {});

/// Fills users, items, interactions from a folder that holds users.parquet (optional),
/// items.parquet (optional) and interactions.parquet, or the same names ending in .csv.
[[nodiscard]] Result<DataOptions> options_for_folder(const std::string& folder,
                                                     DataOptions defaults = {});

/// Items per user, ascending and distinct: CSR. items(u) lists what user u has.
struct UserItems {
  std::vector<std::uint64_t> offsets;  ///< [U+1]
  std::vector<std::uint32_t> items;
  [[nodiscard]] std::span<const std::uint32_t> of(std::uint32_t user) const {
    return std::span(items).subspan(offsets[user], offsets[user + 1] - offsets[user]);
  }
};
/// From those rows of `interactions` whose `use[row]` is not 0 (use empty = all rows).
[[nodiscard]] UserItems user_items(const Interactions& interactions, std::size_t users,
                                   std::span<const std::uint8_t> use = {});

}  // namespace torii::data

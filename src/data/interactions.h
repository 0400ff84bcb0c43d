#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/id_index.h"
#include "base/options.h"
#include "base/result.h"
#include "data/table.h"

namespace torii::data {

/// `data.users` or `data.items` of torii.yaml: one table of entities.
struct EntityOptions {
  std::string path;        ///< file, folder, glob or database (see read_table); empty = none
  std::string id;          ///< its id column
  std::string table = {};  ///< of a database: this, or
  std::string query = {};  ///< this
};

/// `data.interactions` of torii.yaml. A column that still has its default name may be missing from
/// the file (all but the ids); one that was renamed must be there; "" = do not read.
struct InteractionOptions {
  std::string path;
  std::string table = {};  ///< of a database: this, or
  std::string query = {};  ///< this
  std::string user_id = "user_id";
  std::string item_id = "item_id";
  std::string timestamp = "timestamp";
  std::string position = "position";
  std::string type = "interaction_type";
  std::string rating = "rating";
  std::string quantity = "quantity";
  std::vector<std::string> negative_types = {"negative_view", "return"};
  double min_rating = 0.0;  ///< ratings below are not positive; 0 = off
};

/// `data.feast` of torii.yaml: the tables come from services of a Feast repository instead.
struct FeastOptions {
  std::string repo;        ///< folder, or its feature_store.yaml; empty = none
  std::string users = {};  ///< names of feature services; users and items may be empty
  std::string items = {};
  std::string interactions = {};
  std::string as_of = {};  ///< rows of users and items after this time do not count; empty = now
};

/// Rows that are appended to a table: `data.new_users`, `data.stream`.
struct MoreRows {
  std::string path;  ///< as EntityOptions
  std::string table = {};
  std::string query = {};
};

/// `data:` of torii.yaml.
struct DataOptions {
  EntityOptions users{"", "user_id"};
  EntityOptions items{"", "item_id"};
  InteractionOptions interactions;
  FeastOptions feast;
  MoreRows
      new_users;    ///< users who came since the table was made; of an id that is there, they win
  MoreRows stream;  ///< interactions since
  std::string delimiter;                 ///< of CSV files, one character; empty = by the ending
  std::vector<std::string> null_values;  ///< texts that mean null
  double bad_rows_max = 0.01;  ///< share of a table's rows that may be unusable; see BadRows::check
};
/// Keys data.users.path, data.users.id, data.items.*, data.interactions.*, data.feast.*,
/// data.new_users.*, data.stream.*, data.delimiter, data.null_values, data.bad_rows_max.
void declare(DataOptions& options, OptionSet& set);

/// Whether the options say where interactions lie.
[[nodiscard]] bool names_data(const DataOptions& options);

/// Makes relative paths relative to `folder`: paths in a file are meant from where that file is.
void resolve_paths(DataOptions& options, const std::filesystem::path& folder);

/// What people did, as columns of equal length, ordered by (timestamp, position, file row): rows
/// without a timestamp come first. Nothing is cut off; rows without a user or item id and with a
/// time, position or amount that is none cannot be used and are counted in `dropped`.
struct Interactions {
  std::vector<std::uint32_t> user;      ///< dense index
  std::vector<std::uint32_t> item;      ///< dense index
  std::vector<std::int64_t> time;       ///< ms since 1970 UTC; kNoTime if none
  std::vector<std::int64_t> position;   ///< order inside the user; the file row where it is null
  std::vector<std::uint8_t> type;       ///< index into type_names
  std::vector<float> rating;            ///< NaN = none
  std::vector<float> quantity;          ///< NaN = none
  std::vector<std::uint8_t> positive;   ///< DESIGN: not of a negative type, rating not too low
  std::vector<std::uint32_t> file_row;  ///< row in the source
  std::vector<std::string> type_names;  ///< [0] is "": no type column, or null; others by bytes

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
  /// 1 where the users (items) file has a row for the id; empty without such a file.
  std::vector<std::uint8_t> user_listed, item_listed;
  Interactions interactions;
  /// Rows that could not be used, by reason ("interactions: no item id" -> 12), and findings such
  /// as "users: duplicate id, last row kept" -> 3, "items: only in interactions" -> 7.
  std::map<std::string, std::uint64_t> dropped;
  std::map<std::string, std::uint64_t> findings;
  /// Where the first of the rows in `dropped` stand, by the same reasons: "row 17 (\"n/a\")".
  std::map<std::string, std::vector<std::string>> dropped_examples;
  /// SHA-256 over the content that was read, for provenance.
  std::string fingerprint;
};

/// Reads and joins the three tables. Ids are integers where every column that holds them is an
/// integer column (or floats that are all whole, or CSV text that is all integers), else texts.
/// Over a share of unusable rows (bad_rows_max) a table is refused with examples.
/// Integer timestamps are seconds, ms, us or ns by the size of the largest; texts are ISO 8601.
/// `extra_interaction_columns`: further columns to read, e.g. that of a column: split. Errors:
/// kNotFound, kInvalidArgument (a column is missing or of an impossible type), kCorrupt, kIo.
/// kCancelled. The result does not depend on the threads of `context`.
struct LoadedDataset {
  Dataset dataset;
  /// The extra columns, in the order of dataset.interactions.
  std::vector<Column> extra;
};
[[nodiscard]] Result<LoadedDataset> load_dataset(
    const DataOptions& options, const std::vector<std::string>& extra_interaction_columns = {},
    const ReadContext& context = {});

/// Fills the three paths from a folder, local or "s3://bucket/shop", that holds users.parquet
/// (optional), items.parquet (optional) and interactions.parquet, or the same names ending in .csv,
/// .tsv, .jsonl, .ndjson (also with .gz), or folders users/, items/, interactions/ of part files,
/// or one NAME.inter with NAME.user and NAME.item (atomic files of RecBole). Errors: kNotFound,
/// kIo, and kInvalidArgument if one table is there twice.
[[nodiscard]] Result<DataOptions> options_for_folder(const std::string& folder,
                                                     DataOptions defaults = {},
                                                     const Environment& environment = {});

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

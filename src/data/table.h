#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/environment.h"
#include "base/result.h"
#include "base/string_array.h"

namespace torii {
class ThreadPool;
class Reporter;
}  // namespace torii

namespace torii::data {

/// What a column holds. Integers of all widths are int64, floats double, dates and timestamps of
/// any unit milliseconds since 1970-01-01 UTC (times without a zone count as UTC);
/// dictionary-encoded strings are strings; lists of integers are lists of texts (codes), lists of
/// floats stay numbers (vectors). NaN in a number column is null.
enum class ColumnType {
  kInt64,
  kFloat64,
  kBool,
  kTimestamp,
  kString,
  kStringList,
  kFloatList,
};

/// For messages: "integer", "number", "yes/no", "timestamp", "text", "list of texts", ...
[[nodiscard]] const char* type_name(ColumnType type);

/// Lists one behind the other: element i is values[offsets[i] .. offsets[i+1]).
struct StringLists {
  std::vector<std::uint64_t> offsets{0};
  StringArray values;
};
struct FloatLists {
  std::vector<std::uint64_t> offsets{0};
  std::vector<float> values;
};

/// Texts of which many repeat: row i holds values[codes[i]]. The values are in no order, may stand
/// twice, and some may belong to no row.
struct EncodedTexts {
  StringArray values;
  std::vector<std::uint32_t> codes;
};

/// One named column, immutable once it is in a Table.
struct Column {
  std::string name;
  ColumnType type = ColumnType::kString;
  /// kInt64 and kTimestamp: int64; kFloat64: double; kBool: uint8. kString: StringArray, or
  /// EncodedTexts in a column that was asked for in ReadOptions::encoded_columns.
  std::variant<std::vector<std::int64_t>, std::vector<double>, std::vector<std::uint8_t>,
               StringArray, StringLists, FloatLists, EncodedTexts>
      values;
  /// 1 = there is a value; empty = no nulls. A null's slot in `values` is 0, NaN or empty.
  std::vector<std::uint8_t> valid;

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] bool is_null(std::size_t row) const { return !valid.empty() && valid[row] == 0; }
  [[nodiscard]] std::size_t null_count() const;
  // Only for the matching type.
  [[nodiscard]] std::span<const std::int64_t> ints() const {
    return std::get<std::vector<std::int64_t>>(values);
  }
  [[nodiscard]] std::span<const double> doubles() const {
    return std::get<std::vector<double>>(values);
  }
  [[nodiscard]] std::span<const std::uint8_t> bools() const {
    return std::get<std::vector<std::uint8_t>>(values);
  }
  [[nodiscard]] const StringArray& strings() const { return std::get<StringArray>(values); }
  [[nodiscard]] bool is_encoded() const { return std::holds_alternative<EncodedTexts>(values); }
  [[nodiscard]] const EncodedTexts& encoded() const { return std::get<EncodedTexts>(values); }
  [[nodiscard]] const StringLists& string_lists() const { return std::get<StringLists>(values); }
  [[nodiscard]] const FloatLists& float_lists() const { return std::get<FloatLists>(values); }

  /// Any scalar value as the text a person would write (integers without a point, floats in the
  /// shortest form, timestamps as ISO 8601); empty for null.
  [[nodiscard]] std::string text_at(std::size_t row) const;
  /// Integers, floats, booleans (0, 1) and timestamps (ms) as a number; nullopt for null and for
  /// other types.
  [[nodiscard]] std::optional<double> number_at(std::size_t row) const;
};

/// Typed columns of equal length. Shows no type of the library that read them.
class Table {
 public:
  Table() = default;
  /// All columns must have the same size and different names (our own mistake otherwise).
  explicit Table(std::vector<Column> columns, std::string source = "");

  [[nodiscard]] std::size_t rows() const { return rows_; }
  [[nodiscard]] const std::vector<Column>& columns() const { return columns_; }
  [[nodiscard]] const Column* find(std::string_view name) const;
  /// find(), or an error that names the source, the column, the nearest name and what there is.
  [[nodiscard]] Result<const Column*> column(std::string_view name) const;
  /// Where it came from, for messages: "users.parquet".
  [[nodiscard]] const std::string& source() const { return source_; }
  /// A table of the given rows, in that order; kNullRow gives null in every column.
  [[nodiscard]] Table take(std::span<const std::uint32_t> rows) const;
  static constexpr std::uint32_t kNullRow = UINT32_MAX;
  /// The same rows without that column (which may be missing).
  [[nodiscard]] Table without(std::string_view name) &&;
  /// These columns alone, in this order and under new names; a column may come twice. All `from`
  /// must be there (our own mistake otherwise).
  struct Renamed {
    std::string from, to;
  };
  [[nodiscard]] Table select(std::span<const Renamed> columns) &&;
  /// Columns of the file that were not asked for by name and that torii cannot hold, with their
  /// type: "location (struct<lat: double, lon: double>)".
  [[nodiscard]] const std::vector<std::string>& skipped() const { return skipped_; }
  void set_skipped(std::vector<std::string> skipped) { skipped_ = std::move(skipped); }
  /// Columns with texts that were not UTF-8, and how many: U+FFFD stands for the bad bytes.
  [[nodiscard]] const std::map<std::string, std::uint64_t>& repaired() const { return repaired_; }
  void set_repaired(std::map<std::string, std::uint64_t> repaired) {
    repaired_ = std::move(repaired);
  }
  /// Columns that hold texts beside other values in a format whose values have types of their own
  /// (JSONL), with the place of the first text; they are columns of texts.
  [[nodiscard]] const std::map<std::string, std::string>& mixed() const { return mixed_; }
  void set_mixed(std::map<std::string, std::string> mixed) { mixed_ = std::move(mixed); }
  /// Whether the file's values are texts without a type (CSV), so that "12" may mean a number.
  [[nodiscard]] bool untyped() const { return untyped_; }
  void set_untyped(bool untyped) { untyped_ = untyped; }

  /// A file that the table was read from, and its first row in the table.
  struct Part {
    std::string name;  ///< for messages
    std::size_t first_row = 0;
  };
  /// In order of rows; a table that was read in one piece has none.
  void set_parts(std::vector<Part> parts) { parts_ = std::move(parts); }
  [[nodiscard]] std::size_t part_count() const { return parts_.size(); }
  /// Where a row of the table stands, for messages: "row 17 of interactions/part-3.parquet"; just
  /// "row 17" if there is one file, whose name is source().
  [[nodiscard]] std::string place_of_row(std::size_t row) const;

 private:
  std::size_t rows_ = 0;
  std::vector<Column> columns_;
  std::string source_;
  std::vector<std::string> skipped_;
  std::map<std::string, std::uint64_t> repaired_;
  std::map<std::string, std::string> mixed_;
  std::vector<Part> parts_;
  bool untyped_ = false;
};

/// The rows of one column in that order; kNullRow gives null. Encoded texts become plain ones.
[[nodiscard]] Column take(const Column& column, std::span<const std::uint32_t> rows);

struct ReadOptions {
  /// Read only these (in file order); empty = all. A name that is missing is an error.
  std::vector<std::string> columns = {};
  /// As `columns`, but a missing one is simply absent.
  std::vector<std::string> optional_columns = {};
  /// "parquet", "csv", "jsonl", or empty: by the ending of the files (.parquet .pq; .csv .tsv;
  /// .jsonl .ndjson .json: one object a line; the texts also with .gz; .inter .user .item:
  /// tab-separated atomic files of RecBole with `name:type` headers).
  std::string format = {};
  /// For CSV; 0 = ',' (tab for .tsv).
  char delimiter = 0;
  /// Texts that mean null, beside the empty field of CSV.
  std::vector<std::string> null_values = {};
  /// Columns that must stay text in CSV whatever they look like (ids such as "007"); as with named
  /// ones, text that is not UTF-8 is an error.
  std::vector<std::string> text_columns = {};
  /// Columns whose texts may come as EncodedTexts, where the file holds them so: faster where few
  /// values repeat often.
  std::vector<std::string> encoded_columns = {};
  /// Of a database: exactly one of a table ("users", "shop.users") and a query (one SELECT).
  std::string table = {};
  std::string query = {};
};

/// What reading takes from outside; all of it may be absent.
struct ReadContext {
  /// Credentials and endpoint of object stores and data bases.
  const Environment* environment = nullptr;
  /// Reads row groups, columns and files side by side; null: all in the calling thread. The table
  /// does not depend on it.
  ThreadPool* pool = nullptr;
  /// Is told the rows that were read, and asked whether to go on.
  Reporter* reporter = nullptr;
};

/// Reads a table from where it lies. `place` is
///  - a file, local or in an object store ("s3://bucket/items.parquet");
///  - a folder: all files below it, ordered by name. Names that start with '.' or '_' are left out
///    (_SUCCESS, .crc). Folders below it named KEY=VALUE give each row below them a column KEY
///    (VALUE percent-decoded; integer or time if all values are, else text;
///    __HIVE_DEFAULT_PARTITION__ = null);
///  - a database ("sqlite:shop.db", "postgres://user@host/shop"), of which `options` names a table
///  or
///    a query (read_sql.h);
///  - a glob: * and ? within a name, [a-c], ** over folders ("events/2024-*.parquet").
/// All files of a table have one format. Columns go by name: where a file lacks one its rows are
/// null; integers and floats make floats; CSV and JSONL columns of different kinds make text; other
/// differences are errors that name both files.
/// Errors name file, column, row (from 1; in CSV the header is not counted), found and expected:
/// kNotFound (no such file; nothing matches), kInvalidArgument, kUnsupported, kCorrupt, kIo,
/// kCancelled. Memory: the table, and while parts are joined one more copy of a column at a time.
[[nodiscard]] Result<Table> read_table(const std::string& place, const ReadOptions& options = {},
                                       const ReadContext& context = {});

/// Column names of a table, in the order of read_table(), without reading more than it takes.
[[nodiscard]] Result<std::vector<std::string>> column_names(const std::string& place,
                                                            const ReadOptions& options = {},
                                                            const ReadContext& context = {});

/// Writes Parquet (zstd) durably: the file appears whole or not at all. Same table: same bytes.
[[nodiscard]] Result<void> write_parquet(const std::filesystem::path& path, const Table& table);

}  // namespace torii::data

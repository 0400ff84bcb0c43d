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

#include "base/result.h"
#include "base/string_array.h"

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

/// One named column, immutable once it is in a Table.
struct Column {
  std::string name;
  ColumnType type = ColumnType::kString;
  /// kInt64 and kTimestamp: int64; kFloat64: double; kBool: uint8.
  std::variant<std::vector<std::int64_t>, std::vector<double>, std::vector<std::uint8_t>,
               StringArray, StringLists, FloatLists>
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
  /// Columns of the file that were not asked for by name and that torii cannot hold, with their
  /// type: "location (struct<lat: double, lon: double>)".
  [[nodiscard]] const std::vector<std::string>& skipped() const { return skipped_; }
  void set_skipped(std::vector<std::string> skipped) { skipped_ = std::move(skipped); }
  /// Columns with texts that were not UTF-8, and how many: U+FFFD stands for the bad bytes.
  [[nodiscard]] const std::map<std::string, std::uint64_t>& repaired() const { return repaired_; }
  void set_repaired(std::map<std::string, std::uint64_t> repaired) {
    repaired_ = std::move(repaired);
  }

 private:
  std::size_t rows_ = 0;
  std::vector<Column> columns_;
  std::string source_;
  std::vector<std::string> skipped_;
  std::map<std::string, std::uint64_t> repaired_;
};

/// The rows of one column in that order; kNullRow gives null.
[[nodiscard]] Column take(const Column& column, std::span<const std::uint32_t> rows);

struct ReadOptions {
  /// Read only these (in file order); empty = all. A name that is missing is an error.
  std::vector<std::string> columns = {};
  /// As `columns`, but a missing one is simply absent.
  std::vector<std::string> optional_columns = {};
  /// "parquet", "csv", or empty: by the file's ending (.parquet; .csv .tsv, also with .gz; .inter
  /// .user .item: tab-separated atomic files of RecBole with `name:type` headers).
  std::string format = {};
  /// For CSV; 0 = ',' (tab for .tsv).
  char delimiter = 0;
  /// Texts that mean null in CSV, beside the empty field.
  std::vector<std::string> null_values = {};
  /// Columns that must stay text in CSV whatever they look like (ids such as "007"); as with named
  /// ones, text that is not UTF-8 is an error.
  std::vector<std::string> text_columns = {};
};

/// Reads a Parquet or CSV file. Errors name file, column, row (from 1; in CSV the header is not
/// counted), found and expected: kNotFound, kInvalidArgument, kUnsupported, kCorrupt, kIo.
[[nodiscard]] Result<Table> read_table(const std::filesystem::path& path,
                                       const ReadOptions& options = {});

/// Column names of a file without reading it all.
[[nodiscard]] Result<std::vector<std::string>> column_names(const std::filesystem::path& path,
                                                            const ReadOptions& options = {});

/// Whether the values of this file are untyped text (CSV), so that "12" may mean a number.
[[nodiscard]] bool is_text_format(const std::filesystem::path& path);

/// Writes Parquet (zstd) durably: the file appears whole or not at all. Same table: same bytes.
[[nodiscard]] Result<void> write_parquet(const std::filesystem::path& path, const Table& table);

}  // namespace torii::data

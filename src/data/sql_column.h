#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "data/table.h"
#include "sql/connection.h"

namespace torii::data {

/// Whether a column of a database can become one of ours (bytes and geometric types cannot).
[[nodiscard]] bool is_readable(sql::Type type);

/// A column of a database while its rows are read. PostgreSQL's columns have one type. SQLite's
/// values may differ from what is declared, so there the column becomes what holds all of them:
/// integers beside floats make floats, anything beside texts makes texts; integers 0 and 1 in a
/// column declared BOOLEAN are yes/no, texts in one declared as a date or time are times if they
/// all are ISO 8601. JSON whose values are all lists of scalars is a column of lists.
class SqlColumn {
 public:
  SqlColumn(sql::ColumnInfo info, sql::Dialect dialect)
      : info_(std::move(info)), is_sqlite_(dialect == sql::Dialect::kSqlite) {}

  [[nodiscard]] const sql::ColumnInfo& info() const { return info_; }
  /// Appends the value of the statement's current row. False: bytes, which no column can hold.
  [[nodiscard]] bool add(const sql::Statement& row, std::size_t place);
  /// Texts that were not UTF-8 so far; U+FFFD stands for the bad bytes.
  [[nodiscard]] std::uint64_t repaired() const { return repaired_; }

  /// `where` for messages. Errors: kInvalidArgument for a time that is none ('infinity', before
  /// year 0 or past 9999), which PostgreSQL may hold.
  [[nodiscard]] Result<Column> finish(const std::string& where) &&;

 private:
  enum class Kind { kNothing, kIntegers, kNumbers, kBools, kTexts, kTextLists, kFloatLists };

  void become(Kind kind);
  void add_null();
  void add_text(std::string_view text);
  void add_text_list(std::string_view array);
  void add_float_list(std::string_view array);
  [[nodiscard]] Result<bool> texts_to_times(const std::string& where, Column& column) const;
  [[nodiscard]] bool texts_to_lists(Column& column) const;

  sql::ColumnInfo info_;
  bool is_sqlite_;
  Kind kind_ = Kind::kNothing;
  std::vector<std::uint8_t> valid_;
  bool has_nulls_ = false;
  std::vector<std::int64_t> integers_;
  std::vector<double> numbers_;
  std::vector<std::uint8_t> bools_;
  StringArray texts_;
  StringLists text_lists_;
  FloatLists float_lists_;
  std::uint64_t repaired_ = 0;
};

}  // namespace torii::data

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "data/table.h"

namespace torii::data {

/// A scalar of JSON; monostate is null.
using JsonScalar =
    std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string_view>;

/// A column of JSONL while it is read: the type follows from the values so far. Integers become
/// floats beside floats; scalars of different kinds become texts as they are printed, and so do
/// integers beyond int64; lists of integers are lists of texts unless a float is among them.
class JsonColumn {
 public:
  /// Kinds that make no column of ours.
  enum class Refused { kNone, kListAndScalar, kNested };

  /// `is_text`: text whatever comes.
  JsonColumn(std::string name, bool is_text) : name_(std::move(name)), is_text_(is_text) {}

  [[nodiscard]] const std::string& name() const { return name_; }
  /// Rows with a value or a null so far.
  [[nodiscard]] std::size_t size() const { return rows_; }
  /// The value of row `row`, at least size(); rows between are null. False: see refused().
  bool add(std::size_t row, const JsonScalar& value);
  bool add_list(std::size_t row, const std::vector<JsonScalar>& values);
  /// An object, or a list that holds one or a list.
  void add_nested(std::size_t row);

  [[nodiscard]] Refused refused() const { return refused_; }
  /// The first row (from 0) where texts and other scalars met, or where `refused` came to be.
  [[nodiscard]] std::optional<std::size_t> odd_row() const { return odd_row_; }

  /// The column of `rows` rows. With `infers_times`, texts that are all dates or times become
  /// timestamps.
  [[nodiscard]] Column finish(std::size_t rows, bool infers_times) &&;

 private:
  enum class Kind {
    kNothing,
    kInteger,
    kNumber,
    kBool,
    kText,
    kTextList,
    kIntegerList,
    kFloatList
  };

  void pad(std::size_t rows);
  void become(Kind kind);
  void become_text(std::size_t row, bool is_odd);
  [[nodiscard]] bool is_list() const { return kind_ >= Kind::kTextList; }

  std::string name_;
  bool is_text_;
  bool is_digits_ = false;  // texts, but of integers alone, some of them beyond int64
  Kind kind_ = Kind::kNothing;
  Refused refused_ = Refused::kNone;
  std::optional<std::size_t> odd_row_;
  std::size_t rows_ = 0;
  bool has_nulls_ = false;
  std::vector<std::uint8_t> valid_;
  std::vector<std::int64_t> integers_;
  std::vector<double> numbers_;
  std::vector<std::uint8_t> bools_;
  StringArray texts_;
  StringLists text_lists_;
  FloatLists float_lists_;
};

}  // namespace torii::data

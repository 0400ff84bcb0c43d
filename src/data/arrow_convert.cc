#include "data/arrow_convert.h"

#include <arrow/array.h>
#include <arrow/chunked_array.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include <cmath>
#include <limits>
#include <utility>

#include "data/arrow_texts.h"
#include "data/iso_time.h"

namespace torii::data {
namespace {

using arrow::Type;

// Converts the chunks of one column, one after the other.
class Converter {
 public:
  Converter(const arrow::ChunkedArray& array, const Conversion& conversion)
      : array_(array),
        where_(conversion.where),
        texts_(conversion.where, conversion.ill_formed),
        first_row_(conversion.first_row) {
    column_.name = conversion.name;
    encoded_ = conversion.encoded && array.type()->id() == Type::DICTIONARY &&
               route_of(*array.type()) == Route::kText;
  }

  Result<Converted> convert() {
    const auto rows = static_cast<std::size_t>(array_.length());
    if (array_.null_count() > 0) column_.valid.reserve(rows);
    const Route route = route_of(*array_.type());
    if (encoded_) return convert_encoded(rows);
    switch (route) {
      case Route::kInteger:
      case Route::kTimestamp:
        column_.type = route == Route::kInteger ? ColumnType::kInt64 : ColumnType::kTimestamp;
        column_.values.emplace<std::vector<std::int64_t>>().reserve(rows);
        break;
      case Route::kUnsigned64:
        start_unsigned(rows);
        break;
      case Route::kNumber:
        column_.type = ColumnType::kFloat64;
        column_.values.emplace<std::vector<double>>().reserve(rows);
        break;
      case Route::kBool:
        column_.type = ColumnType::kBool;
        column_.values.emplace<std::vector<std::uint8_t>>().reserve(rows);
        break;
      case Route::kText:
      case Route::kAllNull:
        column_.type = ColumnType::kString;
        column_.values.emplace<StringArray>().offsets.reserve(rows + 1);
        break;
      case Route::kList:
        start_lists(rows);
        break;
      case Route::kNone:
        break;
    }
    if (!is_convertible(*array_.type())) {
      return make_error(ErrorCode::kUnsupported,
                        "{}: columns of type {} are not supported; convert it to a plain number, "
                        "text, timestamp or list column, or leave it out",
                        where_, array_.type()->ToString());
    }
    for (const auto& chunk : array_.chunks()) {
      TORII_TRY_VOID(add(chunk, route));
      row_ += chunk->length();
    }
    if (column_.type == ColumnType::kFloat64) nan_to_null();
    return Converted{std::move(column_), texts_.repaired()};
  }

 private:
  Result<Converted> convert_encoded(std::size_t rows) {
    column_.type = ColumnType::kString;
    auto& to = column_.values.emplace<EncodedTexts>();
    to.codes.reserve(rows);
    for (const auto& chunk : array_.chunks()) {
      TORII_TRY_VOID(texts_.append_encoded(static_cast<const arrow::DictionaryArray&>(*chunk),
                                           first_row_ + row_, to, column_.valid));
      row_ += chunk->length();
    }
    return Converted{std::move(column_), texts_.repaired()};
  }

  void start_unsigned(std::size_t rows) {
    // Values beyond int64 (hashes, as a rule) are kept as texts: nothing is lost.
    bool fits = true;
    for (const auto& chunk : array_.chunks()) {
      auto plain = decoded(chunk);
      if (!plain.ok()) continue;
      const auto& values = static_cast<const arrow::UInt64Array&>(**plain);
      for (std::int64_t i = 0; i < values.length(); ++i) {
        fits = fits && (values.IsNull(i) ||
                        values.Value(i) <= std::uint64_t{std::numeric_limits<std::int64_t>::max()});
      }
    }
    if (fits) {
      column_.type = ColumnType::kInt64;
      column_.values.emplace<std::vector<std::int64_t>>().reserve(rows);
    } else {
      column_.type = ColumnType::kString;
      column_.values.emplace<StringArray>().offsets.reserve(rows + 1);
    }
  }

  void start_lists(std::size_t rows) {
    if (list_route(*array_.type()) == Route::kNumber) {
      column_.type = ColumnType::kFloatList;
      column_.values.emplace<FloatLists>().offsets.reserve(rows + 1);
    } else {
      column_.type = ColumnType::kStringList;
      column_.values.emplace<StringLists>().offsets.reserve(rows + 1);
    }
  }

  Result<void> add(const std::shared_ptr<arrow::Array>& chunk, Route route) {
    auto plain = decoded(chunk);
    if (!plain.ok()) return from_status(plain.status(), where_, ErrorCode::kCorrupt);
    // After decoding: a dictionary may hold null values of its own.
    const bool has_nulls = array_.null_count() > 0 || (*plain)->null_count() > 0;
    if (has_nulls) {
      column_.valid.resize(static_cast<std::size_t>(row_), 1);
      for (std::int64_t i = 0; i < (*plain)->length(); ++i) {
        column_.valid.push_back((*plain)->IsNull(i) ? 0 : 1);
      }
    } else if (!column_.valid.empty()) {
      column_.valid.resize(static_cast<std::size_t>(row_ + (*plain)->length()), 1);
    }
    switch (route) {
      case Route::kInteger:
        return add_integers(*plain);
      case Route::kUnsigned64:
        return column_.type == ColumnType::kInt64 ? add_integers(*plain) : add_texts(*plain);
      case Route::kNumber:
        return add_numbers(*plain);
      case Route::kBool:
        return add_bools(static_cast<const arrow::BooleanArray&>(**plain));
      case Route::kTimestamp:
        return add_times(*plain);
      case Route::kText:
        return texts_.append(*plain, first_row_ + row_, std::get<StringArray>(column_.values));
      case Route::kAllNull: {
        auto& texts = std::get<StringArray>(column_.values);
        for (std::int64_t i = 0; i < (*plain)->length(); ++i) texts.push_back({});
        return {};
      }
      case Route::kList:
        return add_lists(*plain);
      case Route::kNone:
        break;
    }
    return {};
  }

  Result<void> add_integers(const std::shared_ptr<arrow::Array>& chunk) {
    auto wide = cast(chunk, arrow::int64());
    if (!wide.ok()) return from_status(wide.status(), where_, ErrorCode::kCorrupt);
    const auto& from = static_cast<const arrow::Int64Array&>(**wide);
    auto& to = std::get<std::vector<std::int64_t>>(column_.values);
    if (from.null_count() == 0) {
      to.insert(to.end(), from.raw_values(), from.raw_values() + from.length());
    } else {
      for (std::int64_t i = 0; i < from.length(); ++i) {
        to.push_back(from.IsNull(i) ? 0 : from.Value(i));
      }
    }
    return {};
  }

  Result<void> add_texts(const std::shared_ptr<arrow::Array>& chunk) {
    auto texts = cast(chunk, arrow::utf8());
    if (!texts.ok()) return from_status(texts.status(), where_, ErrorCode::kCorrupt);
    return texts_.append(*texts, first_row_ + row_, std::get<StringArray>(column_.values));
  }

  Result<void> add_numbers(const std::shared_ptr<arrow::Array>& chunk) {
    auto wide = cast(chunk, arrow::float64());
    if (!wide.ok()) return from_status(wide.status(), where_, ErrorCode::kCorrupt);
    const auto& from = static_cast<const arrow::DoubleArray&>(**wide);
    auto& to = std::get<std::vector<double>>(column_.values);
    if (from.null_count() == 0) {
      to.insert(to.end(), from.raw_values(), from.raw_values() + from.length());
      return {};
    }
    for (std::int64_t i = 0; i < from.length(); ++i) {
      to.push_back(from.IsNull(i) ? std::numeric_limits<double>::quiet_NaN() : from.Value(i));
    }
    return {};
  }

  Result<void> add_bools(const arrow::BooleanArray& from) {
    auto& to = std::get<std::vector<std::uint8_t>>(column_.values);
    for (std::int64_t i = 0; i < from.length(); ++i) {
      to.push_back(!from.IsNull(i) && from.Value(i) ? 1 : 0);
    }
    return {};
  }

  Result<void> add_times(const std::shared_ptr<arrow::Array>& chunk) {
    std::int64_t multiply = 1, divide = 1;
    auto type = arrow::int64();
    if (chunk->type_id() == Type::DATE32) {
      multiply = kDayMs;
      type = arrow::int32();
    } else if (chunk->type_id() == Type::TIMESTAMP) {
      switch (static_cast<const arrow::TimestampType&>(*chunk->type()).unit()) {
        case arrow::TimeUnit::SECOND:
          multiply = 1000;
          break;
        case arrow::TimeUnit::MILLI:
          break;
        case arrow::TimeUnit::MICRO:
          divide = 1000;
          break;
        case arrow::TimeUnit::NANO:
          divide = 1'000'000;
          break;
      }
    }
    auto view = chunk->View(type);
    if (!view.ok()) return from_status(view.status(), where_, ErrorCode::kCorrupt);
    auto wide = cast(*view, arrow::int64());
    if (!wide.ok()) return from_status(wide.status(), where_, ErrorCode::kCorrupt);
    const auto& from = static_cast<const arrow::Int64Array&>(**wide);
    auto& to = std::get<std::vector<std::int64_t>>(column_.values);
    for (std::int64_t i = 0; i < from.length(); ++i) {
      std::int64_t ms = 0;
      if (!from.IsNull(i)) {
        const std::int64_t value = from.Value(i);
        if (__builtin_mul_overflow(value, multiply, &ms)) {
          return invalid("{}: time out of range in row {} ({} {})", where_,
                         first_row_ + row_ + i + 1, value, chunk->type()->ToString());
        }
        ms = ms / divide - (ms % divide < 0 ? 1 : 0);
      }
      to.push_back(ms);
    }
    return {};
  }

  Result<void> add_lists(const std::shared_ptr<arrow::Array>& chunk) {
    // All list layouts become large_list, whose offsets are plain 64-bit numbers.
    const auto values = static_cast<const arrow::BaseListType&>(*chunk->type()).value_type();
    auto wide = cast(chunk, arrow::large_list(values));
    if (!wide.ok()) return from_status(wide.status(), where_, ErrorCode::kCorrupt);
    const auto& lists = static_cast<const arrow::LargeListArray&>(**wide);
    auto plain = decoded(lists.values());
    if (!plain.ok()) return from_status(plain.status(), where_, ErrorCode::kCorrupt);
    if (column_.type == ColumnType::kFloatList) {
      auto numbers = cast(*plain, arrow::float64());
      if (!numbers.ok()) return from_status(numbers.status(), where_, ErrorCode::kCorrupt);
      const auto& from = static_cast<const arrow::DoubleArray&>(**numbers);
      auto& to = std::get<FloatLists>(column_.values);
      for (std::int64_t row = 0; row < lists.length(); ++row) {
        for (std::int64_t i = lists.value_offset(row);
             !lists.IsNull(row) && i < lists.value_offset(row + 1); ++i) {
          to.values.push_back(from.IsNull(i) ? std::numeric_limits<float>::quiet_NaN()
                                             : static_cast<float>(from.Value(i)));
        }
        to.offsets.push_back(to.values.size());
      }
      return {};
    }
    const Route route = route_of(*values);
    if (route != Route::kText && route != Route::kAllNull) {
      auto texts = cast(*plain, arrow::utf8());
      if (!texts.ok()) return from_status(texts.status(), where_, ErrorCode::kCorrupt);
      plain = std::move(texts);
    }
    StringArray all;
    if (route == Route::kText || route != Route::kAllNull) {
      TORII_TRY_VOID(texts_.append(*plain, first_row_ + row_, all));
    }
    auto& to = std::get<StringLists>(column_.values);
    for (std::int64_t row = 0; row < lists.length(); ++row) {
      for (std::int64_t i = lists.value_offset(row);
           !lists.IsNull(row) && i < lists.value_offset(row + 1); ++i) {
        // A null among the values says nothing: it is left out.
        if (!(*plain)->IsNull(i)) to.values.push_back(all[static_cast<std::size_t>(i)]);
      }
      to.offsets.push_back(to.values.size());
    }
    return {};
  }

  void nan_to_null() {
    const auto& numbers = std::get<std::vector<double>>(column_.values);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      if (!std::isnan(numbers[i])) continue;
      if (column_.valid.empty()) column_.valid.assign(numbers.size(), 1);
      column_.valid[i] = 0;
    }
  }

  const arrow::ChunkedArray& array_;
  std::string_view where_;
  TextAppender texts_;
  std::int64_t first_row_;
  bool encoded_ = false;
  Column column_;
  std::int64_t row_ = 0;  // rows of the chunks before
};

}  // namespace

Result<Converted> from_arrow(const arrow::ChunkedArray& array, const Conversion& conversion) {
  return Converter(array, conversion).convert();
}

}  // namespace torii::data

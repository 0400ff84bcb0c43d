#include "data/arrow_convert.h"

#include <arrow/array.h>
#include <arrow/chunked_array.h>
#include <arrow/compute/api.h>
#include <arrow/compute/initialize.h>
#include <arrow/type.h>
#include <arrow/util/utf8.h>

#include <cmath>
#include <limits>
#include <utility>

#include "data/repair_utf8.h"

namespace torii::data {
namespace {

using arrow::Type;

constexpr std::int64_t kDayMs = 86'400'000;

// Where each kind of Arrow type goes. Types that need no loop of their own are cast first.
enum class Route {
  kNone,
  kInteger,
  kUnsigned64,
  kNumber,
  kBool,
  kTimestamp,
  kText,
  kList,
  kAllNull,
};

Route route_of(const arrow::DataType& type) {
  switch (type.id()) {
    case Type::INT8:
    case Type::INT16:
    case Type::INT32:
    case Type::INT64:
    case Type::UINT8:
    case Type::UINT16:
    case Type::UINT32:
      return Route::kInteger;
    case Type::UINT64:
      return Route::kUnsigned64;
    case Type::HALF_FLOAT:
    case Type::FLOAT:
    case Type::DOUBLE:
    case Type::DECIMAL32:
    case Type::DECIMAL64:
    case Type::DECIMAL128:
    case Type::DECIMAL256:
      return Route::kNumber;
    case Type::BOOL:
      return Route::kBool;
    case Type::DATE32:
    case Type::DATE64:
    case Type::TIMESTAMP:
      return Route::kTimestamp;
    case Type::STRING:
    case Type::LARGE_STRING:
    case Type::STRING_VIEW:
    case Type::BINARY:
    case Type::LARGE_BINARY:
    case Type::BINARY_VIEW:
    case Type::TIME32:
      return Route::kText;
    case Type::LIST:
    case Type::LARGE_LIST:
    case Type::FIXED_SIZE_LIST:
    case Type::LIST_VIEW:
    case Type::LARGE_LIST_VIEW:
      return Route::kList;
    case Type::NA:
      return Route::kAllNull;
    case Type::DICTIONARY:
      return route_of(*static_cast<const arrow::DictionaryType&>(type).value_type());
    default:
      return Route::kNone;
  }
}

Route list_route(const arrow::DataType& type) {
  return route_of(*static_cast<const arrow::BaseListType&>(type).value_type());
}

arrow::Result<std::shared_ptr<arrow::Array>> cast(const std::shared_ptr<arrow::Array>& array,
                                                  const std::shared_ptr<arrow::DataType>& type) {
  if (array->type()->Equals(*type)) return array;
  return arrow::compute::Cast(*array, type, arrow::compute::CastOptions::Safe());
}

// A dictionary decoded; anything else as it is.
arrow::Result<std::shared_ptr<arrow::Array>> decoded(const std::shared_ptr<arrow::Array>& array) {
  if (array->type_id() != Type::DICTIONARY) return array;
  return cast(array, static_cast<const arrow::DictionaryType&>(*array->type()).value_type());
}

// Converts the chunks of one column, one after the other.
class Converter {
 public:
  Converter(const arrow::ChunkedArray& array, std::string name, std::string_view where,
            IllFormed ill_formed)
      : array_(array), where_(where), ill_formed_(ill_formed) {
    column_.name = std::move(name);
  }

  Result<Converted> convert() {
    const auto rows = static_cast<std::size_t>(array_.length());
    if (array_.null_count() > 0) column_.valid.reserve(rows);
    const Route route = route_of(*array_.type());
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
    return Converted{std::move(column_), repaired_};
  }

 private:
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
        return append_texts(*plain, std::get<StringArray>(column_.values));
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
    return append_texts(*texts, std::get<StringArray>(column_.values));
  }

  Result<void> add_numbers(const std::shared_ptr<arrow::Array>& chunk) {
    auto wide = cast(chunk, arrow::float64());
    if (!wide.ok()) return from_status(wide.status(), where_, ErrorCode::kCorrupt);
    const auto& from = static_cast<const arrow::DoubleArray&>(**wide);
    auto& to = std::get<std::vector<double>>(column_.values);
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
          return invalid("{}: time out of range in row {} ({} {})", where_, row_ + i + 1, value,
                         chunk->type()->ToString());
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
      TORII_TRY_VOID(append_texts(*plain, all));
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

  // Any text-like array; checks UTF-8.
  Result<void> append_texts(const std::shared_ptr<arrow::Array>& chunk, StringArray& to) {
    switch (chunk->type_id()) {
      case Type::STRING:
      case Type::BINARY:
        return append_binary(static_cast<const arrow::BinaryArray&>(*chunk), to);
      case Type::LARGE_STRING:
      case Type::LARGE_BINARY:
        return append_binary(static_cast<const arrow::LargeBinaryArray&>(*chunk), to);
      default:
        break;
    }
    const bool is_binary = chunk->type_id() == Type::BINARY_VIEW;
    auto plain = cast(chunk, is_binary ? arrow::large_binary() : arrow::large_utf8());
    if (!plain.ok()) return from_status(plain.status(), where_, ErrorCode::kUnsupported);
    return append_binary(static_cast<const arrow::LargeBinaryArray&>(**plain), to);
  }

  template <class Array>
  Result<void> append_binary(const Array& from, StringArray& to) {
    if (from.length() == 0) return {};
    const std::uint64_t start = to.bytes.size();
    const std::size_t first = to.size();
    if (from.null_count() == 0) {
      const auto begin = from.value_offset(0);
      const auto end = from.value_offset(from.length());
      to.bytes.append(reinterpret_cast<const char*>(from.raw_data()) + begin,
                      static_cast<std::size_t>(end - begin));
      for (std::int64_t i = 1; i <= from.length(); ++i) {
        to.offsets.push_back(start + static_cast<std::uint64_t>(from.value_offset(i) - begin));
      }
    } else {
      for (std::int64_t i = 0; i < from.length(); ++i) {
        to.push_back(from.IsNull(i) ? std::string_view() : from.GetView(i));
      }
    }
    return check_utf8(to, start, first);
  }

  // The texts from `first` on, which start at byte `start`, anew.
  void repair(StringArray& texts, std::uint64_t start, std::size_t first) {
    StringArray tail;
    for (std::size_t i = first; i < texts.size(); ++i) {
      if (arrow::util::ValidateUTF8(texts[i])) {
        tail.push_back(texts[i]);
      } else {
        tail.push_back(repair_utf8(texts[i]));
        ++repaired_;
      }
    }
    texts.bytes.resize(start);
    texts.offsets.resize(first + 1);
    for (std::size_t i = 0; i < tail.size(); ++i) texts.push_back(tail[i]);
  }

  // All the bytes at once; then no text may start inside a character.
  Result<void> check_utf8(StringArray& texts, std::uint64_t start, std::size_t first) {
    const std::string_view bytes = std::string_view(texts.bytes).substr(start);
    bool valid = arrow::util::ValidateUTF8(bytes);
    for (std::size_t i = first; i < texts.size() && valid; ++i) {
      const std::uint64_t offset = texts.offsets[i];
      valid = offset == texts.bytes.size() ||
              (static_cast<unsigned char>(texts.bytes[offset]) & 0xC0U) != 0x80U;
    }
    if (valid) return {};
    if (ill_formed_ == IllFormed::kRepair) {
      repair(texts, start, first);
      return {};
    }
    for (std::size_t i = first; i < texts.size(); ++i) {
      if (!arrow::util::ValidateUTF8(texts[i])) {
        return invalid(
            "{}: expected text in UTF-8, found other bytes in value {}; convert the file", where_,
            static_cast<std::size_t>(row_) + (i - first) + 1);
      }
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
  IllFormed ill_formed_;
  std::uint64_t repaired_ = 0;
  Column column_;
  std::int64_t row_ = 0;  // rows of the chunks before
};

}  // namespace

bool is_convertible(const arrow::DataType& type) {
  const Route route = route_of(type);
  if (route != Route::kList) return route != Route::kNone;
  switch (list_route(type)) {
    case Route::kNumber:
    case Route::kText:
    case Route::kInteger:
    case Route::kUnsigned64:
    case Route::kAllNull:
      return true;
    default:
      return false;
  }
}

bool is_bytes(const arrow::DataType& type) {
  switch (type.id()) {
    case Type::BINARY:
    case Type::LARGE_BINARY:
    case Type::BINARY_VIEW:
      return true;
    case Type::DICTIONARY:
      return is_bytes(*static_cast<const arrow::DictionaryType&>(type).value_type());
    default:
      return route_of(type) == Route::kList &&
             is_bytes(*static_cast<const arrow::BaseListType&>(type).value_type());
  }
}

Result<Converted> from_arrow(const arrow::ChunkedArray& array, std::string name,
                             std::string_view where, IllFormed ill_formed) {
  // The table of ValidateUTF8, and the kernels of Cast.
  static const bool initialized = [] {
    arrow::util::InitializeUTF8();
    return true;
  }();
  static_cast<void>(initialized);
  return Converter(array, std::move(name), where, ill_formed).convert();
}

Error from_status(const arrow::Status& status, std::string_view where, ErrorCode otherwise) {
  ErrorCode code = otherwise;
  if (status.IsIOError()) code = ErrorCode::kIo;
  if (status.IsOutOfMemory()) code = ErrorCode::kResourceExhausted;
  return make_error(code, "{}: {}", where, status.message());
}

}  // namespace torii::data

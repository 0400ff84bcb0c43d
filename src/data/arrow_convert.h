#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "data/table.h"

// Between Arrow's columns and ours. Only *.cc files of data/ include this.
namespace torii::data {

/// Whether a column of this type can be held by data::Column.
[[nodiscard]] bool is_convertible(const arrow::DataType& type);

/// Whether values of this type, or the values of its lists, are bytes without a declared meaning.
[[nodiscard]] bool is_bytes(const arrow::DataType& type);

/// What to do with text that is not UTF-8: an error, or U+FFFD in the place of the bad bytes.
enum class IllFormed { kRefuse, kRepair };

struct Converted {
  Column column;
  std::uint64_t repaired = 0;  ///< texts with bytes that were replaced
};

/// Errors (with `where`, e.g. "items.parquet: column 'title'", in front): kUnsupported type,
/// kInvalidArgument for text that is not UTF-8 (kRefuse) and times out of range.
[[nodiscard]] Result<Converted> from_arrow(const arrow::ChunkedArray& array, std::string name,
                                           std::string_view where, IllFormed ill_formed);

/// Always valid: a Column has a type of Arrow each.
[[nodiscard]] Result<std::shared_ptr<arrow::Array>> to_arrow(const Column& column);

/// Arrow's failure as ours: IOError kIo (or kNotFound), out of memory kResourceExhausted, else
/// `otherwise`.
[[nodiscard]] Error from_status(const arrow::Status& status, std::string_view where,
                                ErrorCode otherwise);

}  // namespace torii::data

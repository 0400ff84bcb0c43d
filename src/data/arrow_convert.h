#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "data/arrow_types.h"
#include "data/table.h"

// Between Arrow's columns and ours. Only *.cc files of data/ include this.
namespace torii::data {

/// What to do with text that is not UTF-8: an error, or U+FFFD in the place of the bad bytes.
enum class IllFormed { kRefuse, kRepair };

struct Converted {
  Column column;
  std::uint64_t repaired = 0;  ///< texts with bytes that were replaced
};

struct Conversion {
  std::string name;        ///< of the column
  std::string_view where;  ///< for messages: "items.parquet: column 'title'"
  IllFormed ill_formed = IllFormed::kRefuse;
  std::int64_t first_row = 0;  ///< of the array in its file, for messages
  bool encoded = false;        ///< dictionaries of texts become EncodedTexts
};

/// Errors (with `where` in front): kUnsupported type, kInvalidArgument for text that is not UTF-8
/// (kRefuse) and times out of range, kCorrupt. Threads: any.
[[nodiscard]] Result<Converted> from_arrow(const arrow::ChunkedArray& array,
                                           const Conversion& conversion);

/// Always valid: a Column has a type of Arrow each.
[[nodiscard]] Result<std::shared_ptr<arrow::Array>> to_arrow(const Column& column);

}  // namespace torii::data

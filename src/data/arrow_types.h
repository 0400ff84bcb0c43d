#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <string_view>

#include "base/result.h"

// How Arrow's types map to ours. Only *.cc files of data/ include this.
namespace torii::data {

/// Where each kind of Arrow type goes.
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

/// Of a dictionary: the route of its values.
[[nodiscard]] Route route_of(const arrow::DataType& type);

/// Of the values of a list.
[[nodiscard]] Route list_route(const arrow::DataType& type);

/// Whether a column of this type can be held by data::Column.
[[nodiscard]] bool is_convertible(const arrow::DataType& type);

/// Whether values of this type, or the values of its lists, are bytes without a declared meaning.
[[nodiscard]] bool is_bytes(const arrow::DataType& type);

/// The array in another type; values that it cannot hold are an error.
[[nodiscard]] arrow::Result<std::shared_ptr<arrow::Array>> cast(
    const std::shared_ptr<arrow::Array>& array, const std::shared_ptr<arrow::DataType>& type);

/// A dictionary decoded; anything else as it is.
[[nodiscard]] arrow::Result<std::shared_ptr<arrow::Array>> decoded(
    const std::shared_ptr<arrow::Array>& array);

/// Whether the bytes are text in UTF-8.
[[nodiscard]] bool is_utf8(std::string_view bytes);

/// Arrow's failure as ours: IOError kIo, out of memory kResourceExhausted, else `otherwise`.
[[nodiscard]] Error from_status(const arrow::Status& status, std::string_view where,
                                ErrorCode otherwise);

}  // namespace torii::data

#include "data/arrow_types.h"

#include <arrow/array.h>
#include <arrow/compute/api.h>
#include <arrow/result.h>
#include <arrow/status.h>
#include <arrow/type.h>
#include <arrow/util/utf8.h>

namespace torii::data {

using arrow::Type;

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

arrow::Result<std::shared_ptr<arrow::Array>> decoded(const std::shared_ptr<arrow::Array>& array) {
  if (array->type_id() != Type::DICTIONARY) return array;
  return cast(array, static_cast<const arrow::DictionaryType&>(*array->type()).value_type());
}

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

bool is_utf8(std::string_view bytes) {
  // The library's table must be made before its first use.
  static const bool initialized = [] {
    arrow::util::InitializeUTF8();
    return true;
  }();
  static_cast<void>(initialized);
  return arrow::util::ValidateUTF8(bytes);
}

Error from_status(const arrow::Status& status, std::string_view where, ErrorCode otherwise) {
  ErrorCode code = otherwise;
  if (status.IsIOError()) code = ErrorCode::kIo;
  if (status.IsOutOfMemory()) code = ErrorCode::kResourceExhausted;
  return make_error(code, "{}: {}", where, status.message());
}

}  // namespace torii::data

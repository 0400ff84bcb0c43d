#include "base/error_table.h"

namespace torii {

ErrorFacts error_facts(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return {2, 400, "invalid_argument"};
    case ErrorCode::kNotFound:
      return {2, 404, "not_found"};
    case ErrorCode::kCorrupt:
      return {2, 500, "corrupt"};
    case ErrorCode::kUnsupported:
      return {2, 501, "unsupported"};
    case ErrorCode::kCheckFailed:
      return {3, 409, "check_failed"};
    case ErrorCode::kDiverged:
      return {1, 500, "diverged"};
    case ErrorCode::kIo:
      return {1, 503, "io"};
    case ErrorCode::kResourceExhausted:
      return {1, 507, "resource_exhausted"};
    case ErrorCode::kCancelled:
      return {1, 499, "cancelled"};
    case ErrorCode::kInternal:
      return {1, 500, "internal"};
  }
  return {1, 500, "internal"};
}

}  // namespace torii

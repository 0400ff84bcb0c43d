#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

#include "torii/result.h"

namespace torii {

/// Builds an Error from a format string: `return make_error(ErrorCode::kIo, "{}: {}", path, why);`
template <class... Args>
[[nodiscard]] Error make_error(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return Error{code, fmt::format(format, std::forward<Args>(args)...)};
}

template <class... Args>
[[nodiscard]] Error invalid(fmt::format_string<Args...> format, Args&&... args) {
  return Error{ErrorCode::kInvalidArgument, fmt::format(format, std::forward<Args>(args)...)};
}

}  // namespace torii

#define TORII_CONCAT_(a, b) a##b
#define TORII_CONCAT(a, b) TORII_CONCAT_(a, b)

/// `TORII_TRY(auto table, read_table(path));` declares `table`, or returns the error to the caller.
#define TORII_TRY(declaration, expression) \
  TORII_TRY_(declaration, expression, TORII_CONCAT(torii_result_, __LINE__))
#define TORII_TRY_(declaration, expression, name) \
  auto name = (expression);                       \
  if (!name.ok()) return std::move(name).error(); \
  declaration = std::move(name).value()

/// The same for Result<void>, or where the value is not needed.
#define TORII_TRY_VOID(expression)                            \
  do {                                                        \
    if (auto torii_status = (expression); !torii_status.ok()) \
      return std::move(torii_status).error();                 \
  } while (false)

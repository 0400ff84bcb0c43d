#pragma once

#include <string_view>

namespace torii {

/// Prints file, line, condition and text to stderr and aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* condition,
                               std::string_view text) noexcept;

}  // namespace torii

/// Our own mistake, never reachable from input. Always on; use at module entry.
#define TORII_CHECK(condition, text) \
  ((condition) ? void(0) : ::torii::check_failed(__FILE__, __LINE__, #condition, text))

/// The same for loops: only in builds without NDEBUG.
#ifdef NDEBUG
#define TORII_DCHECK(condition, text) ((void)0)
#else
#define TORII_DCHECK(condition, text) TORII_CHECK(condition, text)
#endif

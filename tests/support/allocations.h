#pragma once

#include <cstddef>

namespace torii::testing {

/// How often this thread has called operator new. Only in test programs that replace it: one of
/// their sources holds the definition, apart from the tests, lest the compiler see through it.
[[nodiscard]] std::size_t allocations_of_thread();

}  // namespace torii::testing

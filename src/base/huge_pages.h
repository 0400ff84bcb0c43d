#pragma once

#include <cstddef>

namespace torii {

/// Moves what this process has allocated in one piece of 4 MiB or more, and uses at least half of,
/// to large pages, so that a look at a random place of it finds its address in the processor.
/// Returns the bytes that were moved, 0 where the system cannot (other than Linux, before 6.1).
/// Content and addresses stay. Cost: a copy of these bytes; memory grows by the halves that were
/// not used. For large data that has just been built and stays. Any thread.
std::size_t use_huge_pages();

}  // namespace torii

#pragma once

#include <cstddef>

// Lists are joined by reciprocal rank fusion (Cormack, Clarke, Buettcher 2009): an entry at rank r
// adds 1 / (kRankOffset + r), whatever its score was.
namespace torii::recommend {

inline constexpr std::size_t kFused = 1000;  ///< entries of each list that count
inline constexpr double kRankOffset = 60.0;

}  // namespace torii::recommend

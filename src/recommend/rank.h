#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/matrix.h"
#include "base/thread_pool.h"
#include "retrieval/exact_index.h"

namespace torii::recommend {

/// Where an answer came from.
enum class Source : std::uint8_t { kPrecomputed, kLive, kCold, kFallback };
/// "precomputed", "live", "cold", "fallback".
[[nodiscard]] const char* source_name(Source source);

/// What rank() reads; owns nothing. Items are dense.
struct Catalogue {
  const retrieval::ExactIndex* index = nullptr;
  std::span<const float> popularity;       ///< [I], finite
  std::span<const std::uint32_t> popular;  ///< [I], by_popularity(popularity)
};

/// All items, most popular first, equal ones by the smaller item.
[[nodiscard]] std::vector<std::uint32_t> by_popularity(std::span<const float> popularity);

/// A block of requests. Row q asks for one user.
struct Requests {
  ConstFloatView embeddings = {};            ///< [Q, D]
  std::span<const std::uint8_t> known = {};  ///< [Q]: 1 id known to the model, 0 not. Empty = all 1
  std::span<const std::uint8_t> described = {};  ///< [Q]: 1 if any feature is known. Empty = all 1
  retrieval::Exclusion seen = {};                ///< items that row q must not get
  std::size_t k = 10;                            ///< at least 1
};

struct Rankings {
  retrieval::TopLists lists;
  std::vector<Source> sources;  ///< [Q]
};

/// retrieve -> filter -> cold start -> fallback: the one ranking of batch and online paths.
///   id known to the model         kLive      the index's answer
///   unknown, some feature known   kCold      likewise: the tower's answer from features alone
///   neither                       kFallback  the most popular items; the score is the popularity
/// Seen items never come back, and k items do whenever that many unseen ones exist. Equal scores:
/// smaller item first. Threads: concurrent on different pools. A row does not depend on the others.
[[nodiscard]] Rankings rank(const Catalogue& catalogue, const Requests& requests, ThreadPool& pool);

}  // namespace torii::recommend

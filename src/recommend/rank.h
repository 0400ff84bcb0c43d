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
enum class Source { kPrecomputed, kLive, kCold, kFallback };
[[nodiscard]] const char* source_name(Source source);

/// What rank() reads; owns nothing. Items are dense.
struct Catalogue {
  const retrieval::ExactIndex* index = nullptr;
  std::span<const float> popularity;  ///< [I]
};

/// A block of requests. Row q asks for one user.
struct Requests {
  ConstFloatView embeddings;                ///< [Q, D]
  std::span<const std::uint8_t> known;      ///< [Q]: 1 id known to the model, 0 not. Empty = all 1
  std::span<const std::uint8_t> described;  ///< [Q]: 1 if any feature is known. Empty = all 1
  std::span<const std::uint64_t> seen_offsets;  ///< [Q+1], or empty: nothing is filtered
  std::span<const std::uint32_t> seen;          ///< ascending inside a row
  std::size_t k = 10;
};

struct Rankings {
  retrieval::TopLists lists;
  std::vector<Source> sources;  ///< [Q]
};

/// retrieve -> filter -> cold start -> fallback: the one ranking of batch and online paths.
/// known: kLive. Unknown id with features: kCold (the tower's answer from features alone).
/// Neither: kFallback, the most popular items that were not seen. Lists shorter than k are filled
/// up from the popular ones only if that adds items that were not seen.
[[nodiscard]] Rankings rank(const Catalogue& catalogue, const Requests& requests, ThreadPool& pool);

}  // namespace torii::recommend

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/matrix.h"
#include "base/thread_pool.h"
#include "retrieval/approximate_index.h"
#include "retrieval/exact_index.h"

namespace torii::recommend {

/// Where an answer came from.
enum class Source : std::uint8_t { kPrecomputed, kLive, kCold, kFallback, kCategories };
/// "precomputed", "live", "cold", "fallback", "categories".
[[nodiscard]] const char* source_name(Source source);

/// Items that lie together; item i of the index has the place first + i. A catalogue is one of
/// these, or several: what was published and, behind it, what came since.
struct Catalogue {
  const retrieval::ExactIndex* index = nullptr;
  std::span<const float> popularity;       ///< [I], finite
  std::span<const std::uint32_t> popular;  ///< [I], by_popularity(popularity)
  /// A multiple of 64, so that one bit a place serves all segments; 0 for the first. Places that
  /// no segment has are nothing.
  std::uint32_t first = 0;
  /// Over `index`, to search by in its place; null: exactly.
  const retrieval::ApproximateIndex* approximate = nullptr;
};

/// All items, most popular first, equal ones by the smaller item.
[[nodiscard]] std::vector<std::uint32_t> by_popularity(std::span<const float> popularity);

/// A block of requests. Row q asks for one user.
struct Requests {
  ConstFloatView embeddings = {};            ///< [Q, D]
  std::span<const std::uint8_t> known = {};  ///< [Q]: 1 id known to the model, 0 not. Empty = all 1
  std::span<const std::uint8_t> described = {};  ///< [Q]: 1 if any feature is known. Empty = all 1
  retrieval::Exclusion seen = {};                ///< places that row q must not get
  /// Places that a row may get: none (all), one mask for all rows, or one each.
  retrieval::ItemMasks allowed = {};
  std::size_t k = 10;  ///< at least 1
  /// Places whose score in the fallback is not their popularity, best first, each once; and one
  /// bit a place that stands there.
  std::span<const retrieval::Scored> trending = {};
  std::span<const std::uint64_t> is_trending = {};
};

struct Rankings {
  retrieval::TopLists lists;
  std::vector<Source> sources;  ///< [Q]
};

/// Scratch that a caller keeps.
struct RankWorkspace {
  retrieval::ExactIndex::Workspace search;
  retrieval::TopLists of_segment, of_step;
};

/// An approximate index is asked for so many items, then for eight times as many, and so on; what
/// it missed when asked for fewer stands behind what it gave then. So the first n items of a list
/// are the same however long a list is asked for, and pages neither repeat an item nor lose one.
inline constexpr std::size_t kApproximateFirst = 128, kApproximateGrowth = 8;

/// retrieve -> filter -> cold start -> fallback: the one ranking of batch and online paths.
///   id known to the model         kLive      the index's answer
///   unknown, some feature known   kCold      likewise: the tower's answer from features alone
///   neither                       kFallback  the most popular items; the score is the popularity
/// Seen items and those that the mask leaves out never come back, and k items do whenever that many
/// others exist. Equal scores: smaller place first. The order is that of the scores, but for what
/// an approximate index gave later (kApproximateFirst). segments: ascending by `first`, of one
/// metric and width. Threads: concurrent on different pools and workspaces. A row does not depend
/// on the others.
[[nodiscard]] Rankings rank(std::span<const Catalogue> segments, const Requests& requests,
                            ThreadPool& pool, RankWorkspace& workspace);
[[nodiscard]] Rankings rank(const Catalogue& catalogue, const Requests& requests, ThreadPool& pool);

}  // namespace torii::recommend

#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "recommend/edition.h"
#include "recommend/online.h"
#include "recommend/rules.h"

// Where the candidates of an answer come from. Every list is in order and begins the same however
// many are asked for. Masks are over all places.
namespace torii::recommend {

/// Scratch and what all sources work on; borrowed.
struct SourceContext {
  const Edition* edition = nullptr;
  BitsView allowed;
  ThreadPool* pool = nullptr;
  RankWorkspace* rank = nullptr;
  /// Compare as items are compared with items: by cosine where the metric is the dot product.
  bool by_likeness = false;
};

/// By a vector: the metric's score.
[[nodiscard]] std::vector<Candidate> by_vector(const SourceContext& context,
                                               std::span<const float> query, std::size_t n);
/// The same with boosts: ordered by score + boost, equal sums by score, then by place.
[[nodiscard]] std::vector<Candidate> by_boosted_vector(const SourceContext& context,
                                                       std::span<const float> query,
                                                       std::span<const Rules::Boost> boosts,
                                                       std::size_t n);

/// By popularity and trend: those of the wished categories first (all, if there are no wishes),
/// then the rest.
[[nodiscard]] std::vector<Candidate> by_popularity(const SourceContext& context,
                                                   std::span<const std::string> wishes,
                                                   std::size_t n);

/// What is near to the query and what is popular in the wished categories, fused by rank:
///   score = beta / (60 + rank by vector) + (1 - beta) / (60 + rank by popularity)
/// over the first 1000 of each (ranks from 1; an item that one of them lacks gets nothing from it);
/// behind them the rest by popularity, with score 0.
[[nodiscard]] std::vector<Candidate> by_blend(const SourceContext& context,
                                              std::span<const float> query,
                                              std::span<const std::string> wishes, double beta,
                                              std::size_t n);

/// Brings categories into turns: place after place, the first of the next 200 candidates whose
/// category came up fewer than three times in this stretch of ten places (the very first if there
/// is none). Needs n + 200 candidates to give n. An item's category is the first value of the
/// first category attribute that it has.
inline constexpr std::size_t kSpreadWindow = 200;
[[nodiscard]] std::vector<Candidate> spread(const Edition& edition,
                                            std::vector<Candidate> candidates, std::size_t n);

/// One bit a place of `allowed` with any of those texts in a category attribute.
[[nodiscard]] Bits in_categories(const Edition& edition, BitsView allowed,
                                 std::span<const std::string> wishes);

}  // namespace torii::recommend

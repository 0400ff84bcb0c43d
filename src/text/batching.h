#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "text/network.h"

namespace torii::text {

/// Token ids of many texts, one behind the other.
struct TokenRows {
  std::vector<std::int32_t> ids;
  std::vector<std::size_t> offsets{0};

  [[nodiscard]] std::size_t size() const { return offsets.size() - 1; }
  [[nodiscard]] std::size_t length(std::size_t i) const { return offsets[i + 1] - offsets[i]; }
  [[nodiscard]] std::span<const std::int32_t> row(std::size_t i) const {
    return {ids.data() + offsets[i], length(i)};
  }
  void push_back(std::span<const std::int32_t> row) {
    ids.insert(ids.end(), row.begin(), row.end());
    offsets.push_back(ids.size());
  }
};

/// Which texts are computed together: rows[first[i] .. first[i+1]) is batch i, padded to tokens[i].
struct BatchPlan {
  std::vector<std::size_t> rows;
  std::vector<std::size_t> first{0};
  std::vector<std::size_t> tokens;

  [[nodiscard]] std::size_t size() const { return tokens.size(); }
  [[nodiscard]] std::span<const std::size_t> batch(std::size_t i) const {
    return std::span(rows).subspan(first[i], first[i + 1] - first[i]);
  }
};

/// Padded tokens and texts of one batch, by measurement (docs/text.md).
inline constexpr std::size_t kBatchTokens = 1024;
inline constexpr std::size_t kBatchTexts = 64;

/// Sorts by length, longest first (so that memory is reserved once and the rate only improves), and
/// fills batches of at most `tokens_max` padded tokens and `texts_max` texts.
[[nodiscard]] BatchPlan plan_batches(const TokenRows& texts, std::size_t tokens_max,
                                     std::size_t texts_max);

[[nodiscard]] TokenBatch make_batch(const TokenRows& texts, const BatchPlan& plan, std::size_t i,
                                    std::int32_t pad_id);

}  // namespace torii::text

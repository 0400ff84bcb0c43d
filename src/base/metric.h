#pragma once

#include <optional>
#include <string_view>

namespace torii {

/// How two embeddings are compared. Belongs to the model that was trained with it; higher scores
/// are better everywhere: the score of kEuclidean is the negative distance.
enum class Metric { kDot, kCosine, kEuclidean };

[[nodiscard]] constexpr const char* metric_name(Metric metric) {
  switch (metric) {
    case Metric::kDot:
      return "dot";
    case Metric::kCosine:
      return "cosine";
    case Metric::kEuclidean:
      return "euclidean";
  }
  return "dot";
}
[[nodiscard]] constexpr std::optional<Metric> parse_metric(std::string_view name) {
  for (const Metric metric : {Metric::kDot, Metric::kCosine, Metric::kEuclidean}) {
    if (name == metric_name(metric)) return metric;
  }
  return std::nullopt;
}

}  // namespace torii

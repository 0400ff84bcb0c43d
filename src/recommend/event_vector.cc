#include "recommend/event_vector.h"

#include <cmath>

namespace torii::recommend {

bool event_vector(const Edition& edition, std::span<const PlacedEvent> events,
                  std::size_t events_max, std::vector<float>& vector) {
  constexpr double kHalfRank = 8.0;
  const std::size_t width = edition.publication->info.width;
  const bool to_unit = edition.publication->bundle.model.metric != Metric::kEuclidean;
  std::vector<double> sum(width, 0.0);
  double factors = 0.0;
  std::size_t rank = 0;
  for (std::size_t i = events.size(); i-- > 0 && rank < events_max;) {
    if (!(events[i].weight > 0.0F)) continue;
    const auto item = edition.embedding(events[i].place);
    const double factor =
        double{events[i].weight} * std::exp2(-static_cast<double>(rank) / kHalfRank);
    ++rank;
    double scale = factor;
    if (to_unit) {
      double squares = 0.0;
      for (const float value : item) squares += double{value} * double{value};
      if (!(squares > 0.0)) continue;
      scale /= std::sqrt(squares);
    }
    factors += factor;
    for (std::size_t d = 0; d < width; ++d) sum[d] += scale * double{item[d]};
  }
  if (!(factors > 0.0)) return false;
  vector.resize(width);
  double squares = 0.0;
  for (std::size_t d = 0; d < width; ++d) {
    vector[d] = static_cast<float>(sum[d] / factors);
    squares += double{vector[d]} * double{vector[d]};
  }
  return squares > 0.0;
}

}  // namespace torii::recommend

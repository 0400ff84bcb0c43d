#include "train/magnitude.h"

#include <cmath>

namespace torii::train {
namespace {
constexpr double kStart = 11.265591558187197;
constexpr double kFactor = 1.1;
}  // namespace

double magnitude(std::string_view interaction_type, std::optional<double> rating,
                 std::optional<double> quantity) {
  double m = kStart;
  if (interaction_type == "positive_view") {
    m /= kFactor;
  } else if (interaction_type == "negative_view") {
    m *= kFactor;
  } else if (interaction_type == "cart") {
    m /= 3.0 * kFactor;
  } else if (interaction_type == "purchase") {
    m /= 10.0 * kFactor;
  }
  if (rating && !std::isnan(*rating) && *rating != 3.0) {
    const double r = *rating;
    m = r <= 2.0 ? m * kFactor * (3.0 - r) : m / (kFactor * (r - 2.0));
  }
  if (quantity && !std::isnan(*quantity) && *quantity > 1.0) {
    m /= kFactor * (*quantity - 1.0);
  }
  return m;
}

}  // namespace torii::train

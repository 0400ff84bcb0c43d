#include "retrieval/score.h"

#include <array>
#include <cmath>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace torii::retrieval {
namespace {

// Eight sums side by side: the compiler may use vectors without changing the order of additions.
constexpr std::size_t kLanes = 8;

double total(const std::array<double, kLanes>& lanes) {
  return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) +
         ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
}

template <class Term>
double sum(std::size_t size, const Term& term) {
  std::array<double, kLanes> lanes{};
  std::size_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += term(i + lane);
  }
  for (; i < size; ++i) lanes[i % kLanes] += term(i);
  return total(lanes);
}

#if defined(__SSE2__)
// sum() of the products, lane by lane the same; compilers do not see the vectors by themselves.
double dot(std::span<const float> a, std::span<const float> b) {
  __m128d sums[kLanes / 2] = {};
  std::size_t i = 0;
  const auto add = [](__m128d& sum, __m128 x, __m128 y) {
    sum = _mm_add_pd(sum, _mm_mul_pd(_mm_cvtps_pd(x), _mm_cvtps_pd(y)));
  };
  for (; i + kLanes <= a.size(); i += kLanes) {
    for (std::size_t half = 0; half < 2; ++half) {
      const __m128 x = _mm_loadu_ps(a.data() + i + 4 * half);
      const __m128 y = _mm_loadu_ps(b.data() + i + 4 * half);
      add(sums[2 * half], x, y);
      add(sums[2 * half + 1], _mm_movehl_ps(x, x), _mm_movehl_ps(y, y));
    }
  }
  std::array<double, kLanes> lanes;
  for (std::size_t pair = 0; pair < kLanes / 2; ++pair) {
    _mm_storeu_pd(lanes.data() + 2 * pair, sums[pair]);
  }
  for (; i < a.size(); ++i) lanes[i % kLanes] += double{a[i]} * double{b[i]};
  return total(lanes);
}
#else
double dot(std::span<const float> a, std::span<const float> b) {
  return sum(a.size(), [&](std::size_t i) { return double{a[i]} * double{b[i]}; });
}
#endif

}  // namespace

ExactScore::ExactScore(std::span<const float> query, Metric metric)
    : query_(query), metric_(metric) {
  if (metric == Metric::kCosine) norm_ = std::sqrt(dot(query, query));
}

float ExactScore::operator()(std::span<const float> item) const {
  TORII_DCHECK(item.size() == query_.size(), "query and item differ in width");
  switch (metric_) {
    case Metric::kDot:
      break;
    case Metric::kCosine: {
      const double norm = std::sqrt(dot(item, item)) * norm_;
      return norm > 0.0 ? static_cast<float>(dot(query_, item) / norm) : 0.0F;
    }
    case Metric::kEuclidean:
      return static_cast<float>(0.0 - std::sqrt(sum(item.size(), [&](std::size_t i) {
                                  const double difference = double{query_[i]} - double{item[i]};
                                  return difference * difference;
                                })));
  }
  return static_cast<float>(dot(query_, item));
}

Result<void> check_embeddings(ConstFloatView embeddings, const char* what) {
  for (std::size_t r = 0; r < embeddings.rows; ++r) {
    const auto row = embeddings.row(r);
    const double squared = dot(row, row);
    if (squared <= kSquaredLengthMax) continue;  // false for NaN
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (std::isfinite(row[c])) continue;
      return make_error(ErrorCode::kCorrupt,
                        "{}: row {}, column {} is {}, expected a finite number", what, r, c,
                        std::isnan(row[c]) ? "NaN" : "infinite");
    }
    return make_error(ErrorCode::kCorrupt,
                      "{}: row {} has the squared length {}, at most {} is "
                      "possible",
                      what, r, squared, kSquaredLengthMax);
  }
  return {};
}

}  // namespace torii::retrieval

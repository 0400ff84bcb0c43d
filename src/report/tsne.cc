#include "report/tsne.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace torii::report {
namespace {

constexpr double kPerplexity = 30.0;
constexpr int kIterations = 400;
constexpr int kExaggerated = 120;
constexpr float kExaggeration = 12.0F;
constexpr std::size_t kLanes = 8;

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

bool normalize(Vector& v) {
  const double length = std::sqrt(dot(v, v));
  if (!(length > 1e-12)) return false;
  for (double& value : v) value /= length;
  return true;
}

// The eigenvector of the largest eigenvalue of `matrix` [D, D] that is orthogonal to `before`.
Vector leading(const std::vector<double>& matrix, std::size_t d, const Vector* before) {
  constexpr int kSteps = 300;
  Vector v(d), next(d);
  for (std::size_t i = 0; i < d; ++i) v[i] = 1.0 / static_cast<double>(i + 2);
  for (int step = 0; step < kSteps; ++step) {
    if (before != nullptr) {
      const double along = dot(v, *before);
      for (std::size_t i = 0; i < d; ++i) v[i] -= along * (*before)[i];
    }
    if (!normalize(v)) return Vector(d, 0.0);
    for (std::size_t i = 0; i < d; ++i) {
      next[i] =
          std::inner_product(v.begin(), v.end(), matrix.begin() + static_cast<long>(i * d), 0.0);
    }
    std::swap(v, next);
  }
  if (before != nullptr) {
    const double along = dot(v, *before);
    for (std::size_t i = 0; i < d; ++i) v[i] -= along * (*before)[i];
  }
  return normalize(v) ? v : Vector(d, 0.0);
}

// Affinities of one row: exp(-beta d) / sum with the beta that gives the perplexity.
void fill_affinities(std::span<const float> squared, std::span<float> out) {
  const double wanted = std::log(std::min(kPerplexity, static_cast<double>(squared.size()) / 3.0));
  double beta = 1.0, low = 0.0, high = 0.0;
  // Scale-free start: distances of one row differ by little around their mean.
  const double mean =
      std::accumulate(squared.begin(), squared.end(), 0.0) / static_cast<double>(squared.size());
  if (mean > 0.0) beta = 1.0 / mean;
  double sum = 1.0;
  for (int step = 0; step < 60; ++step) {
    sum = 0.0;
    double weighted = 0.0;
    for (std::size_t i = 0; i < squared.size(); ++i) {
      const double d = squared[i] - squared[0];
      const double p = std::exp(-beta * d);
      out[i] = static_cast<float>(p);
      sum += p;
      weighted += p * d;
    }
    const double entropy = std::log(sum) + beta * weighted / sum;
    if (std::fabs(entropy - wanted) < 1e-4) break;
    if (entropy > wanted) {
      low = beta;
      beta = high > 0.0 ? 0.5 * (beta + high) : 2.0 * beta;
    } else {
      high = beta;
      beta = 0.5 * (beta + low);
    }
  }
  for (float& p : out) p = static_cast<float>(p / sum);
}

struct Edge {
  std::uint32_t to = 0;
  float weight = 0.0F;
};

// Symmetric affinities that add up to 1, as edges per row.
struct Affinities {
  std::vector<std::size_t> offsets;
  std::vector<Edge> edges;
};
Affinities symmetric_affinities(const Neighbours& neighbours, ThreadPool& pool) {
  const std::size_t k = neighbours.k;
  const std::size_t n = neighbours.rows.size() / k;
  std::vector<float> own(n * k);
  pool.run(n, [&](std::size_t row, std::size_t) {
    fill_affinities(std::span(neighbours.squared_distances).subspan(row * k, k),
                    std::span(own).subspan(row * k, k));
  });
  Affinities affinities;
  affinities.offsets.assign(n + 1, 0);
  for (std::size_t i = 0; i < n * k; ++i) {
    affinities.offsets[i / k + 1] += 1;
    affinities.offsets[neighbours.rows[i] + 1] += 1;
  }
  std::partial_sum(affinities.offsets.begin(), affinities.offsets.end(),
                   affinities.offsets.begin());
  affinities.edges.resize(2 * n * k);
  std::vector<std::size_t> next(affinities.offsets.begin(), affinities.offsets.end() - 1);
  for (std::size_t i = 0; i < n * k; ++i) {
    const auto from = static_cast<std::uint32_t>(i / k);
    const std::uint32_t to = neighbours.rows[i];
    const float half = own[i] / (2.0F * static_cast<float>(n));
    affinities.edges[next[from]++] = {to, half};
    affinities.edges[next[to]++] = {from, half};
  }
  return affinities;
}

// Sums over all points of the repulsion on one: w = 1 / (1 + d^2), sums of w, w^2 dx, w^2 dy.
// The lanes are sums of their own, so that a compiler may keep them in one register.
struct Repulsion {
  double w = 0.0, x = 0.0, y = 0.0;
};
Repulsion repulsion(float x, float y, const std::vector<float>& xs, const std::vector<float>& ys) {
  std::array<float, kLanes> w_sum{}, x_sum{}, y_sum{};
  for (std::size_t j = 0; j < xs.size(); j += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float dx = x - xs[j + lane];
      const float dy = y - ys[j + lane];
      const float w = 1.0F / (1.0F + dx * dx + dy * dy);
      w_sum[lane] += w;
      x_sum[lane] += w * w * dx;
      y_sum[lane] += w * w * dy;
    }
  }
  Repulsion sum;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    sum.w += w_sum[lane];
    sum.x += x_sum[lane];
    sum.y += y_sum[lane];
  }
  return sum;
}

void scale_to_unit(std::vector<Point>& points) {
  if (points.empty()) return;
  const auto [left, right] = std::ranges::minmax(points, {}, &Point::x);
  const auto [low, high] = std::ranges::minmax(points, {}, &Point::y);
  const Point centre{0.5F * (left.x + right.x), 0.5F * (low.y + high.y)};
  const float half = 0.5F * std::max(right.x - left.x, high.y - low.y);
  for (Point& p : points) {
    p.x = half > 0.0F ? (p.x - centre.x) / half : 0.0F;
    p.y = half > 0.0F ? (p.y - centre.y) / half : 0.0F;
  }
}

}  // namespace

Principal principal_plane(ConstFloatView rows) {
  const std::size_t d = rows.cols;
  Vector mean(d, 0.0);
  for (std::size_t r = 0; r < rows.rows; ++r) {
    for (std::size_t c = 0; c < d; ++c) mean[c] += rows(r, c);
  }
  for (double& value : mean) value /= static_cast<double>(std::max<std::size_t>(rows.rows, 1));
  std::vector<double> covariance(d * d, 0.0);
  Vector centred(d);
  for (std::size_t r = 0; r < rows.rows; ++r) {
    for (std::size_t c = 0; c < d; ++c) centred[c] = rows(r, c) - mean[c];
    for (std::size_t a = 0; a < d; ++a) {
      for (std::size_t b = 0; b < d; ++b) covariance[a * d + b] += centred[a] * centred[b];
    }
  }
  double total = 0.0;
  for (std::size_t c = 0; c < d; ++c) total += covariance[c * d + c];
  const Vector first = leading(covariance, d, nullptr);
  const Vector second = leading(covariance, d, &first);

  Principal plane;
  plane.points.resize(rows.rows);
  double held = 0.0;
  for (std::size_t r = 0; r < rows.rows; ++r) {
    for (std::size_t c = 0; c < d; ++c) centred[c] = rows(r, c) - mean[c];
    const double x = dot(centred, first);
    const double y = dot(centred, second);
    plane.points[r] = {static_cast<float>(x), static_cast<float>(y)};
    held += x * x + y * y;
  }
  plane.variance_share = total > 0.0 ? held / total : 0.0;
  return plane;
}

Neighbours nearest_rows(ConstFloatView rows, std::size_t k, ThreadPool& pool) {
  const std::size_t n = rows.rows;
  Neighbours result;
  result.k = n == 0 ? 0 : std::min(k, n - 1);
  if (result.k == 0) return result;
  result.rows.resize(n * result.k);
  result.squared_distances.resize(n * result.k);
  pool.run(n, [&](std::size_t row, std::size_t) {
    std::vector<std::pair<float, std::uint32_t>> others;
    others.reserve(n - 1);
    const std::span<const float> mine = rows.row(row);
    for (std::size_t other = 0; other < n; ++other) {
      if (other == row) continue;
      const std::span<const float> theirs = rows.row(other);
      std::array<float, kLanes> sums{};
      std::size_t c = 0;
      for (; c + kLanes <= mine.size(); c += kLanes) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
          const float difference = mine[c + lane] - theirs[c + lane];
          sums[lane] += difference * difference;
        }
      }
      for (; c < mine.size(); ++c) {
        const float difference = mine[c] - theirs[c];
        sums[0] += difference * difference;
      }
      others.emplace_back(std::accumulate(sums.begin(), sums.end(), 0.0F),
                          static_cast<std::uint32_t>(other));
    }
    std::ranges::partial_sort(others, others.begin() + static_cast<long>(result.k));
    for (std::size_t i = 0; i < result.k; ++i) {
      result.squared_distances[row * result.k + i] = others[i].first;
      result.rows[row * result.k + i] = others[i].second;
    }
  });
  return result;
}

std::vector<Point> tsne(const Neighbours& neighbours, std::vector<Point> start, ThreadPool& pool) {
  const std::size_t n = start.size();
  scale_to_unit(start);
  if (n < 4 || neighbours.k == 0) return start;
  const Affinities affinities = symmetric_affinities(neighbours, pool);

  // Padded with points so far away that they push nothing.
  const std::size_t padded = (n + kLanes - 1) / kLanes * kLanes;
  std::vector<float> xs(padded, 1e15F), ys(padded, 1e15F);
  for (std::size_t i = 0; i < n; ++i) xs[i] = 1e-2F * start[i].x, ys[i] = 1e-2F * start[i].y;
  std::vector<Point> speed(n), gain(n, Point{1.0F, 1.0F}), pull(n);
  std::vector<Repulsion> push(n);
  const float rate = std::max(static_cast<float>(n) / kExaggeration, 50.0F);
  constexpr std::size_t kBlock = 32;
  for (int iteration = 0; iteration < kIterations; ++iteration) {
    const float exaggeration = iteration < kExaggerated ? kExaggeration : 1.0F;
    pool.run((n + kBlock - 1) / kBlock, [&](std::size_t block, std::size_t) {
      for (std::size_t i = block * kBlock; i < std::min(n, (block + 1) * kBlock); ++i) {
        push[i] = repulsion(xs[i], ys[i], xs, ys);
        Point sum;
        for (std::size_t e = affinities.offsets[i]; e < affinities.offsets[i + 1]; ++e) {
          const Edge& edge = affinities.edges[e];
          const float dx = xs[i] - xs[edge.to];
          const float dy = ys[i] - ys[edge.to];
          const float w = edge.weight / (1.0F + dx * dx + dy * dy);
          sum.x += w * dx;
          sum.y += w * dy;
        }
        pull[i] = sum;
      }
    });
    double z = 0.0;  // in the order of the rows, whatever the threads did
    for (const Repulsion& one : push) z += one.w - 1.0;
    z = std::max(z, 1e-12);
    const float momentum = iteration < kExaggerated ? 0.5F : 0.8F;
    const auto move = [&](float gradient, float& v, float& g, float& place) {
      g = (gradient > 0.0F) != (v > 0.0F) ? g + 0.2F : std::max(0.8F * g, 0.01F);
      v = momentum * v - rate * g * gradient;
      place += v;
    };
    for (std::size_t i = 0; i < n; ++i) {
      const float gx = 4.0F * (exaggeration * pull[i].x - static_cast<float>(push[i].x / z));
      const float gy = 4.0F * (exaggeration * pull[i].y - static_cast<float>(push[i].y / z));
      move(gx, speed[i].x, gain[i].x, xs[i]);
      move(gy, speed[i].y, gain[i].y, ys[i]);
    }
  }
  for (std::size_t i = 0; i < n; ++i) start[i] = {xs[i], ys[i]};
  scale_to_unit(start);
  return start;
}

}  // namespace torii::report

#include "train/softmax_loss.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "kernels/gemm.h"
#include "kernels/softmax.h"

namespace torii::train {

namespace {

// Blocks are fixed, not shared out by thread count: the same sums on any machine.
constexpr std::size_t kUserBlock = 64;
constexpr std::size_t kItemBlock = 256;
constexpr std::size_t kScoresMax = std::size_t{16} << 20;  // floats kept at a time

std::size_t blocks(std::size_t count, std::size_t size) {
  return (count + size - 1) / size;
}

float dot(std::span<const float> a, std::span<const float> b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  }
  return static_cast<float>(sum);
}

void reserve(Matrix& matrix, std::size_t rows, std::size_t cols) {
  if (matrix.rows() < rows || matrix.cols() != cols) matrix = Matrix(rows, cols);
}

/// out row = x row / |x row|; a zero row stays zero. inverse[r] = 1 / |x row| or 0.
void normalize(ConstFloatView x, Matrix& out, std::vector<float>& inverse) {
  reserve(out, x.rows, x.cols);
  inverse.resize(x.rows);
  for (std::size_t r = 0; r < x.rows; ++r) {
    const float norm = std::sqrt(dot(x.row(r), x.row(r)));
    inverse[r] = norm == 0.0F ? 0.0F : 1.0F / norm;
    const auto to = out.row(r);
    for (std::size_t d = 0; d < x.cols; ++d) to[d] = x(r, d) * inverse[r];
  }
}

/// The gradient by x, given in `gradient` that by x / |x|: (g - n (n.g)) / |x|.
void through_normalization(std::span<const float> normal, float inverse,
                           std::span<float> gradient) {
  const float along = dot(normal, gradient);
  for (std::size_t d = 0; d < normal.size(); ++d) {
    gradient[d] = (gradient[d] - normal[d] * along) * inverse;
  }
}

}  // namespace

void SoftmaxLoss::prepare(const SoftmaxBatch& batch) {
  const std::size_t candidates = batch.items.rows;
  const auto inverse_temperature = static_cast<float>(1.0 / options_.temperature);
  const bool euclidean = options_.metric == Metric::kEuclidean;
  scale_ = euclidean ? 2.0F * inverse_temperature : inverse_temperature;
  left_ = batch.users;
  right_ = batch.items;
  if (options_.metric == Metric::kCosine) {
    normalize(batch.users, users_, user_inverse_norm_);
    normalize(batch.items, items_, item_inverse_norm_);
    left_ = users_.view().middle_rows(0, batch.users.rows);
    right_ = items_.view().middle_rows(0, candidates);
  }
  // -|u - i|^2 = 2 u.i - |i|^2 - |u|^2, and what is the same in a whole row does not matter.
  bias_.assign(candidates, 0.0F);
  for (std::size_t c = 0; euclidean && c < candidates; ++c) {
    bias_[c] = -inverse_temperature * dot(batch.items.row(c), batch.items.row(c));
  }
  shift_ = bias_;
  for (std::size_t c = 0; c < batch.log_weight.size(); ++c) shift_[c] += batch.log_weight[c];
}

double SoftmaxLoss::row_gradient(const SoftmaxBatch& batch, std::size_t user, float pair_weight,
                                 std::span<float> row, PairTerms& pairs) const {
  const auto positives =
      batch.positives.subspan(batch.offsets[user], batch.offsets[user + 1] - batch.offsets[user]);
  pairs.clear();
  for (const std::uint32_t p : positives) {
    const double score = static_cast<double>(scale_ * row[p] + bias_[p]);
    const double weight =
        batch.log_weight.empty() ? 1.0 : std::exp(static_cast<double>(batch.log_weight[p]));
    pairs.push_back({score, 0.0, weight});
  }
  const kernels::SoftmaxSums sums =
      kernels::softmax_exp({row.size(), row.data(), shift_.data(), scale_});

  double loss = 0.0;
  double inverse_sum = 0.0;
  for (PairTerm& pair : pairs) {
    // The estimate counts each candidate w times, but a row's own positive is there for sure.
    pair.exponential = std::exp(pair.score - static_cast<double>(sums.max));
    double total = static_cast<double>(sums.sum) + pair.exponential * (1.0 - pair.weight);
    if (total < pair.exponential) total = pair.exponential;  // rounding; NaN passes
    loss += std::log(total) + static_cast<double>(sums.max) - pair.score;
    inverse_sum += 1.0 / total;
    pair.exponential /= total;
  }
  const double factor = static_cast<double>(pair_weight) * static_cast<double>(scale_);
  kernels::scale_in_place(row.data(), row.size(), static_cast<float>(factor * inverse_sum));
  for (std::size_t i = 0; i < positives.size(); ++i) {
    const double own = (1.0 - pairs[i].weight) * pairs[i].exponential - 1.0;
    row[positives[i]] += static_cast<float>(factor * own);
  }
  return loss;
}

void SoftmaxLoss::finish_users(const SoftmaxBatch& batch, std::size_t first, std::size_t count,
                               float pair_weight, FloatView d_users) {
  const auto decay = static_cast<float>(2.0 * options_.embedding_decay);
  for (std::size_t u = first; u < first + count; ++u) {
    const auto gradient = d_users.row(u);
    if (options_.metric == Metric::kCosine) {
      through_normalization(left_.row(u), user_inverse_norm_[u], gradient);
    }
    if (decay == 0.0F) continue;
    const auto pairs = static_cast<float>(batch.offsets[u + 1] - batch.offsets[u]);
    for (std::size_t d = 0; d < gradient.size(); ++d) {
      gradient[d] += decay * pair_weight * pairs * batch.users(u, d);
    }
  }
}

void SoftmaxLoss::finish_items(const SoftmaxBatch& batch, std::size_t first, std::size_t count,
                               float pair_weight, FloatView d_items) {
  const auto decay = static_cast<float>(2.0 * options_.embedding_decay);
  for (std::size_t c = first; c < first + count; ++c) {
    const auto gradient = d_items.row(c);
    float along = decay * pair_weight * static_cast<float>(pairs_of_item_[c]);
    if (options_.metric == Metric::kCosine) {
      through_normalization(right_.row(c), item_inverse_norm_[c], gradient);
    } else if (options_.metric == Metric::kEuclidean) {
      along -= column_sum_[c];
    }
    if (along == 0.0F) continue;
    for (std::size_t d = 0; d < gradient.size(); ++d) gradient[d] += along * batch.items(c, d);
  }
}

double SoftmaxLoss::run(const SoftmaxBatch& batch, FloatView d_users, FloatView d_items,
                        ThreadPool& pool) {
  const std::size_t users = batch.users.rows;
  const std::size_t candidates = batch.items.rows;
  const std::size_t width = batch.users.cols;
  const std::size_t pairs = batch.positives.size();
  TORII_CHECK(batch.items.cols == width && batch.offsets.size() == users + 1 && pairs > 0 &&
                  (batch.log_weight.empty() || batch.log_weight.size() == candidates),
              "shapes of a softmax batch");
  const float pair_weight = 1.0F / static_cast<float>(pairs);
  prepare(batch);
  pairs_of_item_.assign(candidates, 0);
  for (const std::uint32_t p : batch.positives) ++pairs_of_item_[p];
  column_sum_.assign(candidates, 0.0F);
  losses_.assign(users, 0.0);
  terms_.resize(static_cast<std::size_t>(pool.threads()));

  const std::size_t pass = std::clamp(kScoresMax / candidates / kUserBlock * kUserBlock, kUserBlock,
                                      blocks(users, kUserBlock) * kUserBlock);
  if (scores_.size() < pass * candidates) scores_.resize(pass * candidates);
  for (std::size_t start = 0; start < users; start += pass) {
    const std::size_t rows = std::min(pass, users - start);
    pool.run(blocks(rows, kUserBlock), [&](std::size_t task, std::size_t worker) {
      const std::size_t first = task * kUserBlock;
      const std::size_t count = std::min(kUserBlock, rows - first);
      float* const scores = scores_.data() + first * candidates;
      kernels::gemm({kernels::GemmKind::kTransB, count, candidates, width,
                     left_.row(start + first).data(), width, right_.data, width, scores,
                     candidates});
      for (std::size_t r = 0; r < count; ++r) {
        losses_[start + first + r] =
            row_gradient(batch, start + first + r, pair_weight,
                         {scores + r * candidates, candidates}, terms_[worker]);
      }
      kernels::gemm({kernels::GemmKind::kPlain, count, width, candidates, scores, candidates,
                     right_.data, width, d_users.row(start + first).data(), width});
      finish_users(batch, start + first, count, pair_weight, d_users);
    });
    pool.run(blocks(candidates, kItemBlock), [&](std::size_t task, std::size_t) {
      const std::size_t first = task * kItemBlock;
      const std::size_t count = std::min(kItemBlock, candidates - first);
      kernels::gemm({kernels::GemmKind::kTransA, count, width, rows, scores_.data() + first,
                     candidates, left_.row(start).data(), width, d_items.row(first).data(), width,
                     start > 0});
      if (options_.metric == Metric::kEuclidean) {
        for (std::size_t r = 0; r < rows; ++r) {
          const float* row = scores_.data() + r * candidates;
          for (std::size_t c = first; c < first + count; ++c) column_sum_[c] += row[c];
        }
      }
      if (start + rows == users) finish_items(batch, first, count, pair_weight, d_items);
    });
  }

  double loss = 0.0;
  for (const double part : losses_) loss += part;
  return loss / static_cast<double>(pairs) + decay_loss(batch);
}

double SoftmaxLoss::decay_loss(const SoftmaxBatch& batch) const {
  if (options_.embedding_decay == 0.0) return 0.0;
  double sum = 0.0;
  for (std::size_t u = 0; u < batch.users.rows; ++u) {
    const double pairs = batch.offsets[u + 1] - batch.offsets[u];
    sum += pairs * static_cast<double>(dot(batch.users.row(u), batch.users.row(u)));
  }
  for (std::size_t c = 0; c < batch.items.rows; ++c) {
    if (pairs_of_item_[c] == 0) continue;
    sum += pairs_of_item_[c] * static_cast<double>(dot(batch.items.row(c), batch.items.row(c)));
  }
  return options_.embedding_decay * sum / static_cast<double>(batch.positives.size());
}

}  // namespace torii::train

#include "train/softmax_loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/random.h"

namespace torii::train {
namespace {

struct Case {
  Matrix users, items;
  std::vector<float> log_weight;
  std::vector<std::uint32_t> offsets, positives;
  [[nodiscard]] SoftmaxBatch batch() const {
    return {users.view(), items.view(), log_weight, offsets, positives};
  }
};

Case make_case(std::size_t users, std::size_t items, std::size_t width, bool weights) {
  Case c{Matrix(users, width), Matrix(items, width), {}, {0}, {}};
  Random random(5);
  for (float& v : c.users.flat()) v = static_cast<float>(0.7 * random.normal());
  for (float& v : c.items.flat()) v = static_cast<float>(0.7 * random.normal());
  for (std::size_t i = 0; weights && i < items; ++i) {
    c.log_weight.push_back(static_cast<float>(3.0 * random.uniform()));
  }
  for (std::size_t u = 0; u < users; ++u) {
    for (std::uint64_t n = 1 + random.below(3); n > 0; --n) {
      c.positives.push_back(static_cast<std::uint32_t>(random.below(items)));
    }
    c.offsets.push_back(static_cast<std::uint32_t>(c.positives.size()));
  }
  c.positives[1] = c.positives[0];  // a pair may occur twice
  return c;
}

double score(const Case& c, std::size_t u, std::size_t i, Metric metric) {
  double dot = 0.0, distance = 0.0, uu = 0.0, ii = 0.0;
  for (std::size_t d = 0; d < c.users.cols(); ++d) {
    const double a = c.users(u, d), b = c.items(i, d);
    dot += a * b;
    distance += (a - b) * (a - b);
    uu += a * a;
    ii += b * b;
  }
  if (metric == Metric::kDot) return dot;
  return metric == Metric::kCosine ? dot / std::sqrt(uu * ii) : -distance;
}

/// The formula of the header, literally.
double loss_by_definition(const Case& c, const SoftmaxLossOptions& options) {
  double loss = 0.0, decay = 0.0;
  for (std::size_t u = 0; u < c.users.rows(); ++u) {
    for (std::uint32_t k = c.offsets[u]; k < c.offsets[u + 1]; ++k) {
      const std::uint32_t p = c.positives[k];
      double total = 0.0;
      for (std::size_t i = 0; i < c.items.rows(); ++i) {
        const double w = i == p || c.log_weight.empty() ? 0.0 : double{c.log_weight[i]};
        total += std::exp(score(c, u, i, options.metric) / options.temperature + w);
      }
      loss += std::log(total) - score(c, u, p, options.metric) / options.temperature;
      for (std::size_t d = 0; d < c.users.cols(); ++d) {
        decay += double{c.users(u, d)} * double{c.users(u, d)};
        decay += double{c.items(p, d)} * double{c.items(p, d)};
      }
    }
  }
  return (loss + options.embedding_decay * decay) / static_cast<double>(c.positives.size());
}

TEST(SoftmaxLoss, LossAndGradientsFollowTheDefinition) {
  ThreadPool pool(2);
  for (const Metric metric : {Metric::kDot, Metric::kCosine, Metric::kEuclidean}) {
    for (const bool weights : {false, true}) {
      Case c = make_case(7, 11, 5, weights);
      const SoftmaxLossOptions options{metric, 0.4, 0.03};
      SoftmaxLoss loss(options);
      Matrix d_users(7, 5), d_items(11, 5);
      EXPECT_NEAR(loss.run(c.batch(), d_users.view(), d_items.view(), pool),
                  loss_by_definition(c, options), 2e-5);
      const auto check = [&](Matrix& values, const Matrix& gradient, const char* side) {
        for (std::size_t k = 0; k < values.size(); ++k) {
          const float kept = values.flat()[k];
          const float step = 1e-2F;
          values.flat()[k] = kept + step;
          const double above = loss_by_definition(c, options);
          values.flat()[k] = kept - step;
          const double below = loss_by_definition(c, options);
          values.flat()[k] = kept;
          EXPECT_NEAR(gradient.flat()[k], (above - below) / (2.0 * double{step}), 1e-3)
              << side << " " << k << " " << metric_name(metric) << " weights " << weights;
        }
      };
      check(c.users, d_users, "user");
      check(c.items, d_items, "item");
    }
  }
}

TEST(SoftmaxLoss, SameBytesForAnyThreadCount) {
  const Case c = make_case(300, 700, 16, true);
  ThreadPool one(1), three(3);
  Matrix du1(300, 16), di1(700, 16), du3(300, 16), di3(700, 16);
  SoftmaxLoss a({Metric::kDot, 1.0, 0.01}), b({Metric::kDot, 1.0, 0.01});
  EXPECT_EQ(a.run(c.batch(), du1.view(), di1.view(), one),
            b.run(c.batch(), du3.view(), di3.view(), three));
  EXPECT_TRUE(std::equal(du1.flat().begin(), du1.flat().end(), du3.flat().begin()));
  EXPECT_TRUE(std::equal(di1.flat().begin(), di1.flat().end(), di3.flat().begin()));
}

TEST(SoftmaxLoss, ManyUsersInSeveralPassesGiveTheSameGradient) {
  // 20000 candidates allow 832 users in a pass; the sums over passes must be complete.
  Case c = make_case(900, 20000, 4, false);
  ThreadPool pool(2);
  SoftmaxLoss loss({Metric::kDot, 1.0, 0.0});
  Matrix d_users(900, 4), d_items(20000, 4);
  loss.run(c.batch(), d_users.view(), d_items.view(), pool);
  double along_users = 0.0, along_items = 0.0;  // sum u.dL/du = sum i.dL/di for a dot product
  for (std::size_t k = 0; k < c.users.size(); ++k) {
    along_users += double{c.users.flat()[k]} * double{d_users.flat()[k]};
  }
  for (std::size_t k = 0; k < c.items.size(); ++k) {
    along_items += double{c.items.flat()[k]} * double{d_items.flat()[k]};
  }
  EXPECT_NEAR(along_users, along_items, 1e-4 * std::abs(along_users));
}

TEST(SoftmaxLoss, HugeScoresStayFiniteAndNaNIsSeen) {
  Case c = make_case(3, 4, 2, true);
  for (float& v : c.users.flat()) v *= 1e6F;
  for (float& v : c.items.flat()) v *= 1e6F;
  ThreadPool pool(1);
  SoftmaxLoss loss({Metric::kDot, 1.0, 0.0});
  Matrix d_users(3, 2), d_items(4, 2);
  EXPECT_TRUE(std::isfinite(loss.run(c.batch(), d_users.view(), d_items.view(), pool)));
  c.items(2, 1) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(std::isfinite(loss.run(c.batch(), d_users.view(), d_items.view(), pool)));
}

}  // namespace
}  // namespace torii::train

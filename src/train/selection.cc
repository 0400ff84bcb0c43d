#include "train/selection.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>
#include <string_view>

#include "base/random.h"

namespace torii::train {

namespace {

constexpr std::array<std::string_view, 7> kMetrics = {"hit",      "recall", "precision", "ndcg",
                                                      "ndcg_all", "mrr",    "map"};
constexpr std::uint64_t kUserStream = 10;
constexpr std::uint64_t kTieSeed = 0;

Result<int> parse_k(const std::string& select_by) {
  const std::size_t at = select_by.find('@');
  int k = 0;
  if (at != std::string::npos) {
    const char* const end = select_by.data() + select_by.size();
    const auto parsed = std::from_chars(select_by.data() + at + 1, end, k);
    if (parsed.ec != std::errc() || parsed.ptr != end) k = 0;
  }
  const std::string_view name = std::string_view(select_by).substr(0, at);
  if (k < 1 || k > 1000 || std::find(kMetrics.begin(), kMetrics.end(), name) == kMetrics.end()) {
    return invalid(
        "train.select_by: expected a metric and a number of places from 1 to 1000, such as "
        "ndcg@10, found \"{}\"; metrics: hit, recall, precision, ndcg, ndcg_all, mrr, map",
        select_by);
  }
  return k;
}

/// A seeded choice of at most `count` users.
evaluate::Relevant some_users(const evaluate::Relevant& all, std::size_t count,
                              std::uint64_t seed) {
  std::vector<std::uint32_t> rows(all.users.size());
  std::iota(rows.begin(), rows.end(), 0U);
  Random random(seed, kUserStream);
  random.shuffle(std::span(rows));
  rows.resize(count);
  std::sort(rows.begin(), rows.end());
  evaluate::Relevant some;
  some.dropped_seen = all.dropped_seen;
  some.items.offsets.assign(1, 0);
  for (const std::uint32_t row : rows) {
    some.users.push_back(all.users[row]);
    const auto items = all.items.of(row);
    some.items.items.insert(some.items.items.end(), items.begin(), items.end());
    some.items.offsets.push_back(some.items.items.size());
  }
  return some;
}

std::vector<std::int32_t> ids_of(const model::EntityTower& tower, std::size_t rows) {
  std::vector<std::int32_t> ids(tower.shape().ids > 0 ? rows : 0);
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

}  // namespace

Result<void> check_select_by(const std::string& select_by) {
  TORII_TRY([[maybe_unused]] const int k, parse_k(select_by));
  return {};
}

Result<std::optional<Validator>> Validator::make(const TrainInput& input,
                                                 const std::string& select_by, std::uint64_t seed) {
  TORII_TRY(const int k, parse_k(select_by));
  if (input.split->valid_rows == 0) return std::optional<Validator>();
  Validator validator;
  validator.input_ = input;
  validator.select_by_ = select_by;
  validator.seed_ = seed;
  validator.ks_ = {k};
  validator.task_ = evaluate::make_task(*input.dataset, *input.split, data::Part::kValid);
  if (validator.task_.relevant.users.empty()) return std::optional<Validator>();
  if (validator.task_.relevant.users.size() > kUsersMax) {
    validator.task_.relevant = some_users(validator.task_.relevant, kUsersMax, seed);
  }
  return std::optional<Validator>(std::move(validator));
}

evaluate::MetricValues Validator::judge(const model::TwoTower& model, ThreadPool& pool) const {
  const Matrix users =
      model::embed(model.user, *input_.users, ids_of(model.user, input_.users->rows), pool);
  const Matrix items =
      model::embed(model.item, *input_.items, ids_of(model.item, input_.items->rows), pool);
  const auto ranker =
      evaluate::make_embedding_ranker("two-tower", users.view(), items.view(), model.metric);
  return evaluate::evaluate(*ranker, task_, input_.items->rows, ks_, seed_ + kTieSeed, pool)
      .metrics;
}

}  // namespace torii::train

#include "text/batching.h"

#include <algorithm>
#include <numeric>

namespace torii::text {

BatchPlan plan_batches(const TokenRows& texts, std::size_t tokens_max, std::size_t texts_max) {
  BatchPlan plan;
  plan.rows.resize(texts.size());
  std::iota(plan.rows.begin(), plan.rows.end(), std::size_t{0});
  std::stable_sort(plan.rows.begin(), plan.rows.end(),
                   [&](std::size_t a, std::size_t b) { return texts.length(a) > texts.length(b); });
  for (std::size_t i = 0; i < plan.rows.size();) {
    const std::size_t length = texts.length(plan.rows[i]);
    const std::size_t room = std::clamp<std::size_t>(tokens_max / length, 1, texts_max);
    i = std::min(i + room, plan.rows.size());
    plan.first.push_back(i);
    plan.tokens.push_back(length);
  }
  return plan;
}

TokenBatch make_batch(const TokenRows& texts, const BatchPlan& plan, std::size_t i,
                      std::int32_t pad_id) {
  const auto rows = plan.batch(i);
  TokenBatch batch{.texts = rows.size(), .tokens = plan.tokens[i], .ids = {}, .lengths = {}};
  batch.ids.assign(batch.texts * batch.tokens, pad_id);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const auto ids = texts.row(rows[r]);
    std::copy(ids.begin(), ids.end(),
              batch.ids.begin() + static_cast<std::ptrdiff_t>(r * batch.tokens));
    batch.lengths.push_back(static_cast<std::int32_t>(ids.size()));
  }
  return batch;
}

}  // namespace torii::text

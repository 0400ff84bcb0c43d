#include <algorithm>
#include <unordered_map>

#include "recommend/rank_fusion.h"
#include "recommend/shop_state.h"
#include "recommend/sources.h"

namespace torii::recommend {
namespace {

using retrieval::Scored;

constexpr std::size_t kQueryMax = 4096;

// The nearest texts over all layers, best first.
std::vector<Scored> by_meaning(const Edition& edition, std::span<const float> query,
                               BitsView allowed) {
  std::vector<Scored> found;
  for (const Edition::Layer& layer : edition.layers) {
    const TextScan& texts = layer.segment->texts();
    if (texts.width() != query.size()) continue;
    const auto mine = allowed.subspan(layer.first / 64, words_of(layer.segment->size()));
    for (const Scored& entry : texts.search(query, kFused, mine)) {
      found.push_back({entry.item + layer.first, entry.score});
    }
  }
  std::ranges::sort(found, retrieval::better);
  found.resize(std::min(found.size(), kFused));
  return found;
}

// The best by exact words over all layers. Rare words are counted layer by layer, so scores of new
// items are near to those that they would have among all, not equal.
std::vector<Scored> by_words(const Edition& edition, std::string_view text, BitsView allowed,
                             retrieval::WordIndex::Workspace& workspace) {
  std::vector<Scored> all, found;
  for (const Edition::Layer& layer : edition.layers) {
    const auto mine = allowed.subspan(layer.first / 64, words_of(layer.segment->size()));
    layer.segment->words().search(text, {.k = kFused, .allowed = {mine}}, workspace, found);
    for (const Scored& entry : found) all.push_back({entry.item + layer.first, entry.score});
  }
  std::ranges::sort(all, retrieval::better);
  all.resize(std::min(all.size(), kFused));
  return all;
}

}  // namespace

Result<ShopAnswer> Shop::similar(std::string_view item_id, const ShopRequest& request,
                                 Workspace& workspace) const {
  TORII_TRY_VOID(check_range(request));
  const auto edition = state_->current.get();
  TORII_CHECK(edition != nullptr, "a shop answers after adopt()");
  const auto place = edition->find(item_id);
  if (!place) {
    return make_error(ErrorCode::kNotFound, "item '{}': the shop has no such item",
                      item_id.substr(0, 80));
  }
  TORII_TRY_VOID(state_->resolve(request, edition, workspace));
  Asker& asker = workspace.asker;
  // Without a user nothing of somebody's own is left out but what the request names.
  asker.own.push_back({*place, Why::kExcluded});
  const auto vector = edition->embedding(*place);
  asker.query = vector;
  asker.way = Asker::Way::kVector;
  asker.source = Source::kLive;
  asker.reason = "near to the item in the model's space";
  asker.may_use_list = false;
  ShopAnswer answer;
  begin_answer(*edition, edition, answer);
  answer.source = Source::kLive;
  if (request.with_vector) answer.vector.assign(vector.begin(), vector.end());
  state_->make_mask(request, workspace);
  const Metric metric = edition->publication->bundle.model.metric;
  SourceContext from{.edition = edition.get(),
                     .allowed = workspace.mask,
                     .pool = &workspace.pool,
                     .rank = &workspace.rank,
                     .by_likeness = metric == Metric::kDot};
  const std::span<const Rules::Boost> boosts =
      request.rules == nullptr ? std::span<const Rules::Boost>() : request.rules->boosts;
  state_->finish(
      request, workspace,
      [from, vector, boosts](std::size_t n) {
        return boosts.empty() ? by_vector(from, vector, n)
                              : by_boosted_vector(from, vector, boosts, n);
      },
      answer);
  return answer;
}

Result<ShopAnswer> Shop::search(std::string_view text, const ShopRequest& request,
                                Workspace& workspace) const {
  TORII_TRY_VOID(check_range(request));
  if (text.size() > kQueryMax) {
    return invalid("query: expected {} bytes at most, found {}", kQueryMax, text.size());
  }
  const auto edition = state_->current.get();
  TORII_CHECK(edition != nullptr, "a shop answers after adopt()");
  TORII_TRY_VOID(state_->resolve(request, edition, workspace));
  Asker& asker = workspace.asker;
  // What was bought may be searched for; only what the request excludes is left out.
  std::erase_if(asker.own, [](const OwnItem& own) { return own.why != Why::kExcluded; });
  asker.own_complete = true;
  asker.query = {};
  asker.reason = "exact words";
  state_->make_mask(request, workspace);

  const auto worded = by_words(*edition, text, workspace.mask, workspace.words);
  std::vector<Scored> meant;
  if (edition->publication->info.text_width != 0 && edition->encoder->has_texts()) {
    // An encoder that fails leaves the words.
    if (const auto vector = edition->encoder->text(text); vector.ok()) {
      meant = by_meaning(*edition, *vector, workspace.mask);
      asker.reason = "exact words and meaning";
    }
  }
  std::unordered_map<std::uint32_t, double> scores;
  const auto add = [&](const std::vector<Scored>& list) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      scores[list[i].item] += 1.0 / (kRankOffset + static_cast<double>(i + 1));
    }
  };
  add(worded);
  add(meant);
  std::vector<Candidate> fused;
  for (const auto& [place, score] : scores) {
    fused.push_back({.place = place, .score = static_cast<float>(score)});
  }
  std::ranges::sort(fused, [](const Candidate& a, const Candidate& b) {
    return retrieval::better({a.place, a.score}, {b.place, b.score});
  });
  ShopAnswer answer;
  begin_answer(*edition, edition, answer);
  answer.source = Source::kLive;
  state_->finish(
      request, workspace,
      [&fused](std::size_t n) {
        return std::vector<Candidate>(
            fused.begin(), fused.begin() + static_cast<std::ptrdiff_t>(std::min(n, fused.size())));
      },
      answer);
  return answer;
}

}  // namespace torii::recommend

#include <algorithm>

#include "recommend/boosted.h"
#include "recommend/shop_state.h"
#include "recommend/sources.h"
#include "retrieval/score.h"

namespace torii::recommend {
namespace {

using retrieval::Scored;

/// Above this many new items a known user's list is completed by a scan of them.
constexpr std::size_t kNewScoredOneByOne = 256;

// Positive events weigh against the choice of categories as four of them do; so do features.
double blend_of(const Asker& asker) {
  const double for_vector = static_cast<double>(asker.positive) + (asker.described ? 4.0 : 0.0);
  return for_vector / (for_vector + 4.0);
}

// Adds boosts to a list that is complete, and orders it anew; equal sums keep their order.
std::vector<Candidate> boosted(const Edition& edition, std::vector<Candidate> all,
                               std::span<const Rules::Boost> boosts, std::size_t n) {
  const Boosts sums(edition, boosts);
  for (Candidate& candidate : all) candidate.boost = sums.of(candidate.place);
  std::ranges::stable_sort(all, [](const Candidate& a, const Candidate& b) {
    return a.behind != b.behind ? b.behind : a.total() > b.total();
  });
  all.resize(std::min(n, all.size()));
  return all;
}

}  // namespace

void begin_answer(const Edition& edition, std::shared_ptr<const ItemsEdition> keep,
                  ShopAnswer& answer) {
  answer.edition = std::move(keep);
  answer.items.clear();
  answer.model_version = edition.publication->info.version;
  answer.published_ms = edition.publication->info.created_ms;
  answer.reason.clear();
  if (!answer.explanation.is_null()) answer.explanation = Json();
  answer.vector.clear();
}

Result<void> check_range(const ShopRequest& request) {
  if (request.k < 1 || request.k > kAnswerMax) {
    return invalid("k: expected 1 to {}, found {}", kAnswerMax, request.k);
  }
  if (request.offset + request.k <= kAnswerMax && request.offset < kAnswerMax) return {};
  return invalid("offset: expected offset + k to be {} at most, found {} + {}", kAnswerMax,
                 request.offset, request.k);
}

void Shop::State::make_mask(const ShopRequest& request, Workspace& workspace) const {
  Asker& asker = workspace.asker;
  add_published_own(request, asker);
  const Edition& edition = *asker.edition;
  workspace.mask.assign(edition.offered->begin(), edition.offered->end());
  if (request.filter != nullptr && !request.filter->empty()) {
    edition.keep_matching(*request.filter, workspace.mask);
  }
  for (const OwnItem& own : asker.own) clear_bit(workspace.mask, own.place);
}

void Shop::State::settle_categories(Workspace& workspace) {
  Asker& asker = workspace.asker;
  if (asker.way != Asker::Way::kPopular || asker.wishes.empty()) return;
  const Bits wished = in_categories(*asker.edition, workspace.mask, asker.wishes);
  if (std::ranges::any_of(wished, [](std::uint64_t word) { return word != 0; })) {
    asker.source = Source::kCategories;
    asker.reason = "new: the most popular items of the chosen categories";
    return;
  }
  asker.wishes.clear();
  asker.source = Source::kFallback;
  asker.reason = "nothing of the chosen categories is left: popular and recent";
}

// The published list without what has gone since, and among it the new items that belong there.
// Whatever the list lacks stands behind its last entry, so the answer is known down to there.
bool Shop::State::answer_from_list(const ShopRequest& request, Workspace& workspace,
                                   ShopAnswer& answer) const {
  Asker& asker = workspace.asker;
  const bool asks_more = request.filter != nullptr && !request.filter->empty();
  const bool has_rules = request.rules != nullptr && !request.rules->empty();
  if (!asker.may_use_list || asks_more || has_rules || request.explain) return false;
  const Edition& edition = *asker.edition;
  const auto& publication = *edition.publication;
  if (!list_lacks_no_more(publication, *asker.published, request.exclude_own)) return false;
  const auto list = publication.users.list(*asker.published);
  const bool is_whole = list.size() < publication.info.k;
  const std::size_t need = request.offset + request.k;
  if (!is_whole && list.size() < need) return false;

  auto& fresh = workspace.found;
  fresh.clear();
  if (edition.layers.size() > 1) {
    // What somebody has seen may stand among the changed items now.
    add_published_own(request, asker);
  }
  auto& out = workspace.places;
  out.clear();
  for (const OwnItem& own : asker.own) out.push_back(own.place);
  std::ranges::sort(out);
  const auto may = [&](std::uint32_t place) {
    return test_bit(*edition.offered, place) && !std::ranges::binary_search(out, place);
  };
  if (edition.new_items > 0) {
    if (asker.query.empty() || edition.new_items > kNewScoredOneByOne) return false;
    const retrieval::ExactScore score(asker.query, publication.bundle.model.metric);
    for (std::size_t layer = 1; layer < edition.layers.size(); ++layer) {
      const auto& segment = *edition.layers[layer].segment;
      for (std::uint32_t i = 0; i < segment.size(); ++i) {
        const std::uint32_t place = edition.layers[layer].first + i;
        if (may(place)) fresh.push_back({place, score(segment.index().items().row(i))});
      }
    }
    std::ranges::sort(fresh, retrieval::better);
  }
  auto& items = answer.items;
  std::size_t passed = 0, next = 0;
  const auto give = [&](const Scored& entry) {
    if (passed++ >= request.offset) items.push_back(entry);
  };
  for (const Scored& entry : list) {
    while (passed < need && next < fresh.size() && retrieval::better(fresh[next], entry)) {
      give(fresh[next++]);
    }
    if (passed == need) break;
    if (may(entry.item)) give(entry);
  }
  while (is_whole && passed < need && next < fresh.size()) give(fresh[next++]);
  if (passed == need || is_whole) return true;
  items.clear();
  return false;
}

CandidateSource Shop::State::candidates(const ShopRequest& request, Workspace& workspace) const {
  const Asker& asker = workspace.asker;
  const SourceContext from{.edition = asker.edition.get(),
                           .allowed = workspace.mask,
                           .pool = &workspace.pool,
                           .rank = &workspace.rank};
  const std::span<const Rules::Boost> boosts =
      request.rules == nullptr ? std::span<const Rules::Boost>() : request.rules->boosts;
  // Lists that cannot be searched for by score and boost are made whole, then boosted.
  const auto with_boosts = [from, boosts](std::size_t n, const auto& make) {
    if (boosts.empty()) return make(n);
    return boosted(*from.edition, make(count_bits(from.allowed)), boosts, n);
  };
  switch (asker.way) {
    case Asker::Way::kVector:
      if (boosts.empty()) {
        return [from, &asker](std::size_t n) { return by_vector(from, asker.query, n); };
      }
      return [from, &asker, boosts](std::size_t n) {
        return by_boosted_vector(from, asker.query, boosts, n);
      };
    case Asker::Way::kBlend:
      return [from, &asker, with_boosts](std::size_t n) {
        return with_boosts(n, [&](std::size_t count) {
          return by_blend(from, asker.query, asker.wishes, blend_of(asker), count);
        });
      };
    case Asker::Way::kPopular:
      break;
  }
  return [from, &asker, with_boosts](std::size_t n) {
    const bool nothing_known = asker.wishes.empty();
    auto popular = with_boosts(n + (nothing_known ? kSpreadWindow : 0), [&](std::size_t count) {
      return by_popularity(from, asker.wishes, count);
    });
    return nothing_known ? spread(*from.edition, std::move(popular), n) : popular;
  };
}

void Shop::State::finish(const ShopRequest& request, Workspace& workspace,
                         const CandidateSource& source, ShopAnswer& answer) const {
  const std::size_t need = request.offset + request.k;
  RuleTrace trace;
  std::vector<Candidate> chosen;
  if (request.rules != nullptr && !request.rules->empty()) {
    chosen = apply_rules(*workspace.asker.edition, *request.rules, source, workspace.mask, need,
                         request.explain ? &trace : nullptr);
  } else {
    chosen = source(need);
  }
  chosen.erase(chosen.begin(), chosen.begin() + static_cast<std::ptrdiff_t>(
                                                    std::min(request.offset, chosen.size())));
  for (const Candidate& candidate : chosen) {
    answer.items.push_back({candidate.place, static_cast<float>(candidate.total())});
  }
  if (request.explain) explain(request, workspace, chosen, trace, answer);
}

void Shop::State::answer_by_search(const ShopRequest& request, Workspace& workspace,
                                   ShopAnswer& answer) const {
  make_mask(request, workspace);
  settle_categories(workspace);
  answer.source = workspace.asker.source;
  finish(request, workspace, candidates(request, workspace), answer);
}

}  // namespace torii::recommend

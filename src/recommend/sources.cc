#include "recommend/sources.h"
#include "recommend/rank_fusion.h"

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_map>

#include "recommend/boosted.h"
#include "retrieval/score.h"

namespace torii::recommend {
namespace {

using retrieval::ItemMask;
using retrieval::Scored;

constexpr std::size_t kClassesMax = 32;
constexpr std::size_t kStretch = 10;
constexpr std::size_t kOfStretch = 3;

bool before(const Candidate& a, const Candidate& b) {
  if (a.total() != b.total()) return a.total() > b.total();
  return retrieval::better({a.place, a.score}, {b.place, b.score});
}

// One ranked list within a mask; an empty query asks for the popular ones.
std::vector<Candidate> ranked(const SourceContext& context, BitsView allowed,
                              std::span<const float> query, std::size_t n) {
  std::vector<Candidate> candidates;
  const std::size_t there = count_bits(allowed);
  if (n == 0 || there == 0) return candidates;
  const ItemMask mask{allowed};
  const std::uint8_t known = query.empty() ? 0 : 1;
  const std::size_t width = context.edition->publication->info.width;
  const std::vector<Catalogue> likeness =
      context.by_likeness ? context.edition->likeness() : std::vector<Catalogue>();
  const auto rankings = rank(context.by_likeness ? likeness : context.edition->catalogue,
                             {.embeddings = {query.data(), 1, query.empty() ? 0 : width},
                              .known = std::span(&known, 1),
                              .described = std::span(&known, 1),
                              .allowed = std::span(&mask, 1),
                              .k = std::min(n, there),
                              .trending = context.edition->trending,
                              .is_trending = context.edition->is_trending},
                             *context.pool, *context.rank);
  for (const Scored& entry : rankings.lists.of(0)) {
    candidates.push_back({.place = entry.item, .score = entry.score});
  }
  return candidates;
}

}  // namespace

std::vector<Candidate> by_vector(const SourceContext& context, std::span<const float> query,
                                 std::size_t n) {
  return ranked(context, context.allowed, query, n);
}

std::vector<Candidate> by_boosted_vector(const SourceContext& context, std::span<const float> query,
                                         std::span<const Rules::Boost> boosts, std::size_t n) {
  const Edition& edition = *context.edition;
  std::vector<Candidate> all;
  if (const auto classes = boost_classes(edition, boosts, context.allowed, kClassesMax)) {
    // Within a class the order is that of the score, so its best n hold all of it that can come in.
    for (const BoostClass& one : *classes) {
      for (Candidate candidate : ranked(context, one.mask, query, n)) {
        candidate.boost = one.boost;
        all.push_back(candidate);
      }
    }
  } else {
    const Boosts sums(edition, boosts);
    const retrieval::ExactScore score(
        query, context.by_likeness ? Metric::kCosine : edition.publication->bundle.model.metric);
    for (std::size_t word = 0; word < context.allowed.size(); ++word) {
      for (std::uint64_t bits = context.allowed[word]; bits != 0; bits &= bits - 1) {
        const auto place = static_cast<std::uint32_t>(
            word * 64 + static_cast<std::size_t>(std::countr_zero(bits)));
        all.push_back(
            {.place = place, .score = score(edition.embedding(place)), .boost = sums.of(place)});
      }
    }
  }
  const std::size_t count = std::min(n, all.size());
  std::ranges::partial_sort(all, all.begin() + static_cast<std::ptrdiff_t>(count), before);
  all.resize(count);
  return all;
}

Bits in_categories(const Edition& edition, BitsView allowed, std::span<const std::string> wishes) {
  Bits bits(allowed.size(), 0);
  for (const Edition::Layer& layer : edition.layers) {
    for (const std::string& column : edition.publication->roles.categories) {
      for (const std::string& wish : wishes) {
        for (const std::uint32_t item : layer.segment->attributes().items_with(column, wish)) {
          set_bit(bits, layer.first + item);
        }
      }
    }
  }
  keep_common(bits, allowed);
  return bits;
}

std::vector<Candidate> by_popularity(const SourceContext& context,
                                     std::span<const std::string> wishes, std::size_t n) {
  if (wishes.empty()) return ranked(context, context.allowed, {}, n);
  const Bits wished = in_categories(*context.edition, context.allowed, wishes);
  std::vector<Candidate> candidates = ranked(context, wished, {}, n);
  if (candidates.size() == n) return candidates;
  Bits rest(context.allowed.begin(), context.allowed.end());
  take_away(rest, wished);
  for (Candidate candidate : ranked(context, rest, {}, n - candidates.size())) {
    candidate.behind = true;
    candidates.push_back(candidate);
  }
  return candidates;
}

std::vector<Candidate> by_blend(const SourceContext& context, std::span<const float> query,
                                std::span<const std::string> wishes, double beta, std::size_t n) {
  const Bits wished = in_categories(*context.edition, context.allowed, wishes);
  const auto near = ranked(context, context.allowed, query, kFused);
  const auto popular = ranked(context, wished, {}, kFused);
  std::unordered_map<std::uint32_t, double> scores;
  for (std::size_t i = 0; i < near.size(); ++i) {
    scores[near[i].place] += beta / (kRankOffset + static_cast<double>(i + 1));
  }
  for (std::size_t i = 0; i < popular.size(); ++i) {
    scores[popular[i].place] += (1.0 - beta) / (kRankOffset + static_cast<double>(i + 1));
  }
  std::vector<Candidate> fused;
  Bits rest(context.allowed.begin(), context.allowed.end());
  for (const auto& [place, score] : scores) {
    fused.push_back({.place = place, .score = static_cast<float>(score)});
    clear_bit(rest, place);
  }
  std::ranges::sort(fused, before);
  if (fused.size() >= n) {
    fused.resize(n);
    return fused;
  }
  for (Candidate candidate : ranked(context, rest, {}, n - fused.size())) {
    candidate.score = 0.0F;
    fused.push_back(candidate);
  }
  return fused;
}

std::vector<Candidate> spread(const Edition& edition, std::vector<Candidate> candidates,
                              std::size_t n) {
  const auto& columns = edition.publication->roles.categories;
  if (columns.empty()) {
    candidates.resize(std::min(n, candidates.size()));
    return candidates;
  }
  const auto category_of = [&](std::uint32_t place) -> std::string {
    const auto attributes = Json::parse(edition.attributes_json(place), "attributes");
    if (!attributes.ok()) return {};
    for (const std::string& column : columns) {
      const Json* value = attributes->find(column);
      if (value == nullptr) continue;
      if (!value->is_array()) return value_key(*value);
      if (!value->as_array().empty()) return value_key(value->as_array().front());
    }
    return {};
  };
  std::deque<std::pair<Candidate, std::string>> window;
  std::size_t next = 0;
  std::map<std::string, std::size_t> counts;
  std::vector<Candidate> result;
  while (result.size() < n) {
    while (window.size() < kSpreadWindow && next < candidates.size()) {
      window.emplace_back(candidates[next], category_of(candidates[next].place));
      ++next;
    }
    if (window.empty()) break;
    if (result.size() % kStretch == 0) counts.clear();
    auto chosen = std::ranges::find_if(window, [&](const auto& entry) {
      return entry.second.empty() || counts[entry.second] < kOfStretch;
    });
    if (chosen == window.end()) chosen = window.begin();
    ++counts[chosen->second];
    result.push_back(chosen->first);
    window.erase(chosen);
  }
  return result;
}

}  // namespace torii::recommend

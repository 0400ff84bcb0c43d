#include "recommend/rules.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <unordered_set>

#include "base/json.h"

namespace torii::recommend {
namespace {

constexpr std::size_t kPoolFactor = 4;

// Counts the values that an answer has so far.
class Caps {
 public:
  Caps(const Edition& edition, const Rules& rules, RuleTrace* trace)
      : edition_(edition), rules_(rules), trace_(trace), counts_(rules.caps.size()) {
    if (trace_ == nullptr) return;
    trace_->capped.clear();
    for (const Rules::Cap& cap : rules.caps) trace_->capped.push_back({cap.key, {}});
  }

  // Whether the item may still come; if so, it is counted.
  bool take(std::uint32_t place) {
    if (rules_.caps.empty()) return true;
    const auto values = values_of(place);
    for (std::size_t c = 0; c < values.size(); ++c) {
      for (const std::string& value : values[c]) {
        if (counts_[c][value] < rules_.caps[c].count) continue;
        if (trace_ != nullptr) trace_->capped[c].places.push_back(place);
        return false;
      }
    }
    count(place, values);
    return true;
  }
  void count(std::uint32_t place) { count(place, values_of(place)); }

 private:
  using Values = std::vector<std::vector<std::string>>;
  void count(std::uint32_t, const Values& values) {
    for (std::size_t c = 0; c < values.size(); ++c) {
      for (const std::string& value : values[c]) ++counts_[c][value];
    }
  }
  // For each cap, the item's distinct values.
  [[nodiscard]] Values values_of(std::uint32_t place) const {
    Values values(rules_.caps.size());
    if (values.empty()) return values;
    const auto attributes = Json::parse(edition_.attributes_json(place), "attributes");
    for (std::size_t c = 0; c < values.size() && attributes.ok(); ++c) {
      const Json* value = attributes->find(rules_.caps[c].key);
      if (value == nullptr) continue;
      const auto add = [&](const Json& one) {
        if (std::string key = value_key(one); !key.empty()) values[c].push_back(std::move(key));
      };
      if (value->is_array()) {
        for (const Json& one : value->as_array()) add(one);
      } else {
        add(*value);
      }
      std::ranges::sort(values[c]);
      values[c].erase(std::unique(values[c].begin(), values[c].end()), values[c].end());
    }
    return values;
  }

  const Edition& edition_;
  const Rules& rules_;
  RuleTrace* trace_;
  std::vector<std::map<std::string, std::size_t>> counts_;
};

double cosine(std::span<const float> a, std::span<const float> b) {
  double dot = 0.0, aa = 0.0, bb = 0.0;
  for (std::size_t d = 0; d < a.size(); ++d) {
    dot += double{a[d]} * double{b[d]};
    aa += double{a[d]} * double{a[d]};
    bb += double{b[d]} * double{b[d]};
  }
  const double norm = std::sqrt(aa * bb);
  return norm > 0.0 ? dot / norm : 0.0;
}

// Pins at their places of the answer.
std::vector<std::optional<Candidate>> place_pins(const Edition& edition, const Rules& rules,
                                                 BitsView allowed, std::size_t need) {
  std::vector<std::optional<Candidate>> slots(need);
  std::unordered_set<std::uint32_t> met;
  for (const Rules::Pin& pin : rules.pins) {
    const auto place = edition.find(pin.item_id);
    if (!place || !test_bit(allowed, *place) || !met.insert(*place).second) continue;
    std::size_t slot = pin.place;
    while (slot < need && slots[slot]) ++slot;
    if (slot < need) slots[slot] = Candidate{.place = *place, .pinned = true};
  }
  return slots;
}

// The pool's free ones in the order of the answer; `count` at most.
std::vector<Candidate> choose(const Edition& edition, const Rules& rules,
                              const std::vector<Candidate>& pool, std::vector<Candidate> pinned,
                              std::size_t count, Caps& caps) {
  std::vector<Candidate> chosen;
  if (rules.diversity == 0.0) {
    for (const Candidate& candidate : pool) {
      if (chosen.size() == count) break;
      if (caps.take(candidate.place)) chosen.push_back(candidate);
    }
    return chosen;
  }
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const Candidate& candidate : pool) {
    low = std::min(low, candidate.total());
    high = std::max(high, candidate.total());
  }
  std::vector<double> nearest(pool.size(), -std::numeric_limits<double>::infinity());
  std::vector<std::uint8_t> gone(pool.size(), 0);
  const auto look_at = [&](std::uint32_t place) {
    for (std::size_t i = 0; i < pool.size(); ++i) {
      if (gone[i] != 0) continue;
      nearest[i] =
          std::max(nearest[i], cosine(edition.embedding(pool[i].place), edition.embedding(place)));
    }
  };
  for (const Candidate& pin : pinned) look_at(pin.place);
  bool any = !pinned.empty();
  while (chosen.size() < count) {
    std::size_t best = pool.size();
    double best_value = 0.0;
    for (std::size_t i = 0; i < pool.size(); ++i) {
      if (gone[i] != 0) continue;
      const double relevance = high > low ? (pool[i].total() - low) / (high - low) : 1.0;
      const double value =
          (1.0 - rules.diversity) * relevance - rules.diversity * (any ? nearest[i] : 0.0);
      if (best != pool.size() && value <= best_value) continue;
      best = i;
      best_value = value;
    }
    if (best == pool.size()) break;
    gone[best] = 1;
    if (!caps.take(pool[best].place)) continue;
    chosen.push_back(pool[best]);
    look_at(pool[best].place);
    any = true;
  }
  return chosen;
}

}  // namespace

std::vector<Candidate> apply_rules(const Edition& edition, const Rules& rules,
                                   const CandidateSource& source, BitsView allowed,
                                   std::size_t need, RuleTrace* trace) {
  auto slots = place_pins(edition, rules, allowed, need);
  std::vector<Candidate> pinned;
  for (const auto& slot : slots) {
    if (slot) pinned.push_back(*slot);
  }
  const auto is_pinned = [&](const Candidate& candidate) {
    return std::ranges::any_of(pinned,
                               [&](const Candidate& pin) { return pin.place == candidate.place; });
  };
  const std::size_t wanted = need - pinned.size();
  std::vector<Candidate> chosen;
  for (std::size_t limit = kPoolFactor * need;; limit *= 4) {
    const std::size_t n = limit + rules.pins.size();
    std::vector<Candidate> pool = source(n);
    bool is_all = pool.size() < n;
    std::erase_if(pool, is_pinned);
    if (pool.size() > limit) {
      pool.resize(limit);
      is_all = false;
    }
    Caps caps(edition, rules, trace);
    for (const Candidate& pin : pinned) caps.count(pin.place);
    chosen = choose(edition, rules, pool, pinned, wanted, caps);
    if (chosen.size() == wanted || is_all) break;
  }
  std::vector<Candidate> answer;
  std::size_t next = 0;
  for (auto& slot : slots) {
    if (slot) {
      answer.push_back(*slot);
    } else if (next < chosen.size()) {
      answer.push_back(chosen[next++]);
    }
  }
  return answer;
}

}  // namespace torii::recommend

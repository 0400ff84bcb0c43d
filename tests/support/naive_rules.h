#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "support/naive_ranking.h"

/// What rules make of an order: pins, caps and diversity, written plainly from docs/serving.md.
namespace torii::recommend::testing {

inline double naive_cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double dot = 0.0, aa = 0.0, bb = 0.0;
  for (std::size_t d = 0; d < a.size(); ++d) {
    dot += double{a[d]} * double{b[d]};
    aa += double{a[d]} * double{a[d]};
    bb += double{b[d]} * double{b[d]};
  }
  return std::sqrt(aa * bb) > 0.0 ? dot / std::sqrt(aa * bb) : 0.0;
}

inline std::set<std::string> naive_values(const Json& attributes, const std::string& key) {
  std::set<std::string> values;
  const Json* value = attributes.find(key);
  if (value == nullptr) return values;
  const auto add = [&](const Json& one) {
    if (!value_key(one).empty()) values.insert(value_key(one));
  };
  if (!value->is_array()) {
    add(*value);
  } else {
    for (const Json& one : value->as_array()) add(one);
  }
  return values;
}

inline std::vector<NaiveScored> naive_pick(const Rules& rules, const std::vector<NaiveItem>& all,
                                           std::vector<NaiveScored> pool,
                                           const std::set<std::size_t>& pinned, std::size_t count) {
  std::vector<std::map<std::string, std::size_t>> counts(rules.caps.size());
  const auto take = [&](std::size_t item, bool always) {
    for (std::size_t c = 0; c < rules.caps.size() && !always; ++c) {
      for (const auto& value : naive_values(all[item].attributes, rules.caps[c].key)) {
        if (counts[c][value] >= rules.caps[c].count) return false;
      }
    }
    for (std::size_t c = 0; c < rules.caps.size(); ++c) {
      for (const auto& value : naive_values(all[item].attributes, rules.caps[c].key)) {
        ++counts[c][value];
      }
    }
    return true;
  };
  for (const std::size_t item : pinned) take(item, true);
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const NaiveScored& entry : pool) {
    low = std::min(low, entry.total);
    high = std::max(high, entry.total);
  }
  std::vector<std::size_t> taken(pinned.begin(), pinned.end());
  std::vector<NaiveScored> chosen;
  while (chosen.size() < count && !pool.empty()) {
    std::size_t best = 0;
    double best_value = -std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < pool.size() && rules.diversity > 0.0; ++i) {
      double likeness = taken.empty() ? 0.0 : -2.0;
      for (const std::size_t other : taken) {
        likeness =
            std::max(likeness, naive_cosine(all[pool[i].item].embedding, all[other].embedding));
      }
      const double relevance = high > low ? (pool[i].total - low) / (high - low) : 1.0;
      const double value = (1.0 - rules.diversity) * relevance - rules.diversity * likeness;
      if (value > best_value) {
        best = i;
        best_value = value;
      }
    }
    const NaiveScored entry = pool[best];
    pool.erase(pool.begin() + static_cast<std::ptrdiff_t>(best));
    if (!take(entry.item, false)) continue;
    chosen.push_back(entry);
    taken.push_back(entry.item);
  }
  return chosen;
}

inline std::vector<NaiveScored> naive_rules(const Rules& rules, const std::vector<NaiveItem>& all,
                                            const std::vector<std::size_t>& allowed,
                                            const std::vector<NaiveScored>& order,
                                            std::size_t need) {
  std::vector<std::optional<NaiveScored>> slots(need);
  std::set<std::size_t> pinned;
  for (const auto& pin : rules.pins) {
    const auto found = std::ranges::find(all, pin.item_id, &NaiveItem::id);
    if (found == all.end()) continue;
    const auto item = static_cast<std::size_t>(found - all.begin());
    if (std::ranges::find(allowed, item) == allowed.end() || pinned.contains(item)) continue;
    pinned.insert(item);
    std::size_t slot = pin.place;
    while (slot < need && slots[slot]) ++slot;
    if (slot < need) slots[slot] = NaiveScored{item, 0.0};
  }
  // A pin for which there is no slot left is an item like any other.
  pinned.clear();
  for (const auto& slot : slots) {
    if (slot) pinned.insert(slot->item);
  }
  std::vector<NaiveScored> chosen;
  for (std::size_t limit = 4 * need;; limit *= 4) {
    std::vector<NaiveScored> pool;
    for (const NaiveScored& entry : order) {
      if (pool.size() < limit && !pinned.contains(entry.item)) pool.push_back(entry);
    }
    const bool whole = pool.size() + pinned.size() >= order.size();
    chosen = naive_pick(rules, all, pool, pinned, need - pinned.size());
    if (chosen.size() == need - pinned.size() || whole) break;
  }
  std::vector<NaiveScored> answer;
  std::size_t next = 0;
  for (const auto& slot : slots) {
    if (slot) {
      answer.push_back(*slot);
    } else if (next < chosen.size()) {
      answer.push_back(chosen[next++]);
    }
  }
  return answer;
}

}  // namespace torii::recommend::testing

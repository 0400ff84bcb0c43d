#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "recommend/online.h"
#include "retrieval/score.h"

/// The order of a NaiveShop's items for one who asks: plain scores, sorted, nothing kept.
namespace torii::recommend::testing {

struct NaiveItem {
  std::string id;
  Json attributes;
  std::vector<float> embedding;
  float popularity = 0.0F;  ///< published
  double fallback = 0.0;    ///< with trend
};
struct NaiveScored {
  std::size_t item = 0;
  double total = 0.0;
};
struct NaiveWho {
  Source source = Source::kFallback;
  std::vector<float> vector;  ///< empty: by popularity
  std::vector<std::string> wishes;
  double beta = -1.0;  ///< at least 0: blend
  std::set<std::string> out;
};

inline bool naive_is_wished(const Json& attributes, const std::vector<std::string>& wishes) {
  const Json* genres = attributes.find("genres");
  return genres != nullptr && std::ranges::any_of(wishes, [&](const auto& wish) {
           return std::ranges::find(genres->as_array(), Json(wish)) != genres->as_array().end();
         });
}

inline std::vector<NaiveScored> naive_spread(const std::vector<NaiveItem>& all,
                                             std::vector<NaiveScored> order) {
  std::vector<NaiveScored> result;
  std::map<std::string, int> counts;
  while (!order.empty()) {
    if (result.size() % 10 == 0) counts.clear();
    const auto category = [&](const NaiveScored& entry) {
      const Json* genres = all[entry.item].attributes.find("genres");
      return genres == nullptr ? std::string() : genres->as_array().front().as_string();
    };
    std::size_t chosen = 0;
    for (std::size_t i = 0; i < std::min<std::size_t>(200, order.size()); ++i) {
      const std::string name = category(order[i]);
      if (!name.empty() && counts[name] >= 3) continue;
      chosen = i;
      break;
    }
    ++counts[category(order[chosen])];
    result.push_back(order[chosen]);
    order.erase(order.begin() + static_cast<std::ptrdiff_t>(chosen));
  }
  return result;
}

// All allowed items in the order of the asker, boosts included.
inline std::vector<NaiveScored> naive_order(const ShopRequest& request,
                                            const std::vector<NaiveItem>& all,
                                            const std::vector<std::size_t>& allowed,
                                            const NaiveWho& who, Metric metric) {
  const auto more = [](const NaiveScored& a, const NaiveScored& b) { return a.total > b.total; };
  const auto by = [&](std::vector<NaiveScored>& list) {
    std::stable_sort(list.begin(), list.end(), more);
  };
  std::vector<NaiveScored> popular, near;
  for (const std::size_t i : allowed) popular.push_back({i, all[i].fallback});
  by(popular);
  if (!who.vector.empty()) {
    const retrieval::ExactScore score(who.vector, metric);
    for (const std::size_t i : allowed) near.push_back({i, score(all[i].embedding)});
    by(near);
  }
  std::vector<NaiveScored> wished;
  for (const NaiveScored& entry : popular) {
    if (naive_is_wished(all[entry.item].attributes, who.wishes)) wished.push_back(entry);
  }
  std::vector<NaiveScored> order;
  if (who.beta >= 0.0) {
    std::map<std::size_t, double> sums;
    for (std::size_t r = 0; r < near.size(); ++r) {
      sums[near[r].item] += who.beta / (60.0 + static_cast<double>(r + 1));
    }
    for (std::size_t r = 0; r < wished.size(); ++r) {
      sums[wished[r].item] += (1.0 - who.beta) / (60.0 + static_cast<double>(r + 1));
    }
    for (const auto& [item, sum] : sums) order.push_back({item, static_cast<float>(sum)});
    by(order);
  } else if (!who.vector.empty()) {
    order = near;
  } else {
    order = wished;
    for (const NaiveScored& entry : popular) {
      const auto same = [&](const NaiveScored& s) { return s.item == entry.item; };
      if (std::ranges::none_of(wished, same)) order.push_back(entry);
    }
  }
  if (request.rules != nullptr && !request.rules->boosts.empty()) {
    // Chosen categories stay in front.
    const bool by_wishes = who.vector.empty() && !who.wishes.empty();
    const auto front = order.begin() + static_cast<std::ptrdiff_t>(by_wishes ? wished.size() : 0);
    for (NaiveScored& entry : order) {
      double sum = 0.0;
      for (const auto& boost : request.rules->boosts) {
        if (passes(boost.filter, all[entry.item].attributes)) sum += boost.add;
      }
      entry.total += sum;
    }
    std::stable_sort(order.begin(), front, more);
    std::stable_sort(front, order.end(), more);
  }
  if (who.vector.empty() && who.wishes.empty()) return naive_spread(all, order);
  return order;
}

}  // namespace torii::recommend::testing

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "base/random.h"
#include "evaluate/ranker.h"

namespace torii::evaluate {
namespace {

struct Neighbour {
  std::uint32_t item = 0;
  float similarity = 0.0F;
};

// Lists of neighbours one behind the other.
struct Graph {
  std::vector<std::uint64_t> offsets{0};
  std::vector<Neighbour> edges;
  [[nodiscard]] std::span<const Neighbour> of(std::uint32_t item) const {
    return std::span(edges).subspan(offsets[item], offsets[item + 1] - offsets[item]);
  }
};

// The same sets the other way round: rows ascending.
data::UserItems transpose(const data::UserItems& sets, std::size_t columns) {
  data::UserItems result;
  result.offsets.assign(columns + 1, 0);
  for (const std::uint32_t column : sets.items) ++result.offsets[column + 1];
  std::partial_sum(result.offsets.begin(), result.offsets.end(), result.offsets.begin());
  result.items.resize(sets.items.size());
  auto next = result.offsets;
  for (std::uint32_t row = 0; row + 1 < sets.offsets.size(); ++row) {
    for (const std::uint32_t column : sets.of(row)) result.items[next[column]++] = row;
  }
  return result;
}

bool closer(const Neighbour& a, const Neighbour& b) {
  if (a.similarity != b.similarity) return a.similarity > b.similarity;
  return mix64(a.item) < mix64(b.item);
}

// Sums over items that only touch what they add to; one for each worker.
struct Sums {
  std::vector<float> values;
  std::vector<std::uint32_t> touched;
  void add(std::uint32_t item, float value) {
    if (values[item] == 0.0F) touched.push_back(item);
    values[item] += value;
  }
  void clear() {
    for (const std::uint32_t item : touched) values[item] = 0.0F;
    touched.clear();
  }
};

std::vector<Sums> sums_for(const ThreadPool& pool, std::size_t items) {
  std::vector<Sums> all(static_cast<std::size_t>(pool.threads()));
  for (auto& sums : all) sums.values.assign(items, 0.0F);
  return all;
}

// N(j) with similarities for every item j.
Graph nearest_items(const data::UserItems& by_user, std::size_t items, int neighbours,
                    double shrink, ThreadPool& pool) {
  const data::UserItems by_item = transpose(by_user, items);
  const auto keep_max = static_cast<std::size_t>(neighbours);
  std::vector<Neighbour> kept(items * keep_max);
  std::vector<std::uint32_t> counts(items, 0);
  auto workers = sums_for(pool, items);
  pool.run(items, [&](std::size_t task, std::size_t worker) {
    const auto item = static_cast<std::uint32_t>(task);
    Sums& common = workers[worker];
    for (const std::uint32_t user : by_item.of(item)) {
      for (const std::uint32_t other : by_user.of(user)) common.add(other, 1.0F);
    }
    std::vector<Neighbour> all;
    const auto own = static_cast<double>(by_item.of(item).size());
    for (const std::uint32_t other : common.touched) {
      if (other == item) continue;
      const auto theirs = static_cast<double>(by_item.of(other).size());
      all.push_back({other, static_cast<float>(double{common.values[other]} /
                                               (std::sqrt(own * theirs) + shrink))});
    }
    common.clear();
    const std::size_t count = std::min(keep_max, all.size());
    std::ranges::partial_sort(all, all.begin() + static_cast<std::ptrdiff_t>(count), closer);
    std::copy_n(all.begin(), count, kept.data() + task * keep_max);
    counts[task] = static_cast<std::uint32_t>(count);
  });

  Graph graph;
  for (std::size_t item = 0; item < items; ++item) {
    const Neighbour* from = kept.data() + item * keep_max;
    graph.edges.insert(graph.edges.end(), from, from + counts[item]);
    graph.offsets.push_back(graph.edges.size());
  }
  return graph;
}

// Edge j -> i with N(j) becomes i -> j: what an item of a user adds to which other items.
Graph reverse(const Graph& graph, std::size_t items) {
  Graph result;
  result.offsets.assign(items + 1, 0);
  for (const auto& edge : graph.edges) ++result.offsets[edge.item + 1];
  std::partial_sum(result.offsets.begin(), result.offsets.end(), result.offsets.begin());
  result.edges.resize(graph.edges.size());
  auto next = result.offsets;
  for (std::uint32_t item = 0; item < items; ++item) {
    for (const auto& edge : graph.of(item)) {
      result.edges[next[edge.item]++] = {item, edge.similarity};
    }
  }
  return result;
}

class ItemKnn final : public Ranker {
 public:
  ItemKnn(data::UserItems history, Graph adds_to, std::size_t items)
      : history_(std::move(history)), adds_to_(std::move(adds_to)), items_(items) {}

  [[nodiscard]] std::string name() const override { return "item-knn"; }

  [[nodiscard]] retrieval::TopLists rank(std::span<const std::uint32_t> users,
                                         const data::UserItems& seen, std::size_t k,
                                         std::span<const std::uint32_t> tie_rank,
                                         ThreadPool& pool) const override {
    TORII_CHECK(tie_rank.size() == items_, "one tie rank for each item");
    std::vector<std::uint32_t> by_tie(items_);
    for (std::uint32_t item = 0; item < items_; ++item) by_tie[tie_rank[item]] = item;
    retrieval::TopLists lists;
    lists.k = std::min(k, items_);
    lists.entries.resize(users.size() * lists.k);
    lists.counts.resize(users.size());
    auto workers = sums_for(pool, items_);
    pool.run(users.size(), [&](std::size_t row, std::size_t worker) {
      Sums& scores = workers[worker];
      const auto masked = seen.of(users[row]);
      for (const std::uint32_t item : history_.of(users[row])) {
        for (const auto& edge : adds_to_.of(item)) scores.add(edge.item, edge.similarity);
      }
      std::vector<retrieval::Scored> all;
      for (const std::uint32_t item : scores.touched) {
        if (!std::ranges::binary_search(masked, item)) all.push_back({item, scores.values[item]});
      }
      std::size_t count = std::min(lists.k, all.size());
      std::ranges::partial_sort(
          all, all.begin() + static_cast<std::ptrdiff_t>(count), [&](const auto& a, const auto& b) {
            return a.score != b.score ? a.score > b.score : tie_rank[a.item] < tie_rank[b.item];
          });
      retrieval::Scored* list = lists.entries.data() + row * lists.k;
      std::copy_n(all.begin(), count, list);
      // All others have the score 0 and follow in the order of ties.
      for (std::size_t i = 0; i < items_ && count < lists.k; ++i) {
        const std::uint32_t item = by_tie[i];
        if (scores.values[item] != 0.0F || std::ranges::binary_search(masked, item)) continue;
        list[count++] = {item, 0.0F};
      }
      scores.clear();
      lists.counts[row] = static_cast<std::uint32_t>(count);
    });
    return lists;
  }

 private:
  data::UserItems history_;
  Graph adds_to_;
  std::size_t items_;
};

}  // namespace

std::unique_ptr<Ranker> make_item_knn(const data::Interactions& interactions,
                                      std::span<const std::uint8_t> fit_rows, std::size_t users,
                                      std::size_t items, int neighbours, double shrink,
                                      ThreadPool& pool) {
  TORII_CHECK(fit_rows.size() == interactions.size(), "one flag for each interaction");
  TORII_CHECK(neighbours >= 1 && shrink >= 0.0, "item-kNN options out of range");
  data::UserItems history = data::user_items(interactions, users, fit_rows);
  Graph adds_to = reverse(nearest_items(history, items, neighbours, shrink, pool), items);
  return std::make_unique<ItemKnn>(std::move(history), std::move(adds_to), items);
}

}  // namespace torii::evaluate

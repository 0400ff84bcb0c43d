#include <algorithm>

#include "base/check.h"
#include "evaluate/ranker.h"
#include "recommend/rank.h"

namespace torii::evaluate {
namespace {

class Popularity final : public Ranker {
 public:
  explicit Popularity(std::vector<std::uint64_t> counts) : counts_(std::move(counts)) {}

  [[nodiscard]] std::string name() const override { return "popularity"; }

  [[nodiscard]] retrieval::TopLists rank(std::span<const std::uint32_t> users,
                                         const data::UserItems& seen, std::size_t k,
                                         std::span<const std::uint32_t> tie_rank,
                                         ThreadPool& pool) const override {
    TORII_CHECK(tie_rank.size() == counts_.size(), "one tie rank for each item");
    std::vector<std::uint32_t> order(counts_.size());
    for (std::uint32_t item = 0; item < order.size(); ++item) order[tie_rank[item]] = item;
    std::ranges::stable_sort(
        order, [&](std::uint32_t a, std::uint32_t b) { return counts_[a] > counts_[b]; });

    retrieval::TopLists lists;
    lists.k = std::min(k, counts_.size());
    lists.entries.resize(users.size() * lists.k);
    lists.counts.resize(users.size());
    pool.run(users.size(), [&](std::size_t row, std::size_t) {
      const auto masked = seen.of(users[row]);
      std::uint32_t count = 0;
      for (const std::uint32_t item : order) {
        if (count == lists.k) break;
        if (std::ranges::binary_search(masked, item)) continue;
        lists.entries[row * lists.k + count++] = {item, static_cast<float>(counts_[item])};
      }
      lists.counts[row] = count;
    });
    return lists;
  }

 private:
  std::vector<std::uint64_t> counts_;
};

}  // namespace

std::unique_ptr<Ranker> make_popularity(const data::Interactions& interactions,
                                        std::span<const std::uint8_t> fit_rows, std::size_t items) {
  TORII_CHECK(fit_rows.size() == interactions.size(), "one flag for each interaction");
  std::vector<std::uint64_t> counts(items, 0);
  for (std::size_t row = 0; row < interactions.size(); ++row) {
    if (fit_rows[row] != 0) ++counts[interactions.item[row]];
  }
  return std::make_unique<Popularity>(std::move(counts));
}

}  // namespace torii::evaluate

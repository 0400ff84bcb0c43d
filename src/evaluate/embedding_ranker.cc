#include <algorithm>

#include "base/check.h"
#include "evaluate/ranker.h"
#include "recommend/rank.h"
#include "retrieval/exact_index.h"

namespace torii::evaluate {
namespace {

// Users whose requests are gathered at a time.
constexpr std::size_t kBlock = 4096;

// The served ranking breaks ties by the smaller dense item. Here the items are renumbered by their
// tie rank first, and the lists' items turned back.
class EmbeddingRanker final : public Ranker {
 public:
  explicit EmbeddingRanker(EmbeddingModel model) : model_(std::move(model)) {
    const std::size_t users = model_.users.rows;
    TORII_CHECK(model_.known.empty() || model_.known.size() == users, "one known flag a user");
    TORII_CHECK(model_.described.empty() || model_.described.size() == users,
                "one described flag a user");
    TORII_CHECK(model_.popularity.empty() || model_.popularity.size() == model_.items.rows,
                "one popularity an item");
  }

  [[nodiscard]] std::string name() const override { return model_.name; }

  [[nodiscard]] retrieval::TopLists rank(std::span<const std::uint32_t> users,
                                         const data::UserItems& seen, std::size_t k,
                                         std::span<const std::uint32_t> tie_rank,
                                         ThreadPool& pool) const override {
    const std::size_t items = model_.items.rows;
    TORII_CHECK(tie_rank.size() == items, "one tie rank for each item");
    Matrix renumbered(items, model_.items.cols);
    std::vector<std::uint32_t> original(items);
    std::vector<float> popularity(items, 0.0F);
    for (std::uint32_t item = 0; item < items; ++item) {
      const std::uint32_t to = tie_rank[item];
      std::ranges::copy(model_.items.row(item), renumbered.row(to).begin());
      original[to] = item;
      if (!model_.popularity.empty()) popularity[to] = model_.popularity[item];
    }
    const retrieval::ExactIndex index(renumbered.view(), model_.metric);
    const auto popular = recommend::by_popularity(popularity);

    retrieval::TopLists lists;
    lists.k = std::min(k, items);
    for (std::size_t first = 0; first < users.size(); first += kBlock) {
      const auto block = users.subspan(first, std::min(kBlock, users.size() - first));
      Block requests = gather(block, seen, tie_rank);
      const auto ranked = recommend::rank({&index, popularity, popular},
                                          {.embeddings = requests.embeddings.view(),
                                           .known = requests.known,
                                           .described = requests.described,
                                           .seen = {requests.offsets, requests.seen},
                                           .k = k},
                                          pool);
      lists.entries.insert(lists.entries.end(), ranked.lists.entries.begin(),
                           ranked.lists.entries.end());
      lists.counts.insert(lists.counts.end(), ranked.lists.counts.begin(),
                          ranked.lists.counts.end());
    }
    for (auto& entry : lists.entries) {
      if (items != 0) entry.item = original[entry.item];
    }
    return lists;
  }

 private:
  struct Block {
    Matrix embeddings;
    std::vector<std::uint8_t> known, described;
    std::vector<std::uint64_t> offsets{0};
    std::vector<std::uint32_t> seen;
  };

  [[nodiscard]] Block gather(std::span<const std::uint32_t> users, const data::UserItems& seen,
                             std::span<const std::uint32_t> tie_rank) const {
    Block block;
    block.embeddings = Matrix(users.size(), model_.users.cols);
    for (std::size_t row = 0; row < users.size(); ++row) {
      const std::uint32_t user = users[row];
      std::ranges::copy(model_.users.row(user), block.embeddings.row(row).begin());
      if (!model_.known.empty()) block.known.push_back(model_.known[user]);
      if (!model_.described.empty()) block.described.push_back(model_.described[user]);
      for (const std::uint32_t item : seen.of(user)) block.seen.push_back(tie_rank[item]);
      std::sort(block.seen.begin() + static_cast<std::ptrdiff_t>(block.offsets.back()),
                block.seen.end());
      block.offsets.push_back(block.seen.size());
    }
    return block;
  }

  EmbeddingModel model_;
};

}  // namespace

std::unique_ptr<Ranker> make_embedding_ranker(EmbeddingModel model) {
  return std::make_unique<EmbeddingRanker>(std::move(model));
}

std::unique_ptr<Ranker> make_embedding_ranker(std::string name, ConstFloatView users,
                                              ConstFloatView items, Metric metric) {
  return make_embedding_ranker(
      {.name = std::move(name), .users = users, .items = items, .metric = metric});
}

}  // namespace torii::evaluate

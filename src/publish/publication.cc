#include "publish/publication.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/metric.h"
#include "base/printable.h"
#include "recommend/embedding.h"
#include "recommend/text_embedding.h"

namespace torii::publish {
namespace {

constexpr std::size_t kItemBlock = 8192;
constexpr std::size_t kUserBlock = 32768;  // of lists that were made before
constexpr std::size_t kAdded = 2048;       // rows that are handed to the store at once

std::vector<float> copy_of(std::span<const float> values) {
  return {values.begin(), values.end()};
}

bool is_zero(std::span<const float> values) {
  return std::ranges::all_of(values, [](float value) { return value == 0.0F; });
}

// One flag a row: it says that its user will not want the item again. What has no type may have
// been a purchase.
std::vector<std::uint8_t> bought_rows(const data::Interactions& rows,
                                      const std::vector<std::string>& bought_types) {
  std::vector<std::uint8_t> is_bought(rows.size(), 1);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const bool typed = !rows.type.empty() && rows.type[row] != 0;
    if (!typed || rows.positive[row] == 0) continue;
    const std::string& type = rows.type_names[rows.type[row]];
    is_bought[row] = std::ranges::find(bought_types, type) == bought_types.end() ? 0 : 1;
  }
  return is_bought;
}

class Filler {
 public:
  Filler(store::Draft& draft, const PublicationInput& input, ThreadPool& pool, Reporter& reporter)
      : draft_(draft),
        input_(input),
        pool_(pool),
        reporter_(reporter),
        users_(input.dataset->user_table, input.user_separators),
        seen_(data::user_items(input.dataset->interactions, input.dataset->users.size())),
        bought_(data::user_items(input.dataset->interactions, input.dataset->users.size(),
                                 bought_rows(input.dataset->interactions, input.bought_types))) {}

  Result<Written> run() {
    TORII_TRY_VOID(add_items());
    const data::Dataset& dataset = *input_.dataset;
    // The store wants them by the bytes of their ids; numbers are ordered otherwise.
    std::vector<std::uint32_t> order;
    if (dataset.users.integers()) {
      order = order_by_bytes(dataset.users.all());
    } else {
      order.resize(dataset.users.size());
      std::iota(order.begin(), order.end(), 0U);
    }
    reporter_.begin("users", order.size(), "users");
    TORII_TRY_VOID(input_.lists == nullptr ? rank_users(order) : add_listed(order));
    TORII_TRY_VOID(flush());
    reporter_.end(
        fmt::format("{} users, {} entries", grouped(written_.users), grouped(written_.entries)));
    return written_;
  }

 private:
  Result<void> add_items() {
    const data::Dataset& dataset = *input_.dataset;
    TORII_TRY(recommend::EmbeddedItems embedded,
              recommend::embed_items(*input_.bundle, dataset, input_.texts, pool_, reporter_));
    written_.new_items = embedded.new_count;
    items_ = std::move(embedded.embeddings);
    const std::vector<float> popularity = recommend::popularity_of(dataset);
    reporter_.begin("items", dataset.items.size(), "items");
    std::vector<std::uint32_t> rows;
    std::vector<store::PublishedItem> block;
    for (std::size_t begin = 0; begin < dataset.items.size(); begin += kItemBlock) {
      if (reporter_.cancelled()) return make_error(ErrorCode::kCancelled, "interrupted");
      const std::size_t count = std::min(kItemBlock, dataset.items.size() - begin);
      rows.resize(count);
      std::iota(rows.begin(), rows.end(), static_cast<std::uint32_t>(begin));
      const data::Table table = dataset.item_table.take(rows);
      TORII_TRY(const Matrix texts,
                recommend::text_embeddings(*input_.bundle, table, input_.texts, reporter_));
      const RowWriter writer(table, input_.item_separators);
      for (std::size_t row = 0; row < count; ++row) {
        store::PublishedItem item{.id = std::string(dataset.items[begin + row]),
                                  .attributes = writer.row(row).dump(),
                                  .embedding = copy_of(items_.row(begin + row)),
                                  .text_embedding = {},
                                  .popularity = popularity[begin + row]};
        if (!is_zero(texts.row(row))) item.text_embedding = copy_of(texts.row(row));
        block.push_back(std::move(item));
        if (block.size() < kAdded && row + 1 < count) continue;
        TORII_TRY_VOID(draft_.add_items(block));
        written_.items += block.size();
        block.clear();
      }
      reporter_.progress(written_.items, "");
    }
    reporter_.end(fmt::format("{} items", grouped(written_.items)));
    return {};
  }

  Result<void> rank_users(const std::vector<std::uint32_t>& order) {
    TORII_TRY([[maybe_unused]] const auto counts,
              recommend::make_candidates(
                  *input_.bundle, *input_.dataset, input_.texts, {.k = input_.k, .order = order},
                  [&](const recommend::CandidateBlock& block) -> Result<void> {
                    for (std::size_t row = 0; row < block.users.size(); ++row) {
                      const auto list = block.rankings.lists.of(row);
                      store::PublishedUser user =
                          user_of(block.users[row], block.embedded.embeddings.row(row),
                                  static_cast<std::uint8_t>(block.rankings.sources[row]));
                      for (const auto& entry : list) {
                        user.items.push_back(entry.item);
                        user.scores.push_back(entry.score);
                      }
                      TORII_TRY_VOID(add(std::move(user)));
                    }
                    return {};
                  },
                  pool_, reporter_));
    return {};
  }

  Result<void> add_listed(const std::vector<std::uint32_t>& order) {
    const CandidateLists& lists = *input_.lists;
    for (std::size_t begin = 0; begin < order.size(); begin += kUserBlock) {
      const auto block =
          std::span(order).subspan(begin, std::min(kUserBlock, order.size() - begin));
      TORII_TRY(const auto embedded, recommend::embed_users(*input_.bundle, *input_.dataset, block,
                                                            input_.texts, pool_, reporter_));
      for (std::size_t row = 0; row < block.size(); ++row) {
        const std::uint32_t dense = block[row];
        const std::span<const float> embedding = embedded.embeddings.row(row);
        store::PublishedUser user = user_of(dense, embedding, lists.sources[dense]);
        const auto items = lists.items_of(dense);
        user.items.assign(items.begin(), items.end());
        user.scores = copy_of(lists.scores_of(dense));
        TORII_TRY_VOID(check_own(user));
        TORII_TRY_VOID(add(std::move(user)));
      }
    }
    return {};
  }

  // Whether this bundle gave the first score of a list.
  [[nodiscard]] Result<void> check_own(const store::PublishedUser& user) const {
    const bool by_vectors = user.source != static_cast<std::uint8_t>(recommend::Source::kFallback);
    if (!by_vectors || user.items.empty()) return {};
    const double expected = score(user.embedding, items_.row(user.items.front()));
    const double found = user.scores.front();
    if (std::abs(found - expected) <= 1e-3 * std::max(1.0, std::abs(expected))) return {};
    return invalid(
        "--candidates: user '{}': the first item has the score {:.4f}, this bundle gives {:.4f}; "
        "the lists were made by another bundle or from other data",
        visible(user.id), found, expected);
  }

  // As the index gives it: larger is better.
  [[nodiscard]] double score(std::span<const float> a, std::span<const float> b) const {
    double dot = 0.0;
    double a2 = 0.0;
    double b2 = 0.0;
    for (std::size_t d = 0; d < a.size(); ++d) {
      dot += static_cast<double>(a[d]) * b[d];
      a2 += static_cast<double>(a[d]) * a[d];
      b2 += static_cast<double>(b[d]) * b[d];
    }
    switch (input_.bundle->model.metric) {
      case Metric::kDot:
        return dot;
      case Metric::kCosine:
        return a2 > 0.0 && b2 > 0.0 ? dot / std::sqrt(a2 * b2) : 0.0;
      case Metric::kEuclidean:
        return -std::sqrt(std::max(0.0, a2 + b2 - 2.0 * dot));
    }
    return 0.0;
  }

  [[nodiscard]] store::PublishedUser user_of(std::uint32_t dense, std::span<const float> embedding,
                                             std::uint8_t source) const {
    const auto seen = seen_.of(dense);
    const auto bought = bought_.of(dense);
    store::PublishedUser user{.id = std::string(input_.dataset->users[dense]),
                              .source = source,
                              .attributes = users_.row(dense).dump(),
                              .embedding = copy_of(embedding),
                              .items = {},
                              .scores = {},
                              .seen = {seen.begin(), seen.end()}};
    for (std::uint32_t& entry : user.seen) {
      if (std::ranges::binary_search(bought, entry)) entry |= store::kBoughtMark;
    }
    return user;
  }

  Result<void> add(store::PublishedUser user) {
    written_.entries += user.items.size();
    block_.push_back(std::move(user));
    if (block_.size() < kAdded) return {};
    return flush();
  }
  Result<void> flush() {
    if (block_.empty()) return {};
    if (reporter_.cancelled()) return make_error(ErrorCode::kCancelled, "interrupted");
    TORII_TRY_VOID(draft_.add_users(block_));
    written_.users += block_.size();
    block_.clear();
    reporter_.progress(written_.users, "");
    return {};
  }

  store::Draft& draft_;
  const PublicationInput& input_;
  ThreadPool& pool_;
  Reporter& reporter_;
  RowWriter users_;
  data::UserItems seen_, bought_;
  Matrix items_;  // to check lists by
  std::vector<store::PublishedUser> block_;
  Written written_;
};

}  // namespace

Result<Written> fill_draft(store::Draft& draft, const PublicationInput& input, ThreadPool& pool,
                           Reporter& reporter) {
  TORII_CHECK(input.bundle != nullptr && input.dataset != nullptr,
              "a publication is made of a bundle and data");
  return Filler(draft, input, pool, reporter).run();
}

}  // namespace torii::publish

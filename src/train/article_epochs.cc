#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <vector>

#include "base/random.h"
#include "train/article_step.h"
#include "train/divergence.h"
#include "train/epochs.h"
#include "train/magnitude.h"
#include "train/unseen_ids.h"

namespace torii::train {

namespace {

struct ArticleRows {
  std::vector<std::uint32_t> users, items;
  std::vector<float> magnitudes;
};

class ArticleEpochs final : public Epochs {
 public:
  ArticleEpochs(ArticleRows rows, ArticleTables tables, std::vector<std::int32_t> user_ids,
                std::vector<std::int32_t> item_ids, const TrainOptions& options,
                model::TwoTower& model, ThreadPool& pool)
      : rows_(std::move(rows)),
        user_ids_(std::move(user_ids)),
        item_ids_(std::move(item_ids)),
        options_(options),
        model_(model),
        batch_size_(static_cast<std::size_t>(options.batch_size)),
        order_(rows_.users.size()),
        step_(model, with_ids(tables), batch_size_ + 1,
              {.learning_rate = options.learning_rate, .weight_decay = options.weight_decay},
              RepeatedRows::kOnce, pool) {}

  [[nodiscard]] std::size_t rows() const override { return order_.size(); }

  [[nodiscard]] Result<double> run(EpochPosition& at, const BatchDone& done) override {
    const Random random = begin_epoch(options_.seed, at, order_);
    while (at.rows_done < order_.size()) {
      std::size_t count = std::min(batch_size_, order_.size() - at.rows_done);
      // A single row left over joins the last batch: BatchNorm has nothing to say about one row.
      if (at.rows_done + count + 1 == order_.size()) ++count;
      const double loss = step(at.rows_done, count);
      end_batch(at, count, loss, random);
      if (is_lost(loss)) {
        return diverged({at.epoch, at.batches, loss, options_.learning_rate}, model_);
      }
      if (!done()) return stopped(at);
    }
    return end_epoch(at, options_.learning_rate, model_);
  }

  [[nodiscard]] Adam& user_optimizer() override { return step_.user_optimizer(); }
  [[nodiscard]] Adam& item_optimizer() override { return step_.item_optimizer(); }

 private:
  [[nodiscard]] ArticleTables with_ids(ArticleTables tables) const {
    tables.user_ids = user_ids_;
    tables.item_ids = item_ids_;
    return tables;
  }

  double step(std::size_t first, std::size_t count) {
    users_.clear();
    items_.clear();
    magnitudes_.clear();
    for (std::size_t i = first; i < first + count; ++i) {
      users_.push_back(rows_.users[order_[i]]);
      items_.push_back(rows_.items[order_[i]]);
      magnitudes_.push_back(rows_.magnitudes[order_[i]]);
    }
    return step_.run(users_, items_, magnitudes_);
  }

  ArticleRows rows_;
  std::vector<std::int32_t> user_ids_, item_ids_;  // before step_, which borrows them
  TrainOptions options_;
  model::TwoTower& model_;
  std::size_t batch_size_;
  std::vector<std::uint32_t> order_;
  ArticleStep step_;
  std::vector<std::uint32_t> users_, items_;
  std::vector<float> magnitudes_;
};

std::optional<double> number(const std::vector<float>& column, std::size_t row) {
  if (row >= column.size() || std::isnan(column[row])) return std::nullopt;
  return static_cast<double>(column[row]);
}

Result<ArticleRows> article_rows(const data::Interactions& rows, const data::Split& split) {
  ArticleRows result;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (split.part[i] != data::Part::kTrain) continue;
    const bool typed = i < rows.type.size() && rows.type[i] < rows.type_names.size();
    const double value = magnitude(typed ? rows.type_names[rows.type[i]] : std::string_view(),
                                   number(rows.rating, i), number(rows.quantity, i));
    if (!std::isfinite(value) || value <= 0.0) {
      return invalid("interactions: row {}: rating {} and quantity {} give no magnitude",
                     rows.file_row.empty() ? i : rows.file_row[i], rows.rating[i],
                     rows.quantity[i]);
    }
    result.users.push_back(rows.user[i]);
    result.items.push_back(rows.item[i]);
    result.magnitudes.push_back(static_cast<float>(value));
  }
  if (result.users.empty()) return invalid("nothing to learn from: the train part has no row");
  if (result.users.size() > std::numeric_limits<std::uint32_t>::max()) {
    return invalid("{} training rows are more than one run can hold", result.users.size());
  }
  return result;
}

std::vector<std::int32_t> all_ids(const model::EntityTower& tower, std::size_t rows) {
  std::vector<std::int32_t> ids(tower.shape().ids > 0 ? rows : 0);
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

}  // namespace

Result<std::unique_ptr<Epochs>> make_article_epochs(const TrainInput& input,
                                                    const TrainOptions& options,
                                                    model::TwoTower& model, ThreadPool& pool) {
  TORII_TRY(ArticleRows rows, article_rows(input.dataset->interactions, *input.split));
  std::vector<std::uint64_t> user_counts(input.users->rows), item_counts(input.items->rows);
  for (const std::uint32_t user : rows.users) ++user_counts[user];
  for (const std::uint32_t item : rows.items) ++item_counts[item];
  clear_unseen_ids(model.user, user_counts);
  clear_unseen_ids(model.item, item_counts);
  ArticleTables tables;
  tables.users = input.users;
  tables.items = input.items;
  return std::unique_ptr<Epochs>(std::make_unique<ArticleEpochs>(
      std::move(rows), tables, all_ids(model.user, input.users->rows),
      all_ids(model.item, input.items->rows), options, model, pool));
}

}  // namespace torii::train

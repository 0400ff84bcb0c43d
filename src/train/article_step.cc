#include "train/article_step.h"

#include <algorithm>

#include "base/check.h"

namespace torii::train {
namespace {

// A table of this size is worth the memory that averaging its texts once takes.
constexpr std::size_t kMeanTextFloatsMax = std::size_t{64} << 20U;  // 256 MiB

bool wants_mean_text(const model::EntityTower& tower, const features::EncodedTable& table) {
  return tower.text_layout() == features::TextLayout::kMean && table.text.size() > 1 &&
         table.rows * table.text_vectors.cols() <= kMeanTextFloatsMax;
}

}  // namespace

/// One tower and what its thread works with.
struct ArticleStep::Side {
  Side(model::EntityTower& its_tower, const features::EncodedTable& its_table,
       std::span<const std::int32_t> its_ids, std::size_t batch_max, AdamOptions options,
       const kernels::Ops& ops)
      : tower(its_tower),
        mean_text(wants_mean_text(its_tower, its_table) ? features::with_mean_text(its_table)
                                                        : features::EncodedTable()),
        table(mean_text.rows > 0 ? mean_text : its_table),
        table_ids(its_ids),
        adam(its_tower, options),
        workspace(its_tower.make_workspace(batch_max, ops)),
        embedding(batch_max, its_tower.shape().width),
        d_embedding(batch_max, its_tower.shape().width),
        distance(batch_max),
        place(batch_max),
        seen(its_table.rows, 0) {
    distinct.reserve(batch_max);
    repeats.reserve(batch_max);
    ids.reserve(batch_max);
  }

  model::EntityTower& tower;
  features::EncodedTable mean_text;  // empty unless it serves as `table`
  const features::EncodedTable& table;
  std::span<const std::int32_t> table_ids;
  Adam adam;
  model::EntityTower::WorkspacePtr workspace;
  features::Batch batch;
  Matrix embedding, d_embedding;  // [distinct rows, D]
  std::vector<float> distance;    // [B]

  std::span<const std::uint32_t> rows;  // of this step [B]
  std::vector<std::uint32_t> distinct;  // rows that go through the tower
  std::vector<float> repeats;           // how often each of them occurs
  std::vector<std::int32_t> ids;
  std::vector<std::uint32_t> place;  // pair -> its row among them [B]
  std::vector<std::uint64_t> seen;   // table row -> step (upper half) and place (lower half)
  std::uint64_t step = 0;

  void find_distinct(RepeatedRows repeated) {
    distinct.clear();
    repeats.clear();
    ++step;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      TORII_CHECK(rows[i] < table.rows, "row out of range");
      std::uint64_t& mark = seen[rows[i]];
      if (repeated == RepeatedRows::kEach || mark >> 32U != step) {
        mark = step << 32U | distinct.size();
        distinct.push_back(rows[i]);
        repeats.push_back(0.0F);
      }
      place[i] = static_cast<std::uint32_t>(mark);
      repeats[place[i]] += 1.0F;
    }
  }
};

ArticleStep::ArticleStep(model::TwoTower& model, ArticleTables tables, std::size_t batch_max,
                         AdamOptions options, RepeatedRows repeated, ThreadPool& pool,
                         const kernels::Ops& ops)
    : repeated_(repeated),
      pool_(pool),
      ops_(ops),
      user_(std::make_unique<Side>(model.user, *tables.users, tables.user_ids, batch_max, options,
                                   ops)),
      item_(std::make_unique<Side>(model.item, *tables.items, tables.item_ids, batch_max, options,
                                   ops)) {
  TORII_CHECK(model.user.shape().width == model.item.shape().width,
              "towers meet in one space: their widths must be equal");
}
ArticleStep::~ArticleStep() = default;

void ArticleStep::forward(Side& side) {
  side.find_distinct(repeated_);
  side.ids.clear();
  if (!side.table_ids.empty()) {
    for (const std::uint32_t row : side.distinct) side.ids.push_back(side.table_ids[row]);
  }
  features::gather(side.table, side.distinct, side.ids, side.tower.text_layout(), side.batch);
  if (side.distinct.size() != side.rows.size()) side.batch.repeats = side.repeats;
  side.tower.forward(side.batch, *side.workspace,
                     side.embedding.view().middle_rows(0, side.distinct.size()));
}

void ArticleStep::backward(Side& side) {
  const FloatView d = side.d_embedding.view().middle_rows(0, side.distinct.size());
  std::ranges::fill(d.flat(), 0.0F);
  const double squares = ops_.distance_loss({.pairs = pairs_,
                                             .cols = side.embedding.cols(),
                                             .user = user_->embedding.data(),
                                             .item = item_->embedding.data(),
                                             .user_row = user_->place.data(),
                                             .item_row = item_->place.data(),
                                             .magnitude = magnitudes_.data(),
                                             .scale = 1.0F / static_cast<float>(pairs_),
                                             .distance = side.distance.data(),
                                             .d_user = &side == user_.get() ? d.data : nullptr,
                                             .d_item = &side == item_.get() ? d.data : nullptr});
  if (&side == item_.get()) loss_ = squares / static_cast<double>(pairs_);
  side.tower.backward(side.batch, *side.workspace, d);
}

void ArticleStep::begin(std::span<const std::uint32_t> user_rows,
                        std::span<const std::uint32_t> item_rows,
                        std::span<const float> magnitudes) {
  pairs_ = user_rows.size();
  TORII_CHECK(pairs_ > 0 && pairs_ <= user_->place.size(), "1 <= batch <= batch_max");
  TORII_CHECK(item_rows.size() == pairs_ && magnitudes.size() == pairs_,
              "one user, item and magnitude per pair");
  user_->rows = user_rows;
  item_->rows = item_rows;
  magnitudes_ = magnitudes;
  pool_.run(2, [this](std::size_t task, std::size_t) { forward(task == 0 ? *user_ : *item_); });
}

double ArticleStep::gradients(std::span<const std::uint32_t> user_rows,
                              std::span<const std::uint32_t> item_rows,
                              std::span<const float> magnitudes) {
  begin(user_rows, item_rows, magnitudes);
  pool_.run(2, [this](std::size_t task, std::size_t) { backward(task == 0 ? *user_ : *item_); });
  return loss_;
}

double ArticleStep::run(std::span<const std::uint32_t> user_rows,
                        std::span<const std::uint32_t> item_rows,
                        std::span<const float> magnitudes) {
  begin(user_rows, item_rows, magnitudes);
  pool_.run(2, [this](std::size_t task, std::size_t) {
    Side& side = task == 0 ? *user_ : *item_;
    backward(side);
    side.adam.step(side.tower, ops_);
  });
  return loss_;
}

Adam& ArticleStep::user_optimizer() {
  return user_->adam;
}
Adam& ArticleStep::item_optimizer() {
  return item_->adam;
}

std::span<const float> ArticleStep::distances() const {
  return std::span<const float>(item_->distance).first(pairs_);
}

}  // namespace torii::train

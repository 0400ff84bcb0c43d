#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "train/divergence.h"
#include "train/epochs.h"
#include "train/optimizer.h"
#include "train/sampler.h"
#include "train/softmax_loss.h"
#include "train/unseen_ids.h"

namespace torii::train {

namespace {

/// One tower with all that a step needs; memory is planned for the largest batch.
class Side {
 public:
  Side(model::EntityTower& tower, const features::EncodedTable& table, std::size_t rows_max,
       const TrainOptions& options)
      : tower_(tower),
        table_(table),
        workspace_(tower.make_workspace(rows_max)),
        adam_(tower,
              {.learning_rate = options.learning_rate, .weight_decay = options.weight_decay}),
        id_dropout_(options.id_dropout),
        keep_(1.0 - options.embedding_dropout),
        out_(rows_max, tower.shape().width),
        gradient_(rows_max, tower.shape().width),
        factor_(keep_ < 1.0 ? rows_max : 0, tower.shape().width) {}

  /// rows: distinct rows of the table. Everything random comes from `random`.
  void forward(std::span<const std::uint32_t> rows, Random random) {
    rows_ = rows.size();
    ids_.assign(rows_, -1);
    if (tower_.shape().ids > 0) {
      for (std::size_t r = 0; r < rows_; ++r) {
        const bool hidden = id_dropout_ > 0.0 && random.uniform() < id_dropout_;
        if (!hidden) ids_[r] = static_cast<std::int32_t>(rows[r]);
      }
    }
    features::gather(table_, rows, ids_, tower_.text_layout(), batch_);
    tower_.forward(batch_, *workspace_, out());
    if (keep_ < 1.0) drop(random);
  }

  void backward_and_step() {
    if (keep_ < 1.0) multiply(gradient().flat(), factor_.view().middle_rows(0, rows_).flat());
    tower_.backward(batch_, *workspace_, gradient());
    adam_.step(tower_);
  }

  [[nodiscard]] Adam& optimizer() { return adam_; }
  [[nodiscard]] FloatView out() { return out_.view().middle_rows(0, rows_); }
  [[nodiscard]] FloatView gradient() { return gradient_.view().middle_rows(0, rows_); }

 private:
  static void multiply(std::span<float> values, std::span<const float> factors) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] *= factors[i];
  }

  /// Hides numbers of the embedding; the others grow so that the expectation stays.
  void drop(Random& random) {
    const auto factors = factor_.view().middle_rows(0, rows_).flat();
    const auto kept = static_cast<float>(1.0 / keep_);
    const auto threshold = static_cast<std::uint64_t>(keep_ * 65536.0);
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < factors.size(); ++i) {
      if (i % 4 == 0) bits = random.next();
      factors[i] = (bits & 0xFFFF) < threshold ? kept : 0.0F;
      bits >>= 16;
    }
    multiply(out().flat(), factors);
  }

  model::EntityTower& tower_;
  const features::EncodedTable& table_;
  model::EntityTower::WorkspacePtr workspace_;
  Adam adam_;
  double id_dropout_;
  double keep_;
  Matrix out_, gradient_, factor_;
  features::Batch batch_;
  std::vector<std::int32_t> ids_;
  std::size_t rows_ = 0;
};

struct Pair {
  std::uint32_t user = 0;
  std::uint32_t item = 0;
  friend auto operator<=>(const Pair&, const Pair&) = default;
};

class SoftmaxEpochs final : public Epochs {
 public:
  SoftmaxEpochs(std::vector<Pair> pairs, std::span<const std::uint64_t> item_counts,
                const TrainInput& input, const TrainOptions& options, model::TwoTower& model,
                ThreadPool& pool)
      : pairs_(std::move(pairs)),
        options_(options),
        model_(model),
        pool_(pool),
        batch_size_(std::min(static_cast<std::size_t>(options.batch_size), pairs_.size())),
        sampler_(item_counts, {.negatives = static_cast<std::size_t>(options.negatives),
                               .popularity = options.negatives_popularity}),
        loss_({.metric = model.metric,
               .temperature = options.temperature,
               .embedding_decay = options.embedding_decay}),
        user_(model.user, *input.users, std::min(batch_size_, input.users->rows), options),
        item_(model.item, *input.items, sampler_.candidates_max(batch_size_), options),
        order_(pairs_.size()) {}

  [[nodiscard]] std::size_t rows() const override { return pairs_.size(); }

  [[nodiscard]] Result<double> run(EpochPosition& at, const BatchDone& done) override {
    Random random = begin_epoch(options_.seed, at, order_);
    while (at.rows_done < order_.size()) {
      const std::size_t count = std::min(batch_size_, order_.size() - at.rows_done);
      const double loss = step(std::span(order_).subspan(at.rows_done, count), random);
      end_batch(at, count, loss, random);
      if (is_lost(loss)) {
        return diverged({at.epoch, at.batches, loss, options_.learning_rate}, model_);
      }
      if (!done()) return stopped(at);
    }
    return end_epoch(at, options_.learning_rate, model_);
  }

  [[nodiscard]] Adam& user_optimizer() override { return user_.optimizer(); }
  [[nodiscard]] Adam& item_optimizer() override { return item_.optimizer(); }

 private:
  /// Users become distinct and ascending, each with its positive items.
  void group_by_user(std::span<const std::uint32_t> rows) {
    batch_pairs_.clear();
    for (const std::uint32_t row : rows) batch_pairs_.push_back(pairs_[row]);
    std::sort(batch_pairs_.begin(), batch_pairs_.end());
    users_.clear();
    offsets_.clear();
    positives_.clear();
    for (const Pair& pair : batch_pairs_) {
      if (users_.empty() || users_.back() != pair.user) {
        users_.push_back(pair.user);
        offsets_.push_back(static_cast<std::uint32_t>(positives_.size()));
      }
      positives_.push_back(pair.item);
    }
    offsets_.push_back(static_cast<std::uint32_t>(positives_.size()));
  }

  /// Returns the loss before the step; no step is made if it is lost.
  double step(std::span<const std::uint32_t> rows, Random& random) {
    group_by_user(rows);
    sampler_.sample(positives_, random);
    for (std::uint32_t& item : positives_) item = sampler_.column(item);
    // Each tower draws from a generator of its own: they work side by side.
    const std::uint64_t draw[2] = {random.next(), random.next()};
    pool_.run(2, [&](std::size_t side, std::size_t) {
      // The item tower has more rows: it starts first.
      if (side == 0) {
        item_.forward(sampler_.items(), Random(draw[0]));
      } else {
        user_.forward(users_, Random(draw[1]));
      }
    });
    const double loss = loss_.run({.users = user_.out(),
                                   .items = item_.out(),
                                   .log_weight = sampler_.log_weight(),
                                   .offsets = offsets_,
                                   .positives = positives_},
                                  user_.gradient(), item_.gradient(), pool_);
    if (is_lost(loss)) return loss;
    pool_.run(
        2, [&](std::size_t side, std::size_t) { (side == 0 ? item_ : user_).backward_and_step(); });
    return loss;
  }

  std::vector<Pair> pairs_;
  TrainOptions options_;
  model::TwoTower& model_;
  ThreadPool& pool_;
  std::size_t batch_size_;
  CandidateSampler sampler_;
  SoftmaxLoss loss_;
  Side user_, item_;
  std::vector<std::uint32_t> order_;
  // The current batch.
  std::vector<Pair> batch_pairs_;
  std::vector<std::uint32_t> users_, offsets_, positives_;
};

}  // namespace

Result<std::unique_ptr<Epochs>> make_softmax_epochs(const TrainInput& input,
                                                    const TrainOptions& options,
                                                    model::TwoTower& model, ThreadPool& pool) {
  const data::Interactions& rows = input.dataset->interactions;
  std::vector<Pair> pairs;
  std::vector<std::uint64_t> user_counts(input.users->rows), item_counts(input.items->rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (input.split->part[i] != data::Part::kTrain || rows.positive[i] == 0) continue;
    pairs.push_back({rows.user[i], rows.item[i]});
    ++user_counts[rows.user[i]];
    ++item_counts[rows.item[i]];
  }
  if (pairs.empty()) {
    return invalid(
        "nothing to learn from: none of the {} training rows is positive; look at "
        "data.negative_types and data.min_rating",
        input.split->train_rows);
  }
  if (pairs.size() > std::numeric_limits<std::uint32_t>::max()) {
    return invalid("{} training rows are more than the {} that one run can hold", pairs.size(),
                   std::numeric_limits<std::uint32_t>::max());
  }
  clear_unseen_ids(model.user, user_counts);
  clear_unseen_ids(model.item, item_counts);
  return std::unique_ptr<Epochs>(
      std::make_unique<SoftmaxEpochs>(std::move(pairs), item_counts, input, options, model, pool));
}

}  // namespace torii::train

#include "train/forecast.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "base/reporter.h"

namespace torii::train {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kBatchesMin = 4;    // the first one warms up and is not counted
constexpr std::uint64_t kBatchesShort = 2;  // of the epoch that shows the validation

// Watches a training from outside: train() asks after each batch whether it was cancelled, and
// notes a line after each validation.
class Watch final : public Reporter {
 public:
  explicit Watch(double seconds) : seconds_(seconds) {}

  [[nodiscard]] bool cancelled() const override {
    const auto now = Clock::now();
    if (batches_ > 0 && !epoch_ended_) {
      batch_seconds_ += seconds_between(last_, now);
      ++counted_;
    }
    if (batches_ == 0) start_ = now;
    ++batches_;
    epoch_ended_ = false;
    last_ = now;
    return batches_ >= kBatchesMin && seconds_between(start_, now) >= seconds_;
  }

  void note(std::string_view) override {
    if (batches_ > 0 && !epoch_ended_) validation_seconds_ = seconds_between(last_, Clock::now());
    epoch_ended_ = true;
  }

  [[nodiscard]] double seconds_per_batch() const {
    return counted_ == 0 ? 0.0 : batch_seconds_ / static_cast<double>(counted_);
  }
  [[nodiscard]] bool counted() const { return counted_ > 0; }
  [[nodiscard]] double validation_seconds() const { return validation_seconds_; }

 private:
  static double seconds_between(Clock::time_point from, Clock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
  }

  double seconds_;
  double validation_seconds_ = 0.0;
  // cancelled() is a question to others; to this object it is the moment between two batches.
  mutable Clock::time_point start_, last_;
  mutable std::uint64_t batches_ = 0, counted_ = 0;
  mutable double batch_seconds_ = 0.0;
  mutable bool epoch_ended_ = false;
};

std::uint64_t rows_of(const TrainInput& input, const TrainOptions& options) {
  const auto& positive = input.dataset->interactions.positive;
  const bool all = options.loss == "magnitude";
  std::uint64_t rows = 0;
  for (std::size_t i = 0; i < input.split->part.size(); ++i) {
    rows += input.split->part[i] == data::Part::kTrain && (all || positive[i] != 0) ? 1 : 0;
  }
  return rows;
}

// The split with the first training rows that count for a few batches only.
data::Split shortened(const TrainInput& input, const TrainOptions& options, std::uint64_t rows) {
  data::Split split = *input.split;
  const auto& positive = input.dataset->interactions.positive;
  const bool all = options.loss == "magnitude";
  for (std::size_t i = 0; i < split.part.size(); ++i) {
    if (split.part[i] != data::Part::kTrain || (!all && positive[i] == 0)) continue;
    if (rows > 0) {
      --rows;
    } else {
      split.part[i] = data::Part::kUnused;
      --split.train_rows;
    }
  }
  return split;
}

}  // namespace

Result<Rehearsal> rehearse(const TrainInput& input, const model::ModelOptions& model_options,
                           const TrainOptions& options, double seconds, ThreadPool& pool) {
  Rehearsal rehearsal;
  rehearsal.rows = rows_of(input, options);
  const auto batch = static_cast<std::uint64_t>(options.batch_size);
  const std::uint64_t batches = (rehearsal.rows + batch - 1) / batch;

  const data::Split few = shortened(input, options, kBatchesShort * batch);
  TrainInput short_input = input;
  short_input.split = &few;
  TrainOptions once = options;
  once.epochs = 1;
  Watch validation(std::numeric_limits<double>::infinity());
  TORII_TRY_VOID(train(short_input, model_options, once, pool, validation));
  const bool validates = input.split->valid_rows > 0;
  if (validates) rehearsal.seconds_per_validation = validation.validation_seconds();

  // Only the weights of the batches count, so validation is left out: the time goes to batches.
  data::Split unjudged = *input.split;
  std::ranges::replace(unjudged.part, data::Part::kValid, data::Part::kUnused);
  unjudged.valid_rows = 0;
  TrainInput full_input = input;
  full_input.split = &unjudged;
  Watch watch(seconds);
  if (auto trained = train(full_input, model_options, options, pool, watch);
      !trained.ok() && trained.error().code != ErrorCode::kCancelled) {
    return std::move(trained).error();
  }
  const double per_batch =
      watch.counted() ? watch.seconds_per_batch() : validation.seconds_per_batch();
  rehearsal.seconds_per_epoch = per_batch * static_cast<double>(batches);
  rehearsal.epochs_max = options.epochs;
  const bool may_stop = validates && options.patience > 0;
  rehearsal.epochs_min = may_stop ? std::min(options.epochs, options.patience + 1) : options.epochs;
  return rehearsal;
}

}  // namespace torii::train

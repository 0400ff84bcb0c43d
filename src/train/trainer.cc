#include "train/trainer.h"

#include <chrono>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/metric.h"
#include "base/random.h"
#include "train/checkpoint.h"
#include "train/epochs.h"
#include "train/selection.h"
#include "train/training_state.h"

namespace torii::train {

namespace {

using Clock = std::chrono::steady_clock;

// Streams of the seed; batches have those from 1000 on.
constexpr std::uint64_t kUserTowerStream = 0;
constexpr std::uint64_t kItemTowerStream = 1;
constexpr auto kProgressEvery = std::chrono::milliseconds(100);

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Result<model::TwoTower> make_model(const TrainInput& input, const model::ModelOptions& options,
                                   std::uint64_t seed) {
  const auto metric = parse_metric(options.metric);
  if (!metric) {
    return invalid("model.metric: expected dot, cosine or euclidean, found \"{}\"", options.metric);
  }
  TORII_TRY(
      model::TowerShape user_shape,
      model::tower_shape(options, input.spec->user, input.spec->text_width, input.users->rows));
  TORII_TRY(
      model::TowerShape item_shape,
      model::tower_shape(options, input.spec->item, input.spec->text_width, input.items->rows));
  Random user_random(seed, kUserTowerStream);
  Random item_random(seed, kItemTowerStream);
  return model::TwoTower{model::EntityTower(std::move(user_shape), user_random),
                         model::EntityTower(std::move(item_shape), item_random), *metric};
}

std::string line(const EpochRecord& record, const std::string& select_by) {
  std::string text = fmt::format("epoch {}: loss {:.4f}, {:.0f} interactions/s", record.epoch,
                                 record.loss, record.interactions_per_second);
  if (const auto found = record.valid.find(select_by); found != record.valid.end()) {
    text += fmt::format(", valid {} {:.4f}", select_by, found->second);
  }
  return text;
}

/// Tells the reporter, not more often than people read. A training that is gone on with counts
/// from there, so that the rate is that of this process.
class Progress {
 public:
  Progress(Reporter& reporter, int epochs, std::size_t rows, const EpochPosition& from)
      : reporter_(reporter), epochs_(epochs), rows_(rows), before_(total(from)) {
    reporter.begin("train", static_cast<std::uint64_t>(epochs) * rows - before_, "interactions");
  }

  void validated(std::string text) { validated_ = std::move(text); }

  void batch_done(const EpochPosition& at) {
    const auto now = Clock::now();
    if (at.rows_done < rows_ && now - last_ < kProgressEvery) return;
    last_ = now;
    const double loss = at.loss_sum / static_cast<double>(at.rows_done);
    reporter_.progress(total(at) - before_, fmt::format("epoch {}/{}  loss {:.4f}{}", at.epoch,
                                                        epochs_, loss, validated_));
  }

 private:
  [[nodiscard]] std::uint64_t total(const EpochPosition& at) const {
    return static_cast<std::uint64_t>(at.epoch - 1) * rows_ + at.rows_done;
  }

  Reporter& reporter_;
  int epochs_;
  std::size_t rows_;
  std::uint64_t before_;
  Clock::time_point last_;
  std::string validated_;
};

std::string validated_text(const Validator& validator, double value) {
  return fmt::format("  valid {} {:.4f}", validator.select_by(), value);
}

/// One training: the loop, and what it keeps on disk.
class Training {
 public:
  Training(const TrainOptions& options, std::optional<Validator> validator, model::TwoTower model,
           ThreadPool& pool, Reporter& reporter, Checkpoints* checkpoints)
      : options_(options),
        validator_(std::move(validator)),
        model_(std::move(model)),
        pool_(pool),
        reporter_(reporter),
        checkpoints_(checkpoints) {}

  Result<TrainResult> run(const TrainInput& input) {
    TORII_TRY(epochs_, options_.loss == "magnitude"
                           ? make_article_epochs(input, options_, model_, pool_)
                           : make_softmax_epochs(input, options_, model_, pool_));
    TORII_TRY_VOID(go_on());
    const auto start = Clock::now();
    Progress progress(reporter_, options_.epochs, epochs_->rows(), state_.position);
    if (state_.best.model) progress.validated(validated_text(*validator_, state_.best.value));
    while (state_.position.epoch <= options_.epochs) {
      TORII_TRY_VOID(run_epoch(progress));
      if (is_over()) break;
      state_.position = {.epoch = state_.position.epoch + 1};
      state_.epoch_seconds = 0.0;
      epoch_start_ = Clock::now();
      if (checkpoints_ != nullptr && checkpoints_->due(true)) keep();
    }
    return finish(seconds_since(start));
  }

 private:
  /// State, towers and optimizers from the checkpoint, if there is one to go on from.
  Result<void> go_on() {
    if (checkpoints_ == nullptr) return {};
    const auto saved = checkpoints_->take_saved();
    if (!saved) return {};
    TORII_TRY(state_, restore(*saved, options_.epochs, model_, *epochs_));
    if (state_.best.model && !validator_) {
      return make_error(ErrorCode::kCorrupt, "{}: has a best epoch, but there is no valid part",
                        saved->path.string());
    }
    reporter_.note(fmt::format("{:<14} goes on in epoch {} of {}, after {} of {} rows ({})",
                               "checkpoint", state_.position.epoch, options_.epochs,
                               state_.position.rows_done, epochs_->rows(), saved->path.string()));
    return {};
  }

  Result<void> run_epoch(Progress& progress) {
    epoch_start_ = Clock::now();
    TORII_TRY(const double loss, epochs_->run(state_.position, [&] {
      progress.batch_done(state_.position);
      if (reporter_.cancelled()) {
        if (checkpoints_ != nullptr) keep();
        return false;
      }
      if (checkpoints_ != nullptr && checkpoints_->due(false)) keep();
      return true;
    }));
    EpochRecord record;
    record.epoch = state_.position.epoch;
    record.loss = loss;
    record.seconds = state_.epoch_seconds + seconds_since(epoch_start_);
    record.interactions_per_second =
        static_cast<double>(epochs_->rows()) / std::max(record.seconds, 1e-9);
    if (validator_) record.valid = validator_->judge(model_, pool_);
    reporter_.note(line(record, options_.select_by));
    state_.history.push_back(std::move(record));
    if (!validator_) return {};

    const double value = state_.history.back().valid.at(options_.select_by);
    progress.validated(validated_text(*validator_, value));
    Best& best = state_.best;
    if (!best.model || value > best.value) {
      best = {state_.position.epoch, value,
              model::TwoTower{model_.user.clone(), model_.item.clone(), model_.metric}};
    }
    return {};
  }

  [[nodiscard]] bool is_over() const {
    const int epoch = state_.position.epoch;
    if (epoch >= options_.epochs) return true;
    return validator_ && options_.patience > 0 && epoch - state_.best.epoch >= options_.patience;
  }

  /// A full disk must not end a training: it is told of, once as long as it stays so.
  void keep() {
    TrainingState& state = state_;
    const double before = state.epoch_seconds;
    state.epoch_seconds += seconds_since(epoch_start_);
    const auto written = save(state, model_, *epochs_, *checkpoints_);
    state.epoch_seconds = before;
    if (!written.ok() && !warned_) {
      reporter_.warn(fmt::format("no checkpoint could be written, the training goes on: {}",
                                 written.error().message));
    }
    warned_ = !written.ok();
  }

  TrainResult finish(double seconds) {
    std::vector<EpochRecord>& history = state_.history;
    const int trained = static_cast<int>(history.size());
    std::string summary =
        fmt::format("{} epochs, loss {:.4f}, {:.1f} s", trained, history.back().loss, seconds);
    Best& best = state_.best;
    if (best.model) {
      summary += fmt::format("; kept epoch {}: valid {} {:.4f}", best.epoch, options_.select_by,
                             best.value);
    }
    reporter_.end(summary);
    if (!best.model) return {std::move(model_), trained, std::move(history)};
    return {std::move(*best.model), best.epoch, std::move(history)};
  }

  const TrainOptions& options_;
  std::optional<Validator> validator_;
  model::TwoTower model_;
  ThreadPool& pool_;
  Reporter& reporter_;
  Checkpoints* checkpoints_;
  std::unique_ptr<Epochs> epochs_;
  TrainingState state_;
  Clock::time_point epoch_start_;
  bool warned_ = false;
};

}  // namespace

Result<TrainResult> train(const TrainInput& input, const model::ModelOptions& model_options,
                          const TrainOptions& options, ThreadPool& pool, Reporter& reporter,
                          Checkpoints* checkpoints) {
  TORII_CHECK(input.dataset != nullptr && input.split != nullptr && input.spec != nullptr &&
                  input.users != nullptr && input.items != nullptr,
              "everything to train on is given");
  TORII_CHECK(input.users->rows == input.dataset->users.size() &&
                  input.items->rows == input.dataset->items.size() &&
                  input.split->part.size() == input.dataset->interactions.size(),
              "tables and split belong to the dataset");
  TORII_TRY_VOID(check_metric(options, model_options.metric));
  const auto seed = static_cast<std::uint64_t>(options.seed);
  TORII_TRY(std::optional<Validator> validator, Validator::make(input, options.select_by, seed));
  TORII_TRY(model::TwoTower model, make_model(input, model_options, seed));
  Training training(options, std::move(validator), std::move(model), pool, reporter, checkpoints);
  return training.run(input);
}

}  // namespace torii::train

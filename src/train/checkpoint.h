#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/reporter.h"
#include "base/result.h"
#include "base/safetensors.h"

namespace torii::train {

/// A named run of floats of a running training. Borrowed.
struct StateTensor {
  std::string name;
  std::span<const float> values;
};

struct CheckpointOptions {
  /// Seconds of training between two checkpoints; 0: one at the end of each epoch. However short,
  /// writing takes at most 1/50 of the time: a slow disk makes the interval longer.
  double interval_s = 30.0;
  /// Go on from what is there.
  bool resume = false;
};

/// The checkpoints of one training: a folder beside the bundle that is to come, with the two newest
/// ones as numbered files (docs/formats/checkpoint.md). Each is written aside, fsynced and renamed,
/// so a kill at any moment leaves a sound one. Not thread-safe.
class Checkpoints {
 public:
  /// One that was read back.
  struct Saved {
    std::filesystem::path path;
    Json state;
    SafetensorsFile tensors;
  };

  /// `identity`: all that the result depends on (settings, data, split, version), as a tree; a
  /// checkpoint is only gone on from if it has the same. Nothing is written yet. Errors:
  /// kInvalidArgument (something else has that name; with resume: another identity, names what
  /// differs), kUnsupported (of a newer version), kCorrupt (no sound one among those that are
  /// there). Without `resume`, one that is there is told of and stays until the first write();
  /// with it and nothing there, that is told.
  [[nodiscard]] static Result<Checkpoints> open(const std::filesystem::path& folder, Json identity,
                                                const CheckpointOptions& options,
                                                Reporter& reporter);

  /// What to go on from, once: the caller takes it.
  [[nodiscard]] std::optional<Saved> take_saved() { return std::exchange(saved_, std::nullopt); }

  /// Whether it is time for the next one, after a batch or at the end of an epoch.
  [[nodiscard]] bool due(bool epoch_ended) const;
  /// Writes the next one and drops all but the two newest of this training. Errors: kIo,
  /// kResourceExhausted; those that are there stay.
  [[nodiscard]] Result<void> write(const Json& state, std::span<const StateTensor> tensors);
  /// True if the newest one on disk is of this training.
  [[nodiscard]] bool kept() const { return !ours_.empty(); }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  /// Removes the checkpoints, and the folder if nothing else is in it: the bundle is written.
  void remove();

 private:
  using Clock = std::chrono::steady_clock;
  Checkpoints(std::filesystem::path folder, Json identity, const CheckpointOptions& options)
      : folder_(std::move(folder)),
        identity_(std::move(identity)),
        options_(options),
        last_(Clock::now()) {}

  std::filesystem::path folder_;
  Json identity_;
  CheckpointOptions options_;
  std::optional<Saved> saved_;
  std::vector<std::filesystem::path> ours_;  ///< of this training, oldest first
  std::int64_t next_ = 1;                    ///< number of the next one
  Clock::time_point last_;                   ///< end of the last write()
  double cost_s_ = 0.0;                      ///< of the last write()
};

}  // namespace torii::train

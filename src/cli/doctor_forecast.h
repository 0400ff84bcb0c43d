#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "cli/config.h"
#include "cli/session.h"
#include "cli/training.h"
#include "data/split.h"
#include "train/forecast.h"

namespace torii::cli {

/// What `torii train` and `torii candidates` will take with this configuration, on this machine
/// and with this number of threads.
struct Forecast {
  double load_seconds = 0.0;
  double encode_seconds = 0.0;  ///< columns, without texts
  double text_seconds = 0.0;    ///< texts that are not in the cache yet
  std::uint64_t texts = 0;      ///< how many those are
  train::Rehearsal training;
  double candidates_seconds = 0.0;  ///< for all users, beside load and encode
  std::uint64_t memory_bytes = 0;   ///< peak of the process

  [[nodiscard]] double train_seconds(int epochs) const {
    return load_seconds + encode_seconds + text_seconds + training.seconds(epochs);
  }
  [[nodiscard]] Json to_json() const;
  [[nodiscard]] std::string text() const;
};

/// Measured by rehearsal: columns are encoded, some texts are encoded by the real encoder, some
/// batches are trained and one validation is made. Call it before anything else takes memory.
/// load_seconds: what loading took. Errors: those of the steps of `torii train`.
[[nodiscard]] Result<Forecast> make_forecast(Session& session, Config& config,
                                             const data::Dataset& dataset, const data::Split& split,
                                             const Plans& plans, double load_seconds);

}  // namespace torii::cli

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "cli/config.h"
#include "cli/scoring.h"
#include "cli/session.h"
#include "data/interactions.h"
#include "data/split.h"
#include "evaluate/evaluate.h"

namespace torii::cli {

/// Whether a baseline is one that this version has. Errors: kUnsupported for those that come with a
/// later version, kInvalidArgument otherwise; both name what there is.
[[nodiscard]] Result<void> check_baseline(std::string_view name);

/// Data and split of an evaluation, and the task that they pose.
struct Judgement {
  data::LoadedDataset loaded;
  data::Split split;
  evaluate::Task task;
};
/// Loads the data and splits it by config.evaluate.split and config.train.seed. Refuses rows that
/// the bundle of `provenance` (null: none) was trained on.
[[nodiscard]] Result<Judgement> pose_task(const Session& session, const Config& config,
                                          data::Part target, const Json* provenance);

/// Judges a bundle's embeddings of the whole data set, and the configured baselines.
[[nodiscard]] Result<evaluate::Report> judge_bundle(Session& session, const OpenBundle& opened,
                                                    const Judgement& judgement,
                                                    const Embedded& embedded);

/// A line for each ranker, metrics at 10 beside each other; the subject is emphasised.
[[nodiscard]] std::string compact_table(const Session& session, const evaluate::Report& report);

/// NDCG@10 of the subject over that of a baseline.
[[nodiscard]] std::optional<double> ndcg_ratio(const evaluate::Report& report,
                                               std::string_view baseline);

[[nodiscard]] Json metrics_json(const std::map<std::string, double>& metrics);

}  // namespace torii::cli

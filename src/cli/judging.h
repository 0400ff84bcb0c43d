#pragma once

#include <memory>
#include <optional>
#include <span>
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
  data::Part target = data::Part::kTest;
  evaluate::Task task;
};
/// Loads the data and splits it by config.evaluate.split and config.train.seed.
[[nodiscard]] Result<Judgement> pose_task(const Session& session, const Config& config,
                                          data::Part target);
/// Refuses pairs that the bundle in that folder was trained on; warns if that cannot be told.
[[nodiscard]] Result<void> check_unseen(const Session& session, const std::string& path,
                                        const Json& provenance, const Judgement& judgement);

/// A bundle's embeddings of the whole data set, ready to be ranked. `name` stands in reports.
struct BundleRanker {
  Embedded embedded;
  std::vector<float> popularity;
  std::unique_ptr<evaluate::Ranker> ranker;  ///< reads the two above
};
[[nodiscard]] Result<BundleRanker> make_bundle_ranker(Session& session, const OpenBundle& opened,
                                                      const Judgement& judgement,
                                                      std::string name = "two-tower");

/// The columns of config.evaluate.segments in the data, with the separators that its plan names.
[[nodiscard]] Result<std::vector<evaluate::SegmentColumn>> find_segments(
    const Config& config, const data::Dataset& dataset);

/// Judges a ranker, the configured baselines and `rivals` on the same rows.
[[nodiscard]] Result<evaluate::Report> judge_ranker(
    Session& session, const Config& config, const Judgement& judgement,
    const evaluate::Ranker& ranker, std::span<const evaluate::Ranker* const> rivals = {});

/// The same with a baseline, by its name, as the subject.
[[nodiscard]] Result<evaluate::Report> judge_baseline(
    Session& session, const Config& config, const Judgement& judgement, std::string_view baseline,
    std::span<const evaluate::Ranker* const> rivals = {});

/// A line for each ranker, metrics at 10 beside each other; the subject is emphasised.
[[nodiscard]] std::string compact_table(const Session& session, const evaluate::Report& report);

/// NDCG@10 of the subject over that of a baseline.
[[nodiscard]] std::optional<double> ndcg_ratio(const evaluate::Report& report,
                                               std::string_view baseline);

[[nodiscard]] Json metrics_json(const std::map<std::string, double>& metrics);

}  // namespace torii::cli

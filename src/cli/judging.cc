#include "cli/judging.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/options.h"
#include "cli/layout.h"
#include "cli/loading.h"
#include "cli/training.h"
#include "evaluate/overlap.h"
#include "model/bundle.h"

namespace torii::cli {

Result<void> check_baseline(std::string_view name) {
  constexpr std::string_view kLater[] = {"user-knn", "ease", "ials", "bpr"};
  if (std::find(std::begin(kLater), std::end(kLater), name) == std::end(kLater)) {
    return evaluate::check_baseline_name(name);
  }
  return make_error(ErrorCode::kUnsupported, "baseline '{}' is not in this version; there are: {}",
                    name, fmt::join(evaluate::baseline_names(), ", "));
}

Result<Judgement> pose_task(const Session& session, const Config& config, data::Part target) {
  TORII_TRY(const data::SplitSpec spec, data::SplitSpec::parse(config.evaluate.split));
  TORII_TRY(data::LoadedDataset loaded, load_data(session, config, &spec));
  TORII_TRY(data::Split split, data::make_split(loaded.dataset, loaded.extra, spec,
                                                static_cast<std::uint64_t>(config.train.seed)));
  evaluate::Task task = evaluate::make_task(loaded.dataset, split, target);
  return Judgement{std::move(loaded), std::move(split), target, std::move(task)};
}

Result<void> check_unseen(const Session& session, const std::string& path, const Json& provenance,
                          const Judgement& judgement) {
  TORII_TRY(const auto pairs, model::TrainingPairs::open(path));
  std::optional<std::span<const std::uint64_t>> hashes;
  if (pairs) hashes = pairs->hashes();
  auto checked = evaluate::check_overlap(provenance, hashes, judgement.loaded.dataset,
                                         judgement.split, judgement.target, judgement.task);
  if (!checked.ok()) return with_context(std::move(checked).error(), path);
  if (!checked->empty()) session.reporter().warn(path + ": " + *checked);
  return {};
}

Result<BundleRanker> make_bundle_ranker(Session& session, const OpenBundle& opened,
                                        const Judgement& judgement, std::string name) {
  BundleRanker ranker;
  TORII_TRY(ranker.embedded, embed_data(session, opened, judgement.loaded.dataset));
  ranker.popularity = recommend::popularity_of(judgement.loaded.dataset, judgement.task.fit_rows);
  ranker.ranker = evaluate::make_embedding_ranker({.name = std::move(name),
                                                   .users = ranker.embedded.users.embeddings.view(),
                                                   .items = ranker.embedded.items.embeddings.view(),
                                                   .metric = opened.bundle.model.metric,
                                                   .known = ranker.embedded.users.known,
                                                   .described = ranker.embedded.users.described,
                                                   .popularity = ranker.popularity});
  return ranker;
}

Result<std::vector<evaluate::SegmentColumn>> find_segments(const Config& config,
                                                           const data::Dataset& dataset) {
  std::vector<evaluate::SegmentColumn> found;
  if (config.evaluate.segments.empty()) return found;
  TORII_TRY(const Plans plans, plan_data(config, dataset, config.inference));
  for (const std::string& name : config.evaluate.segments) {
    TORII_TRY(evaluate::SegmentColumn segment, evaluate::find_segment(name, dataset));
    const auto is_it = [&](const features::ColumnPlan& plan) {
      return plan.column == segment.column;
    };
    const auto& plan =
        segment.side == evaluate::SegmentColumn::Side::kUsers ? plans.users : plans.items;
    if (const auto it = std::find_if(plan.begin(), plan.end(), is_it); it != plan.end()) {
      segment.separator = it->separator;
    }
    const bool again = std::any_of(found.begin(), found.end(),
                                   [&](const auto& other) { return other.name == segment.name; });
    if (!again) found.push_back(std::move(segment));
  }
  return found;
}

namespace {

// The input of a report; borrows from all that it is made of.
evaluate::ReportInput input_of(const Session& session, const Config& config,
                               const Judgement& judgement,
                               std::span<const evaluate::SegmentColumn> segments,
                               std::span<const evaluate::Ranker* const> rivals) {
  return {.task = &judgement.task,
          .dataset = &judgement.loaded.dataset,
          .options = config.evaluate,
          .segments = segments,
          .rivals = rivals,
          .seed = static_cast<std::uint64_t>(config.train.seed),
          .reporter = &session.reporter()};
}

}  // namespace

Result<evaluate::Report> judge_ranker(Session& session, const Config& config,
                                      const Judgement& judgement, const evaluate::Ranker& ranker,
                                      std::span<const evaluate::Ranker* const> rivals) {
  TORII_TRY(ThreadPool * pool, session.pool());
  TORII_TRY(const auto segments, find_segments(config, judgement.loaded.dataset));
  return evaluate::make_report(ranker, input_of(session, config, judgement, segments, rivals),
                               *pool);
}

Result<evaluate::Report> judge_baseline(Session& session, const Config& config,
                                        const Judgement& judgement, std::string_view baseline,
                                        std::span<const evaluate::Ranker* const> rivals) {
  TORII_TRY(ThreadPool * pool, session.pool());
  TORII_TRY(const auto segments, find_segments(config, judgement.loaded.dataset));
  return evaluate::make_baseline_report(
      baseline, input_of(session, config, judgement, segments, rivals), *pool);
}

std::string compact_table(const Session& session, const evaluate::Report& report) {
  constexpr const char* kNames[] = {"ndcg", "hit", "recall", "precision", "mrr", "map"};
  std::vector<std::string> head = {""};
  for (const char* name : kNames) head.push_back(fmt::format("{}@10", name));
  TextTable table(std::move(head));
  const auto add = [&](const evaluate::Outcome& outcome, bool is_subject) {
    std::vector<std::string> row = {outcome.name};
    for (const char* name : kNames) {
      const auto it = outcome.metrics.find(fmt::format("{}@10", name));
      row.push_back(it == outcome.metrics.end() ? "" : fmt::format("{:.4f}", it->second));
    }
    for (std::string& cell : row) cell = is_subject ? session.strong(cell) : cell;
    table.add(std::move(row));
  };
  add(report.subject, true);
  for (const evaluate::Outcome& outcome : report.baselines) add(outcome, false);
  return table.text();
}

std::optional<double> ndcg_ratio(const evaluate::Report& report, std::string_view baseline) {
  for (const evaluate::Outcome& outcome : report.baselines) {
    const auto theirs = outcome.metrics.find("ndcg@10");
    const auto ours = report.subject.metrics.find("ndcg@10");
    if (outcome.name != baseline || theirs == outcome.metrics.end()) continue;
    if (ours == report.subject.metrics.end() || !(theirs->second > 0.0)) continue;
    return ours->second / theirs->second;
  }
  return std::nullopt;
}

Json metrics_json(const std::map<std::string, double>& metrics) {
  Json object = Json::object();
  for (const auto& [name, value] : metrics) object.set(name, value);
  return object;
}

}  // namespace torii::cli

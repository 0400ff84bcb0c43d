#include "cli/judging.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/options.h"
#include "cli/layout.h"
#include "cli/loading.h"
#include "cli/overlap.h"

namespace torii::cli {

Result<void> check_baseline(std::string_view name) {
  constexpr std::string_view kLater[] = {"user-knn", "ease", "ials", "bpr"};
  if (std::find(std::begin(kLater), std::end(kLater), name) == std::end(kLater)) {
    return evaluate::check_baseline_name(name);
  }
  return make_error(ErrorCode::kUnsupported, "baseline '{}' is not in this version; there are: {}",
                    name, fmt::join(evaluate::baseline_names(), ", "));
}

Result<Judgement> pose_task(const Session& session, const Config& config, data::Part target,
                            const Json* provenance) {
  TORII_TRY(const data::SplitSpec spec, data::SplitSpec::parse(config.evaluate.split));
  TORII_TRY(data::LoadedDataset loaded, load_data(session, config, &spec));
  TORII_TRY(data::Split split, data::make_split(loaded.dataset, loaded.extra, spec,
                                                static_cast<std::uint64_t>(config.train.seed)));
  if (provenance != nullptr) {
    TORII_TRY(const std::string warning, check_overlap(*provenance, loaded.dataset, split, target));
    if (!warning.empty()) session.reporter().warn(warning);
  }
  evaluate::Task task = evaluate::make_task(loaded.dataset, split, target);
  return Judgement{std::move(loaded), std::move(split), std::move(task)};
}

Result<evaluate::Report> judge_bundle(Session& session, const OpenBundle& opened,
                                      const Judgement& judgement, const Embedded& embedded) {
  TORII_TRY(ThreadPool * pool, session.pool());
  const Config& config = *opened.config;
  const data::Dataset& dataset = judgement.loaded.dataset;
  const std::vector<float> popularity = recommend::popularity_of(dataset, judgement.task.fit_rows);
  const auto ranker = evaluate::make_embedding_ranker({.name = "two-tower",
                                                       .users = embedded.users.embeddings.view(),
                                                       .items = embedded.items.embeddings.view(),
                                                       .metric = opened.bundle.model.metric,
                                                       .known = embedded.users.known,
                                                       .described = embedded.users.described,
                                                       .popularity = popularity});
  return evaluate::make_report(*ranker, judgement.task, dataset, config.evaluate,
                               static_cast<std::uint64_t>(config.train.seed), *pool);
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

#include "cli/training.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/cpu.h"
#include "base/file_lock.h"
#include "base/hash.h"
#include "cli/cold_training.h"
#include "cli/judging.h"
#include "cli/layout.h"
#include "cli/lineage.h"
#include "cli/loading.h"
#include "cli/program_version.h"
#include "cli/refit.h"
#include "data/fingerprint.h"
#include "recommend/embedding.h"
#include "text/hub_name.h"
#include "train/checkpoint.h"
#include "train/trainer.h"

namespace torii::cli {
namespace {

Json entity_json(const features::EntityPlan& plan) {
  Json columns = Json::array();
  for (const features::ColumnPlan& column : plan) {
    Json entry = Json::object();
    entry.set("column", column.column).set("kind", features::kind_name(column.kind));
    if (!column.separator.empty()) entry.set("separator", column.separator);
    columns.push(std::move(entry.set("why", column.why)));
  }
  return columns;
}

bool has_text(const features::EntityPlan& plan) {
  return std::any_of(plan.begin(), plan.end(), [](const features::ColumnPlan& column) {
    return column.kind == features::Kind::kText;
  });
}

// For --json, with the speed; what a bundle keeps is sealed_evaluation().
Json epochs_json(const std::vector<train::EpochRecord>& history) {
  Json epochs = Json::array();
  for (const train::EpochRecord& epoch : history) {
    Json entry = Json::object();
    entry.set("epoch", epoch.epoch)
        .set("loss", epoch.loss)
        .set("interactions_per_second", epoch.interactions_per_second)
        .set("seconds", epoch.seconds)
        .set("valid", metrics_json(epoch.valid));
    epochs.push(std::move(entry));
  }
  return epochs;
}

const train::EpochRecord* best_of(const train::TrainResult& result) {
  for (const train::EpochRecord& epoch : result.history) {
    if (epoch.epoch == result.best_epoch) return &epoch;
  }
  return result.history.empty() ? nullptr : &result.history.back();
}

// The kept epoch and the learning curve, without anything that another run would measure anew.
Json sealed_evaluation(const train::TrainResult& result) {
  Json evaluation = Json::object();
  const train::EpochRecord* best = best_of(result);
  if (best == nullptr) return evaluation;
  evaluation.set("epoch", best->epoch).set("loss", best->loss);
  evaluation.set("valid", metrics_json(best->valid));
  Json epochs = Json::array();
  for (const train::EpochRecord& epoch : result.history) {
    Json entry = Json::object();
    entry.set("epoch", epoch.epoch).set("loss", epoch.loss);
    epochs.push(std::move(entry.set("valid", metrics_json(epoch.valid))));
  }
  return evaluation.set("epochs", std::move(epochs));
}

std::vector<std::uint8_t> rows_of(const data::Split& split, data::Part part) {
  std::vector<std::uint8_t> rows(split.part.size(), 0);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = split.part[i] == part;
  return rows;
}

// The split of the configuration; if nobody chose it and the data is too small for it, all rows
// train.
Result<data::Split> part_rows(Config& config, const data::LoadedDataset& loaded,
                              data::SplitSpec& spec, Reporter& reporter) {
  const auto seed = static_cast<std::uint64_t>(config.train.seed);
  auto split = data::make_split(loaded.dataset, loaded.extra, spec, seed);
  if (split.ok() || config.split_given) return split;
  const std::string refused = spec.text();
  spec = {};
  TORII_TRY(data::Split all, data::make_split(loaded.dataset, loaded.extra, spec, seed));
  reporter.warn(
      fmt::format("too few rows for the split '{}', which is used unless told: all rows are "
                  "trained on, and none are left to choose the epoch or to evaluate by",
                  refused));
  config.evaluate.split = spec.text();
  return all;
}

// All that the result of a training depends on, for its checkpoints. Not the instruction set: its
// bytes differ, but what was learned is as good.
Json training_identity(const Config& config, const std::string& preset,
                       const data::Dataset& dataset, const data::Split& split,
                       const features::Spec& spec) {
  return Json::object()
      .set("torii", program_version())
      .set("preset", preset)
      .set("settings", config.settings())
      .set("data", dataset.fingerprint)
      .set("training rows", split.train_fingerprint)
      .set("columns and text model", sha256_hex(spec.to_json().dump()));
}

std::filesystem::path checkpoint_folder(const std::string& out) {
  std::string plain = out;
  while (plain.size() > 1 && plain.ends_with('/')) plain.pop_back();
  return plain + ".checkpoint";
}

Result<std::optional<train::Checkpoints>> open_checkpoints(Session& session, double interval_s,
                                                           KeepCheckpoints keep,
                                                           const std::string& out, Json identity) {
  if (keep == KeepCheckpoints::kNo) return std::optional<train::Checkpoints>();
  TORII_TRY(auto checkpoints, train::Checkpoints::open(checkpoint_folder(out), std::move(identity),
                                                       {.interval_s = interval_s,
                                                        .resume = keep == KeepCheckpoints::kResume},
                                                       session.reporter()));
  return std::optional(std::move(checkpoints));
}

// Says how to go on after Ctrl-C. A training that diverged would do so again: nothing to go on
// from.
Error ended_early(const Session& session, Error error,
                  std::optional<train::Checkpoints>& checkpoints) {
  if (!checkpoints) return error;
  if (error.code == ErrorCode::kDiverged) checkpoints->remove();
  if (error.code != ErrorCode::kCancelled) return error;
  error.message +=
      checkpoints->kept()
          ? fmt::format("; nothing is lost, go on with: {}", session.command_with("--resume"))
          : "; no checkpoint could be written: the next run starts from the beginning";
  return error;
}

// For people: the last lines of a training.
std::string summary_text(const model::Bundle& bundle, const std::string& out,
                         const train::TrainResult& result, double seconds) {
  std::string valid;
  if (const train::EpochRecord* best = best_of(result)) {
    for (const char* name : {"ndcg@10", "hit@10", "recall@10"}) {
      const auto it = best->valid.find(name);
      if (it != best->valid.end()) valid += fmt::format("  {} {:.4f}", name, it->second);
    }
  }
  return fmt::format("{}  bundle {} (epoch {} of {}{}), in {}\n", out, bundle.id.substr(0, 12),
                     result.best_epoch, result.history.size(),
                     valid.empty() ? "" : "; on valid:" + valid, duration(seconds));
}

}  // namespace

Result<void> set_seed(Config& config, std::int64_t seed) {
  if (seed < 0) return invalid("--seed: expected 0 or more, found {}", seed);
  return config.set.apply_assignment(fmt::format("train.seed={}", seed));
}

Result<Plans> plan_data(const Config& config, const data::Dataset& dataset,
                        features::InferenceRule rule) {
  Plans plans;
  TORII_TRY(plans.users, features::plan_columns(dataset.user_table, config.users, rule));
  TORII_TRY(plans.items, features::plan_columns(dataset.item_table, config.items, rule));
  return plans;
}

void note_plan(Reporter& reporter, const Plans& plans) {
  std::string yaml = features::plan_as_yaml(plans.users, plans.items);
  while (yaml.ends_with('\n')) yaml.pop_back();
  reporter.note("# How the columns are read; paste it into torii.yaml to change it.\n" + yaml);
}

Json plan_json(const Plans& plans) {
  Json object = Json::object();
  object.set("users", entity_json(plans.users)).set("items", entity_json(plans.items));
  return object;
}

bool has_text(const Plans& plans) {
  return has_text(plans.users) || has_text(plans.items);
}

Result<features::Spec> learn_spec(const data::Dataset& dataset, const Plans& plans,
                                  const features::LearnOptions& options) {
  features::Spec spec;
  TORII_TRY(spec.user, features::learn(dataset.user_table, plans.users, options));
  TORII_TRY(spec.item, features::learn(dataset.item_table, plans.items, options));
  return spec;
}

void set_text(features::Spec& spec, const text::TextVectors& texts, const Config& config) {
  spec.text_identity = texts.identity();
  spec.text_width = texts.width();
  spec.text_model = config.model.text_model;
  if (text::parse_hub_name(spec.text_model)) return;  // owner/model@commit
  std::filesystem::path model = spec.text_model;
  if (!model.has_filename()) model = model.parent_path();  // "folder/"
  spec.text_model = model.filename().string();
}

Json provenance(const Config& config, const std::string& preset, const data::Dataset& dataset,
                const data::Split* split, const std::optional<Json>& records) {
  Json object = Json::object();
  object.set("torii", program_version())
      .set("preset", preset)
      .set("seed", config.train.seed)
      .set("isa", isa_name(active_isa()))
      .set("data", dataset.fingerprint)
      .set("users", dataset.users.size())
      .set("items", dataset.items.size())
      .set("interactions", dataset.interactions.size());
  if (records) object.set("records", *records);
  if (split != nullptr) {
    if (config.refit) {
      object.set("refit_of", config.refit->of).set("refit_on", config.refit->on);
      object.set("refit_epochs", config.train.epochs);
    }
    object.set("split", config.evaluate.split)
        .set("train_rows", split->train_rows)
        .set("train_fingerprint", split->train_fingerprint);
  }
  return object;
}

Result<Trained> train_bundle(Session& session, Config& config, const std::string& preset,
                             const std::string& out, KeepCheckpoints keep) {
  TORII_TRY_VOID(check_bundle_place(out));
  TORII_TRY(const FileLock lock, FileLock::take(out));
  Stopwatch watch;
  Reporter& reporter = session.reporter();
  TORII_TRY(data::SplitSpec split_spec, data::SplitSpec::parse(config.evaluate.split));
  TORII_TRY(ThreadPool * pool, session.pool());
  TORII_TRY(data::LoadedDataset loaded, load_data(session, config, &split_spec));
  const data::Dataset& dataset = loaded.dataset;
  TORII_TRY(const auto records, records_of_data(session, config));
  if (config.refit && config.refit->on == "all") split_spec = {};  // the split's own rules are moot
  TORII_TRY(data::Split split, part_rows(config, loaded, split_spec, reporter));
  if (config.refit) split = refit_split(*config.refit, dataset, std::move(split));
  reporter.note(fmt::format("{:<14} {}: {} train, {} valid, {} test", "split", split_spec.text(),
                            grouped(split.train_rows), grouped(split.valid_rows),
                            grouped(split.test_rows)));
  hide_cold_column(config, dataset, split_spec);
  TORII_TRY(const Plans plans, plan_data(config, dataset, config.inference));
  note_plan(reporter, plans);
  warn_of_featureless(reporter, split_spec, plans);
  watch.lap("load");

  TORII_TRY(features::Spec spec, learn_from_warm(dataset, split_spec, plans, config));
  if (config.refit) warn_of_other_columns(reporter, *config.refit, spec);
  std::unique_ptr<text::TextVectors> texts;
  if (has_text(plans)) {
    TORII_TRY(texts, open_texts(session, config));
    set_text(spec, *texts, config);
  }
  TORII_TRY(auto checkpoints,
            open_checkpoints(session, config.train.checkpoint_s, keep, out,
                             training_identity(config, preset, dataset, split, spec)));
  TORII_TRY(const EncodedData encoded, encode_data(session, dataset, spec, texts.get()));
  watch.lap("encode");

  auto trained = train::train({.dataset = &dataset,
                               .split = &split,
                               .spec = &spec,
                               .users = &encoded.users,
                               .items = &encoded.items},
                              config.model, config.train, *pool, reporter,
                              checkpoints ? &*checkpoints : nullptr);
  if (!trained.ok()) return ended_early(session, std::move(trained).error(), checkpoints);
  train::TrainResult result = std::move(trained).value();
  watch.lap("train");

  Json evaluation = sealed_evaluation(result);
  const bool ids = config.model.id_embeddings;
  model::Bundle bundle = model::make_bundle(
      std::move(spec), std::move(result.model), encoded.items, ids ? dataset.users : IdIndex(),
      dataset.items, recommend::popularity_of(dataset, rows_of(split, data::Part::kTrain)), *pool);
  bundle.settings = config.settings();
  bundle.provenance = provenance(config, preset, dataset, &split, records);
  bundle.evaluation = std::move(evaluation);
  TORII_TRY_VOID(model::write_bundle(out, bundle, data::training_pairs(dataset, split)));
  if (checkpoints) checkpoints->remove();
  watch.lap("write");

  Json document = Json::object();
  document.set("bundle", out).set("id", bundle.id).set("preset", preset);
  document.set("seed", config.train.seed);
  if (config.refit) {
    document.set("refit_of", config.refit->of).set("refit_on", config.refit->on);
  }
  document.set("users", dataset.users.size()).set("items", dataset.items.size());
  document.set("interactions", dataset.interactions.size());
  document.set("split", Json::object()
                            .set("spec", split_spec.text())
                            .set("train", split.train_rows)
                            .set("valid", split.valid_rows)
                            .set("test", split.test_rows));
  document.set("plan", plan_json(plans)).set("epochs", epochs_json(result.history));
  document.set("best_epoch", result.best_epoch);
  const train::EpochRecord* best = best_of(result);
  document.set("valid",
               metrics_json(best != nullptr ? best->valid : std::map<std::string, double>{}));
  set_findings(document, dataset);
  document.set("seconds", watch.seconds());
  std::string summary = summary_text(bundle, out, result, watch.total());
  return Trained{std::move(document), std::move(summary), std::move(bundle), std::move(loaded),
                 std::move(split)};
}

}  // namespace torii::cli

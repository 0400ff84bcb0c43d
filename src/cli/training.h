#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "cli/config.h"
#include "cli/session.h"
#include "data/interactions.h"
#include "data/split.h"
#include "features/plan.h"
#include "features/spec.h"
#include "model/bundle.h"
#include "text/text_encoder.h"

namespace torii::cli {

struct Trained {
  Json document;        ///< of `train --json`
  std::string summary;  ///< the same for people
  model::Bundle bundle;
  data::LoadedDataset loaded;
  data::Split split;
};

/// load -> plan -> spec -> encode -> train -> seal: the work of `torii train`, used by the demo
/// too. Nothing that depends on the moment or the place goes into the bundle: the same seed, data
/// and threads give the same bytes. If the data is too small for a split that nobody chose, all
/// rows are trained on, with a warning, and config.evaluate.split becomes "none".
/// `checkpoints`: what is kept while it trains, in <out>.checkpoint, until the bundle is written.
/// When it is interrupted the error says how to go on.
enum class KeepCheckpoints { kNo, kYes, kResume };
[[nodiscard]] Result<Trained> train_bundle(Session& session, Config& config,
                                           const std::string& preset, const std::string& out,
                                           KeepCheckpoints checkpoints = KeepCheckpoints::kNo);

/// train.seed by the flag --seed.
[[nodiscard]] Result<void> set_seed(Config& config, std::int64_t seed);

/// Columns as they will be read, by declaration and inference.
struct Plans {
  features::EntityPlan users;
  features::EntityPlan items;
};
[[nodiscard]] Result<Plans> plan_data(const Config& config, const data::Dataset& dataset,
                                      features::InferenceRule rule);
/// Shows the plan as YAML that can be pasted into torii.yaml.
void note_plan(Reporter& reporter, const Plans& plans);
[[nodiscard]] Json plan_json(const Plans& plans);

/// Learns the specs of both sides, all but what is known of the text encoder (set_text()).
[[nodiscard]] Result<features::Spec> learn_spec(const data::Dataset& dataset, const Plans& plans,
                                                const features::LearnOptions& options);
[[nodiscard]] bool has_text(const Plans& plans);
void set_text(features::Spec& spec, const text::TextVectors& texts, const Config& config);

/// What a bundle tells of its making. records: records_of_data().
[[nodiscard]] Json provenance(const Config& config, const std::string& preset,
                              const data::Dataset& dataset, const data::Split* split,
                              const std::optional<Json>& records = {});

}  // namespace torii::cli

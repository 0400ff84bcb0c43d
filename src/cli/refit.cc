#include "cli/refit.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "model/bundle.h"

namespace torii::cli {
namespace {

void add_columns(const char* side, const features::EntitySpec& spec, std::string& text) {
  const auto add = [&](const auto& columns, const char* kind) {
    for (const auto& column : columns) {
      text += fmt::format("{}{}.{} {}", text.empty() ? "" : ", ", side, column.column, kind);
    }
  };
  add(spec.numeric, "numeric");
  add(spec.categorical, "categorical");
  add(spec.text, "text");
}

}  // namespace

Result<std::unique_ptr<Config>> refit_config(Session& session, const std::string& path,
                                             const std::string& on,
                                             const std::string& data_folder) {
  if (on != "all" && on != "train+valid") {
    return invalid("--refit-on: expected all or train+valid, found '{}'", on);
  }
  TORII_TRY(const model::Bundle bundle, model::open_bundle(path));
  const auto epochs = bundle.evaluation.int_at("epoch");
  const auto split = bundle.provenance.string_at("split");
  const auto preset = bundle.provenance.string_at("preset");
  if (!epochs || *epochs < 1 || *epochs > 1'000'000 || !split || !preset) {
    return invalid(
        "--refit={}: the bundle was not trained by torii (imported weights?): it does "
        "not tell its split and epochs",
        path);
  }
  const auto refitted_on = bundle.provenance.string_at("refit_on");
  if (*split == "none" || refitted_on == "all") {
    return invalid("--refit={}: this bundle was trained on all rows already", path);
  }
  if (refitted_on == on) {
    return invalid(
        "--refit={}: this bundle is a refit on {} already; name the one that it was "
        "made from",
        path, on);
  }
  TORII_TRY(auto config, load_config(session, {.preset = *preset,
                                               .settings = &bundle.settings,
                                               .data_folder = data_folder}));
  config->train.epochs = static_cast<int>(*epochs);
  config->evaluate.split = *split;
  config->split_given = true;
  config->refit =
      Refit{.of = bundle.id, .on = on, .preset = *preset, .columns = columns_text(bundle.spec)};
  return config;
}

data::Split refit_split(const Refit& refit, const data::Dataset& dataset, data::Split split) {
  using data::Part;
  constexpr std::array<Part, 3> kAll = {Part::kValid, Part::kTest, Part::kUnused};
  constexpr std::array<Part, 1> kValid = {Part::kValid};
  if (refit.on == "all") return data::train_on(dataset, std::move(split), kAll);
  return data::train_on(dataset, std::move(split), kValid);
}

std::string columns_text(const features::Spec& spec) {
  std::string text;
  add_columns("users", spec.user, text);
  add_columns("items", spec.item, text);
  return text;
}

void warn_of_other_columns(Reporter& reporter, const Refit& refit, const features::Spec& spec) {
  const std::string columns = columns_text(spec);
  if (columns == refit.columns) return;
  reporter.warn(fmt::format(
      "the data's columns are read otherwise than in the bundle that is refitted; there: {}; here: "
      "{}; what that bundle reached says little about this one",
      refit.columns, columns));
}

}  // namespace torii::cli

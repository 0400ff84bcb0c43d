#include "cli/importing.h"

#include <fmt/format.h>

#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/file_lock.h"
#include "base/hash.h"
#include "cli/config.h"
#include "cli/layout.h"
#include "cli/loading.h"
#include "cli/training.h"
#include "model/bundle.h"
#include "model/bundle_import.h"
#include "model/options.h"
#include "recommend/embedding.h"

namespace torii::cli {
namespace {

struct ImportFlags {
  std::vector<std::string> state_dicts;
  std::string prefix;
  std::string preset = "article";
  std::string data;
  std::string out;
};

// SHA-256 over the files, for provenance.
Result<std::string> fingerprint_of(const std::vector<std::string>& paths) {
  std::string hashes;
  for (const std::string& path : paths) {
    TORII_TRY(const MappedFile file, MappedFile::open(path));
    hashes += sha256_hex(file.bytes());
  }
  return paths.size() == 1 ? hashes : sha256_hex(hashes);
}

// The ratio of the parts as whole numbers, checked by the declaration of the option.
Result<std::array<int, 3>> ratio_of(const model::ModelOptions& options) {
  TORII_TRY(const model::TowerShape shape, model::tower_shape(options, {}, 0, 0));
  return shape.ratio;
}

Result<void> run(Session& session, const ImportFlags& flags) {
  if (flags.out.empty()) return invalid("bundle import: --out=BUNDLE is missing");
  if (flags.state_dicts.empty()) {
    return invalid("bundle import: --state-dict=FILE.safetensors is missing: the trained weights");
  }
  TORII_TRY_VOID(check_bundle_place(flags.out));
  TORII_TRY(const FileLock lock, FileLock::take(flags.out));
  Stopwatch watch;
  TORII_TRY(const auto config,
            load_config(session, {.preset = flags.preset, .data_folder = flags.data}));
  if (config->model.metric != metric_name(model::StateDictOptions().metric)) {
    return invalid(
        "bundle import: the reference's weights were trained for Euclidean distance; set "
        "model.metric: euclidean (found {})",
        config->model.metric);
  }
  TORII_TRY(const std::string fingerprint, fingerprint_of(flags.state_dicts));
  TORII_TRY(const data::LoadedDataset loaded, load_data(session, *config));
  const data::Dataset& dataset = loaded.dataset;
  TORII_TRY(const Plans plans, plan_data(*config, dataset, config->inference));
  note_plan(session.reporter(), plans);
  TORII_TRY(features::Spec spec, learn_spec(dataset, plans, config->learn));
  std::unique_ptr<text::TextVectors> texts;
  if (has_text(plans)) {
    TORII_TRY(texts, open_texts(session, *config));
    set_text(spec, *texts, *config);
  }
  model::StateDictOptions options;
  options.files.assign(flags.state_dicts.begin(), flags.state_dicts.end());
  if (session.given("--prefix")) options.prefix = flags.prefix;
  TORII_TRY(options.ratio, ratio_of(config->model));
  TORII_TRY(model::TwoTower towers, model::import_state_dict(spec, options));
  TORII_TRY(const features::EncodedTable items,
            features::encode(dataset.item_table, spec.item, spec.text_identity, texts.get(),
                             session.reporter()));
  TORII_TRY(ThreadPool * pool, session.pool());
  model::Bundle bundle =
      model::make_bundle(std::move(spec), std::move(towers), items, {}, dataset.items,
                         recommend::popularity_of(dataset), *pool);
  bundle.settings = config->settings();
  bundle.provenance = provenance(*config, flags.preset, dataset, nullptr);
  bundle.provenance.set("imported", fingerprint);
  bundle.evaluation = Json::object();
  TORII_TRY_VOID(model::write_bundle(flags.out, bundle));
  session.print(fmt::format("{}  bundle {} of imported weights, {} items, in {}\n", flags.out,
                            bundle.id.substr(0, 12), grouped(dataset.items.size()),
                            duration(watch.total())));
  Json document = Json::object();
  document.set("bundle", flags.out)
      .set("id", bundle.id)
      .set("metric", metric_name(bundle.model.metric))
      .set("users", dataset.users.size())
      .set("items", dataset.items.size())
      .set("plan", plan_json(plans));
  set_findings(document, dataset);
  session.answer(document);
  return {};
}

}  // namespace

void add_import(Verb& parent, CommonFlags& common) {
  Verb& verb = parent.child("import", "Makes a bundle of trained weights, as of the reference.");
  auto flags = std::make_shared<ImportFlags>();
  verb.usage(
      "torii bundle import --state-dict=FILE --data=DIR | --config=FILE --out=BUNDLE [flags]");
  verb.texts("--state-dict", "FILE", &flags->state_dicts,
             "Safetensors file with 'user_tower.*' and 'item_tower.*', named as in the reference; "
             "or given twice, one file for each tower.");
  verb.text("--prefix", "TEXT", &flags->prefix,
            "What stands before those names in the file, for example 'module.'; found out unless "
            "told.");
  verb.text("--preset", "NAME", &flags->preset,
            "The network that the weights belong to; article unless told.");
  verb.text("--data", "DIR", &flags->data,
            "The tables that the weights were trained on: columns, categories and items come from "
            "them.");
  verb.text("--out", "BUNDLE", &flags->out, "Folder to write.");
  declare_common(verb, common);
  verb.action([flags](Session& session) { return run(session, *flags); });
}

}  // namespace torii::cli

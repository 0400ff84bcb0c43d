#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <utility>

#include "base/file.h"
#include "base/yaml.h"
#include "cli/init_yaml.h"
#include "cli/layout.h"
#include "cli/loading.h"
#include "cli/verbs.h"

namespace torii::cli {
namespace {

namespace fs = std::filesystem;

struct InitFlags {
  std::vector<std::string> data;
  std::string out = "torii.yaml";
  bool force = false;
};

Result<void> check_place(const InitFlags& flags) {
  TORII_TRY_VOID(check_file_place(flags.out));
  std::error_code ignored;
  if (flags.force || !fs::exists(fs::symlink_status(flags.out, ignored))) return {};
  return invalid(
      "init: {} is there already; give another name by --out=FILE, or --force to "
      "replace it",
      flags.out);
}

// The commands that come next, with the places of this call.
std::string next_steps(const std::string& out, bool judged) {
  const std::string config = fmt::format("--config={}", out);
  std::string text = "Next:\n";
  text += fmt::format("  torii doctor   {}                       # is the data fit to train on?\n",
                      config);
  text += fmt::format("  torii train    {} --out=my.bundle\n", config);
  if (judged) {
    text += fmt::format("  torii evaluate {} --bundle=my.bundle --report=report.html\n", config);
  }
  text += fmt::format("  torii candidates {} --bundle=my.bundle --k=64 --out=candidates.parquet\n",
                      config);
  return text;
}

// The written text must be a configuration; anything else is a fault of ours.
Result<void> check_text(const std::string& text, const std::string& out) {
  TORII_TRY(const Json tree, parse_yaml(text, out));
  Config config;
  std::vector<Error> faults = apply_config_tree(config, tree, out);
  if (faults.empty()) return {};
  return make_error(ErrorCode::kInternal, "init: the settings it wrote are wrong: {}",
                    faults.front().message);
}

Result<void> run(Session& session, const InitFlags& flags) {
  if (flags.data.empty()) {
    return invalid("init: --data=DIR or --data=FILE is missing: where your tables are");
  }
  TORII_TRY_VOID(check_place(flags));
  FirstConfig first;
  TORII_TRY(first.tables, doctor::find_tables(flags.data));
  Config config;
  config.data = first.tables.options;
  TORII_TRY(const data::LoadedDataset loaded, load_data(session, config));
  const data::Dataset& dataset = loaded.dataset;
  TORII_TRY(first.plans.users, doctor::suggest_plan(dataset.user_table));
  TORII_TRY(first.plans.items, doctor::suggest_plan(dataset.item_table));
  first.suggestions = doctor::suggest_settings(first.tables.options, dataset, first.tables.columns);
  const std::string text = first_config_text(first, fs::path(flags.out).parent_path());
  TORII_TRY_VOID(check_text(text, flags.out));
  TORII_TRY_VOID(write_file_durably(flags.out, std::string_view(text)));

  bool judged = true;
  Json settings = Json::object();
  std::string told;
  for (const std::string& line : first.tables.why) told += "  " + wrap(line, 4) + "\n";
  for (const doctor::Suggestion& suggestion : first.suggestions) {
    if (!suggestion.active) continue;
    if (suggestion.key == "evaluate.split") judged = suggestion.yaml != "none";
    settings.set(suggestion.key, suggestion.yaml);
    told += "  " +
            wrap(fmt::format("{}: {} ({})", suggestion.key, suggestion.yaml, suggestion.why), 4) +
            "\n";
  }
  session.print(fmt::format("{} written\n{}{}", session.strong(flags.out), told,
                            next_steps(flags.out, judged)));
  Json document = Json::object();
  Json why = Json::array();
  for (const std::string& line : first.tables.why) why.push(line);
  document.set("out", flags.out).set("tables", std::move(why));
  document.set("settings", std::move(settings)).set("plan", plan_json(first.plans));
  document.set("users", dataset.users.size()).set("items", dataset.items.size());
  document.set("interactions", dataset.interactions.size());
  set_findings(document, dataset);
  session.answer(document);
  return {};
}

}  // namespace

void add_init(Verb& root, CommonFlags& common) {
  Verb& verb = root.child("init", "Looks at your tables and writes a commented torii.yaml.");
  auto flags = std::make_shared<InitFlags>();
  verb.usage("torii init --data=DIR|FILE... [--out=torii.yaml] [--force]");
  verb.texts(
      "--data", "DIR|FILE", &flags->data,
      "Folder with your tables, or the tables one by one (repeatable). They may be called as "
      "they are: users, items and interactions are known by their columns.");
  verb.text("--out", "FILE", &flags->out,
            "What to write; torii.yaml unless told. Paths in it are meant from its folder.");
  verb.flag("--force", &flags->force, "Replaces a file that is there already.");
  verb.flag("--json", &common.json, "One JSON document on stdout; everything else goes to stderr.");
  verb.flag("--quiet", &common.quiet, "No progress, only warnings and the result.");
  verb.example("torii init --data=shop");
  verb.example("torii init --data=orders.csv --data=catalogue.csv --out=shop.yaml");
  verb.action([flags](Session& session) { return run(session, *flags); });
}

}  // namespace torii::cli

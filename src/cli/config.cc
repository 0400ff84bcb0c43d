#include "cli/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/file.h"
#include "base/yaml.h"
#include "text/hub_name.h"
#include "train/preset.h"

namespace torii::cli {
namespace {

constexpr std::size_t kConfigBytesMax = std::size_t{1} << 20;
constexpr int kMax = 10000;

// `tree` without the members that are this machine's affair: where its files lie, how often a
// training is kept.
void drop_local(Json& tree) {
  if (!tree.is_object()) return;
  std::erase_if(tree.as_object(), [](const Json::Member& member) {
    const std::string& key = member.first;
    return key == "path" || key == "table" || key == "query" || key == "checkpoint_s";
  });
  for (auto& [name, value] : tree.as_object()) drop_local(value);
}

Result<void> apply_file(Config& config, const std::filesystem::path& path) {
  TORII_TRY(const Json tree, read_config_tree(path));
  std::vector<Error> faults = apply_config_tree(config, tree, path);
  if (!faults.empty()) return std::move(faults.front());
  return {};
}

Result<void> apply_assignments(Config& config, const std::vector<std::string>& assignments) {
  for (const std::string& assignment : assignments) {
    TORII_TRY_VOID(config.set.apply_assignment(assignment));
  }
  return {};
}

// A place that the command line gives for a table stands for all that a file says of where its rows
// come from, so that the tables of `torii load` take the place of databases and repositories.
void forget_sources(data::DataOptions& data, const std::string& data_folder,
                    const std::vector<std::string>& assignments) {
  const auto is_given = [&](std::string_view table) {
    const std::string place = fmt::format("data.{}.path=", table);
    return !data_folder.empty() ||
           std::ranges::any_of(assignments, [&](std::string_view assignment) {
             return assignment.starts_with(place) && assignment.size() > place.size();
           });
  };
  if (is_given("users")) {
    data.users.table.clear();
    data.users.query.clear();
    data.new_users = {};
  }
  if (is_given("items")) {
    data.items.table.clear();
    data.items.query.clear();
  }
  if (is_given("interactions")) {
    data.interactions.table.clear();
    data.interactions.query.clear();
    data.stream = {};
    data.feast = {};
  }
}

// The keys that the bundle of `layers` fixes, with their values.
std::vector<std::pair<std::string, Json>> sealed_values(const Config& config,
                                                        const ConfigLayers& layers) {
  std::vector<std::pair<std::string, Json>> values;
  if (layers.settings == nullptr) return values;
  for (const Option& option : config.set.options()) {
    if (!is_sealed(option.key) || option.key == layers.not_sealed) continue;
    values.emplace_back(option.key, option.current());
  }
  return values;
}

// Takes back what a file said about sealed keys, and warns of it.
Result<void> restore(Config& config, const std::vector<std::pair<std::string, Json>>& sealed,
                     const Session& session) {
  std::vector<std::string> others;
  for (const auto& [key, value] : sealed) {
    const Option& option = *config.set.find(key);
    if (option.current().dump() == value.dump()) continue;
    TORII_TRY_VOID(option.assign(value));
    others.push_back(key);
  }
  if (!others.empty()) {
    session.reporter().warn(
        fmt::format("{}: the bundle was trained with other values of {}; those of the bundle count",
                    session.common().config, fmt::join(others, ", ")));
  }
  return {};
}

// A row of the table in docs/configuration.md.
std::string option_row(const Option& option) {
  const auto cell = [](std::string text) {
    for (std::size_t at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2)) {
      text.insert(at, "\\");
    }
    return text;
  };
  const bool has_default = !option.default_text.empty() && option.default_text != "\"\"";
  return fmt::format("| `{}` | {} | {} | {} | {} |\n", option.key, option.type,
                     has_default ? "`" + cell(option.default_text) + "`" : "",
                     cell(option.range_text), cell(option.help));
}

}  // namespace

Config::Config() {
  data::declare(data, set);
  features::declare(users, "data.users", set);
  features::declare(items, "data.items", set);
  model::declare(model, set);
  train::declare(train, set);
  evaluate::declare(evaluate, set);
  publish::declare(publish, set);
  server::declare(serve, set);
}

Result<Json> read_config_tree(const std::filesystem::path& path) {
  TORII_TRY(const std::string text, read_file(path, kConfigBytesMax));
  TORII_TRY(Json tree, parse_yaml(text, path.string()));
  if (tree.is_object()) {  // the section of `torii pipeline`, which reads it itself
    std::erase_if(tree.as_object(),
                  [](const Json::Member& member) { return member.first == "pipeline"; });
  }
  if (tree.is_null() || tree.is_object()) return tree;
  return invalid("{}: found {}, expected sections such as 'data:'", path.string(),
                 tree.type_name());
}

std::vector<Error> apply_config_tree(Config& config, const Json& tree,
                                     const std::filesystem::path& path) {
  const std::string text_model = config.model.text_model;
  std::vector<Error> faults = config.set.apply_all(tree, path.string());
  // Paths in a file are meant from where the file is.
  const std::filesystem::path folder = path.parent_path();
  data::resolve_paths(config.data, folder);
  std::string& model = config.model.text_model;
  if (model != text_model && model.find('/') != std::string::npos) {
    const std::filesystem::path beside = (folder / model).lexically_normal();
    std::error_code ignored;
    const bool is_hub = text::parse_hub_name(model).has_value();
    if (!is_hub || std::filesystem::is_directory(beside, ignored)) {
      model = beside.string();
      if (model.find('/') == std::string::npos) model.insert(0, "./");  // a path, not a name
    }
  }
  return faults;
}

bool is_sealed(std::string_view key) {
  if (key == "model.text_model" || key == "train.checkpoint_s") return false;
  if (key.starts_with("model.") || key.starts_with("train.")) return true;
  if (!key.starts_with("data.users.") && !key.starts_with("data.items.")) return false;
  const std::string_view word = key.substr(key.rfind('.') + 1);
  return word == "numeric" || word == "categorical" || word == "text" || word == "skip";
}

Json Config::settings() const {
  Json tree = set.current();
  std::erase_if(tree.as_object(), [](const Json::Member& member) {
    return member.first == "publish" || member.first == "serve";
  });
  drop_local(tree);
  return tree;
}

Result<std::unique_ptr<Config>> load_config(const Session& session, const ConfigLayers& layers) {
  auto config = std::make_unique<Config>();
  if (!layers.preset.empty()) {
    TORII_TRY_VOID(train::apply_preset(layers.preset, config->model, config->train,
                                       config->inference, config->learn));
    // The article trains on every row and its last epoch counts.
    if (layers.preset == "article") config->evaluate.split = "none";
  }
  const std::string split = std::exchange(config->evaluate.split, "");  // to see who sets it
  if (layers.settings != nullptr && layers.settings->is_object()) {
    TORII_TRY_VOID(config->set.apply(*layers.settings, "settings of the bundle"));
  }
  const auto sealed = sealed_values(*config, layers);
  if (!session.common().config.empty()) {
    TORII_TRY_VOID(apply_file(*config, session.common().config));
    TORII_TRY_VOID(restore(*config, sealed, session));
  }
  for (const auto& [key, value] : sealed) {
    config->set.refuse(key, fmt::format("the bundle fixes it ({}); leave it out, or train a bundle "
                                        "with another value",
                                        value.dump()));
  }
  // Before the data folder is looked at, so that a wrong key is named first; after it, to win.
  TORII_TRY_VOID(apply_assignments(*config, session.common().sets));
  if (!layers.preset.empty()) {  // a model will be made
    TORII_TRY_VOID(train::check_metric(config->train, config->model.metric));
  }
  forget_sources(config->data, layers.data_folder, session.common().sets);
  if (!layers.data_folder.empty()) {
    TORII_TRY(config->data,
              data::options_for_folder(layers.data_folder, config->data, session.environment()));
  }
  TORII_TRY_VOID(apply_assignments(*config, session.common().sets));
  config->split_given = !config->evaluate.split.empty();
  if (!config->split_given) config->evaluate.split = split;
  if (layers.needs_data && !data::names_data(config->data)) {
    return invalid(
        "no data: name a folder with interactions.parquet by --data=DIR, or the files "
        "(data.interactions.path) or a Feast repository (data.feast.repo) in a torii.yaml by "
        "--config=FILE");
  }
  return config;
}

Result<void> check_config(const Session& session) {
  TORII_TRY([[maybe_unused]] const auto config, load_config(session, {.needs_data = false}));
  return {};
}

std::string configuration_page() {
  Config config;
  std::string out =
      "# Configuration\n\n"
      "Every key of `torii.yaml`, written from the declarations in the code "
      "(`torii docs configuration`). A key that is not here is an error that names the nearest "
      "one. `--set section.key=value` overrides a key for one call. Paths in the file are meant "
      "from the folder of the file.\n";
  const auto section_of = [](const Option& option) {
    return option.key.substr(0, option.key.rfind('.'));
  };
  std::vector<std::string> sections;
  for (const Option& option : config.set.options()) {
    const std::string section = section_of(option);
    if (std::find(sections.begin(), sections.end(), section) == sections.end()) {
      sections.push_back(section);
    }
  }
  for (const std::string& section : sections) {
    out += fmt::format(
        "\n## {}\n\n| key | type | default | range | meaning |\n|---|---|---|---|---|\n", section);
    for (const Option& option : config.set.options()) {
      if (section_of(option) == section) out += option_row(option);
    }
  }
  return out;
}

Result<std::vector<int>> parse_ks(std::string_view text) {
  std::vector<int> ks;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string_view word = text.substr(at, end - at);
    int k = 0;
    const auto [stop, failure] = std::from_chars(word.data(), word.data() + word.size(), k);
    if (failure != std::errc{} || stop != word.data() + word.size() || k < 1 || k > kMax) {
      return invalid("k: expected whole numbers from 1 to {} such as 5,10,20, found '{}'", kMax,
                     text);
    }
    ks.push_back(k);
    at = end + 1;
  }
  std::sort(ks.begin(), ks.end());
  ks.erase(std::unique(ks.begin(), ks.end()), ks.end());
  return ks;
}

Result<std::size_t> check_k(std::int64_t k) {
  if (k < 1 || k > kMax) return invalid("--k: expected 1 to {}, found {}", kMax, k);
  return static_cast<std::size_t>(k);
}

}  // namespace torii::cli

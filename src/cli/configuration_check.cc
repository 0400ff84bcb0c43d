#include "cli/configuration_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/yaml.h"
#include "cli/judging.h"
#include "cli/loading.h"
#include "data/split.h"
#include "data/table.h"
#include "text/hub_name.h"
#include "text/model_source.h"
#include "train/selection.h"

namespace torii::cli {
namespace {

void collect_keys(const OptionSet& set, const Json& tree, const std::string& prefix,
                  const std::string& source, std::vector<SetKey>& keys) {
  if (!tree.is_object()) return;
  for (const auto& [name, value] : tree.as_object()) {
    const std::string key = prefix.empty() ? name : prefix + "." + name;
    if (set.find(key) != nullptr) {
      keys.push_back({key, fmt::format("{}:{}", source, value.line)});
    } else {
      collect_keys(set, value, key, source, keys);
    }
  }
}

class CrossCheck {
 public:
  CrossCheck(const Session& session, const Config& config) : session_(session), config_(config) {}

  std::vector<Error> run() {
    note(train::check_metric(config_.train, config_.model.metric));
    keep(data::SplitSpec::parse(config_.evaluate.split), "evaluate.split");
    keep(parse_ks(fmt::format("{}", fmt::join(config_.evaluate.k, ","))), "evaluate.k");
    for (const std::string& name : config_.evaluate.baselines) {
      keep(check_baseline(name), "evaluate.baselines");
    }
    note(train::check_select_by(config_.train.select_by));
    check_text_model();
    check_tables();
    return std::move(faults_);
  }

 private:
  void note(Result<void> result) {
    if (!result.ok()) faults_.push_back(std::move(result).error());
  }
  template <class T>
  void keep(Result<T> result, const std::string& key) {
    if (result.ok()) return;
    Error error = std::move(result).error();
    faults_.push_back(key.empty() ? std::move(error) : with_context(std::move(error), key));
  }

  // A model of the hub is looked for when it is needed; a folder or a shipped one must be there.
  void check_text_model() {
    const std::string& name = config_.model.text_model;
    if (text::parse_hub_name(name).has_value()) return;
    Environment offline = session_.environment();
    offline["HF_HUB_OFFLINE"] = "1";
    keep(text::resolve_model(name, {.shipped = session_.shared("models"), .environment = offline},
                             session_.reporter()),
         "model.text_model");
  }

  // Columns of a file, or nothing if it is not named or cannot be read (which is a fault).
  std::vector<std::string> columns(const std::string& key, const std::string& path) {
    if (path.empty()) return {};
    data::ReadOptions read;
    const std::string& delimiter = config_.data.delimiter;
    if (delimiter == "\\t") {
      read.delimiter = '\t';
    } else if (delimiter.size() == 1) {
      read.delimiter = delimiter.front();
    }
    auto names = data::column_names(path, read);
    if (names.ok()) return std::move(names).value();
    faults_.push_back(with_context(std::move(names).error(), key));
    return {};
  }

  void need(const std::vector<std::string>& columns, const std::string& key,
            const std::string& path, const std::string& name) {
    if (columns.empty() || std::ranges::find(columns, name) != columns.end()) return;
    const auto near = nearest(name, columns);
    faults_.push_back(invalid("{}: {} has no column '{}'{}; columns there are: {}", key, path, name,
                              near ? fmt::format(" (did you mean '{}'?)", *near) : "",
                              fmt::join(columns, ", ")));
  }

  void check_tables() {
    const data::InteractionOptions& rows = config_.data.interactions;
    if (config_.data.delimiter.size() > 1 && config_.data.delimiter != "\\t") {
      faults_.push_back(
          invalid("data.delimiter: expected one character, found \"{}\"", config_.data.delimiter));
    }
    const auto there = columns("data.interactions.path", rows.path);
    const data::InteractionOptions defaults;
    need(there, "data.interactions.user_id", rows.path, rows.user_id);
    need(there, "data.interactions.item_id", rows.path, rows.item_id);
    const auto optional = [&](const char* key, const std::string& name, const std::string& common) {
      if (!name.empty() && name != common) {
        need(there, fmt::format("data.interactions.{}", key), rows.path, name);
      }
    };
    optional("timestamp", rows.timestamp, defaults.timestamp);
    optional("position", rows.position, defaults.position);
    optional("type", rows.type, defaults.type);
    optional("rating", rows.rating, defaults.rating);
    optional("quantity", rows.quantity, defaults.quantity);
    const auto spec = data::SplitSpec::parse(config_.evaluate.split);
    if (spec.ok() && spec->kind == data::SplitSpec::Kind::kColumn) {
      need(there, "evaluate.split", rows.path, spec->column);
    }
    check_entities("data.users", config_.data.users, config_.users);
    check_entities("data.items", config_.data.items, config_.items);
  }

  void check_entities(const std::string& key, const data::EntityOptions& entity,
                      const features::DeclaredKinds& kinds) {
    const auto there = columns(key + ".path", entity.path);
    need(there, key + ".id", entity.path, entity.id);
    std::vector<std::string> seen;
    const auto declared = [&](const char* kind, const std::vector<std::string>& names) {
      for (const std::string& name : names) {
        const std::string where = fmt::format("{}.{}", key, kind);
        // "column:separator", unless the column itself has a colon in its name.
        std::string column = name;
        if (std::ranges::find(there, column) == there.end() && name.size() > 2) {
          column = name.substr(0, name.rfind(':', name.size() - 2));
        }
        need(there, where, entity.path, column);
        if (std::ranges::find(seen, column) != seen.end()) {
          faults_.push_back(invalid("{}: column '{}' is declared twice; keep one", where, column));
        }
        seen.push_back(column);
      }
    };
    declared("numeric", kinds.numeric);
    declared("categorical", kinds.categorical);
    declared("text", kinds.text);
    declared("skip", kinds.skip);
  }

  const Session& session_;
  const Config& config_;
  std::vector<Error> faults_;
};

}  // namespace

CheckedConfig read_whole_config(const Session& session) {
  CheckedConfig checked{std::make_unique<Config>(), {}, {}};
  OptionSet& set = checked.config->set;
  if (const std::string& path = session.common().config; !path.empty()) {
    auto tree = read_config_tree(path);
    if (tree.ok()) {
      checked.faults = apply_config_tree(*checked.config, *tree, path);
      collect_keys(set, *tree, "", path, checked.set_keys);
    } else {
      checked.faults.push_back(std::move(tree).error());
    }
  }
  for (const std::string& assignment : session.common().sets) {
    if (auto assigned = set.apply_assignment(assignment); !assigned.ok()) {
      checked.faults.push_back(std::move(assigned).error());
    } else {
      checked.set_keys.push_back({assignment.substr(0, assignment.find('=')), "--set"});
    }
  }
  return checked;
}

std::vector<Error> cross_check(const Session& session, const Config& config) {
  return CrossCheck(session, config).run();
}

}  // namespace torii::cli

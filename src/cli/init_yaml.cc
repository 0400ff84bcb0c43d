#include "cli/init_yaml.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "base/yaml.h"
#include "cli/layout.h"

namespace torii::cli {
namespace {

namespace fs = std::filesystem;

// As one would write it: quoted only where it would be read as something else.
std::string yaml_text(const std::string& text) {
  const auto read = parse_yaml(text, "");
  const bool same = read.ok() && read->is_string() && read->as_string() == text;
  const bool plain = same && text.find_first_of("#:{}[],&*!|>'\"%@`") == std::string::npos;
  return plain ? text : Json(text).dump();
}

// From the folder of torii.yaml if the file lies below it, else from the root.
std::string path_from(const std::string& path, const fs::path& folder) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error).lexically_normal();
  const fs::path base =
      fs::absolute(folder.empty() ? fs::path(".") : folder, error).lexically_normal();
  const fs::path relative = absolute.lexically_relative(base);
  const bool below = !relative.empty() && *relative.begin() != "..";
  return yaml_text((below ? relative : absolute).string());
}

// Comment lines of at most 100 columns.
std::string comment(const std::string& text, std::size_t indent) {
  std::string out;
  std::string rest = wrap(visible(text), 0);
  for (std::size_t at = 0; at < rest.size();) {
    const std::size_t end = std::min(rest.find('\n', at), rest.size());
    out += fmt::format("{:{}}# {}\n", "", indent, rest.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

struct Value {
  std::string yaml;
  std::string why;
};

class Writer {
 public:
  Writer(const FirstConfig& first, const fs::path& folder) : first_(first) {
    const data::DataOptions& data = first.tables.options;
    const data::InteractionOptions& rows = data.interactions;
    const auto path = [&](const char* key, const std::string& value) {
      if (!value.empty()) set(key, path_from(value, folder));
    };
    path("data.users.path", data.users.path);
    path("data.items.path", data.items.path);
    path("data.interactions.path", rows.path);
    if (!data.users.path.empty()) set("data.users.id", yaml_text(data.users.id));
    if (!data.items.path.empty()) set("data.items.id", yaml_text(data.items.id));
    set("data.interactions.user_id", yaml_text(rows.user_id));
    set("data.interactions.item_id", yaml_text(rows.item_id));
    const auto& columns = first.tables.columns;
    const auto column = [&](const char* key, const std::string& name) {
      if (std::ranges::find(columns, name) != columns.end()) set(key, yaml_text(name));
    };
    column("data.interactions.timestamp", rows.timestamp);
    column("data.interactions.position", rows.position);
    column("data.interactions.type", rows.type);
    column("data.interactions.rating", rows.rating);
    column("data.interactions.quantity", rows.quantity);
    if (!data.delimiter.empty()) set("data.delimiter", Json(data.delimiter).dump());
    for (const doctor::Suggestion& suggestion : first.suggestions) {
      if (suggestion.active) {
        values_[suggestion.key] = {suggestion.yaml, suggestion.why};
      } else {
        offers_[suggestion.key] += fmt::format("{}: {}\n", suggestion.yaml, suggestion.why);
      }
    }
  }

  std::string text() {
    out_ =
        "# Settings of torii, written by `torii init`. What stands without # in front was found in "
        "your\n# data; every other key is shown with its default. `torii config --explain` tells "
        "the same.\n#\n";
    for (const std::string& line : first_.tables.why) out_ += comment(line, 0);
    for (const std::string& line : first_.tables.others) out_ += comment("not used: " + line, 0);
    // Keys of one section stand together, sections in the order of their first key.
    const auto section_of = [](const Option& option) {
      return option.key.substr(0, option.key.rfind('.'));
    };
    std::vector<std::string> sections;
    for (const Option& option : config_.set.options()) {
      const std::string section = section_of(option);
      if (std::ranges::find(sections, section) == sections.end()) sections.push_back(section);
    }
    for (const std::string& section : sections) {
      for (const Option& option : config_.set.options()) {
        if (section_of(option) == section) append(option);
      }
    }
    return std::move(out_);
  }

 private:
  void set(const char* key, std::string yaml) { values_[key] = {std::move(yaml), ""}; }

  // Heads of the sections down to that of `key`; returns the indent of the key.
  std::size_t open_sections(const std::string& key) {
    std::vector<std::string> parts;
    for (std::size_t at = 0;;) {
      const std::size_t dot = key.find('.', at);
      if (dot == std::string::npos) break;
      parts.push_back(key.substr(at, dot - at));
      at = dot + 1;
    }
    std::size_t same = 0;
    while (same < parts.size() && same < open_.size() && parts[same] == open_[same]) ++same;
    for (std::size_t i = same; i < parts.size(); ++i) {
      out_ += fmt::format("{}{:{}}{}:\n", i == 0 ? "\n" : "", "", 2 * i, parts[i]);
    }
    open_ = std::move(parts);
    return 2 * open_.size();
  }

  void append(const Option& option) {
    const std::size_t indent = open_sections(option.key);
    const std::string name = option.key.substr(option.key.rfind('.') + 1);
    if (append_columns(option.key, name, indent)) return;
    const auto value = values_.find(option.key);
    std::string help = option.help;
    if (!option.range_text.empty() && option.type != "yes/no") {
      help += fmt::format(" ({})", option.range_text);
    }
    out_ += comment(help, indent);
    if (const auto offer = offers_.find(option.key); offer != offers_.end()) {
      std::string offers = offer->second;
      for (std::size_t at = 0; at < offers.size();) {
        const std::size_t end = offers.find('\n', at);
        out_ += comment("or " + name + ": " + offers.substr(at, end - at), indent);
        at = end + 1;
      }
    }
    if (value == values_.end()) {
      out_ += fmt::format("{:{}}# {}: {}\n", "", indent, name, option.default_text);
      return;
    }
    if (!value->second.why.empty()) out_ += comment(value->second.why, indent);
    out_ += fmt::format("{:{}}{}: {}\n", "", indent, name, value->second.yaml);
  }

  // The lists of columns of users and items, from the plan. False: no such key.
  bool append_columns(const std::string& key, const std::string& name, std::size_t indent) {
    const bool users = key.starts_with("data.users.");
    if (!users && !key.starts_with("data.items.")) return false;
    using features::Kind;
    for (const Kind kind : {Kind::kNumeric, Kind::kCategorical, Kind::kText, Kind::kSkip}) {
      if (name != features::kind_name(kind)) continue;
      bool first = true;
      for (const features::ColumnPlan& column : users ? first_.plans.users : first_.plans.items) {
        if (column.kind != kind) continue;
        if (std::exchange(first, false)) out_ += fmt::format("{:{}}{}:\n", "", indent, name);
        const std::string declared =
            column.separator.empty() ? column.column : column.column + ":" + column.separator;
        out_ += fmt::format("{:{}}- {}  # {}\n", "", indent + 2, yaml_text(declared),
                            visible(column.why));
      }
      if (first) out_ += fmt::format("{:{}}# {}: []\n", "", indent, name);
      return true;
    }
    return false;
  }

  const FirstConfig& first_;
  const Config config_;
  std::map<std::string, Value> values_;
  std::map<std::string, std::string> offers_;
  std::vector<std::string> open_;
  std::string out_;
};

}  // namespace

std::string first_config_text(const FirstConfig& first, const fs::path& folder) {
  return Writer(first, folder).text();
}

}  // namespace torii::cli

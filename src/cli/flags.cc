#include "cli/flags.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <utility>

#include "base/check.h"
#include "base/options.h"
#include "cli/layout.h"

namespace torii::cli {

Verb::Verb(std::string name, std::string summary)
    : name_(std::move(name)), summary_(std::move(summary)) {}

void Verb::add(Flag flag, Binding binding) {
  flags_.push_back(std::move(flag));
  bindings_.push_back(binding);
}

void Verb::text(std::string name, std::string value, std::string* field, std::string help) {
  add({std::move(name), std::move(value), std::move(help), false}, {.text = field});
}

void Verb::texts(std::string name, std::string value, std::vector<std::string>* field,
                 std::string help) {
  add({std::move(name), std::move(value), std::move(help), false}, {.texts = field});
}

void Verb::integer(std::string name, std::string value, std::int64_t* field, std::string help) {
  add({std::move(name), std::move(value), std::move(help), false}, {.integer = field});
}

void Verb::flag(std::string name, bool* field, std::string help) {
  add({std::move(name), "", std::move(help), false}, {.flag = field});
}

void Verb::positional(std::string name, std::string* field, std::string help) {
  add({std::move(name), "", std::move(help), true}, {.text = field});
}

Verb& Verb::child(std::string name, std::string summary) {
  children_.push_back(std::make_unique<Verb>(std::move(name), std::move(summary)));
  return *children_.back();
}

std::string Verb::help(std::string_view prefix) const {
  const std::string full = prefix.empty() ? name_ : fmt::format("{} {}", prefix, name_);
  std::string out = wrap(summary_, 0) + "\n";
  if (!usage_.empty()) {
    out += "\nUsage:\n";
    for (const std::string& line : usage_) out += "  " + line + "\n";
  }
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& verb : children_) {
    if (!verb->hidden()) rows.emplace_back(verb->name(), verb->summary());
  }
  if (!rows.empty()) out += "\nVerbs:\n" + two_columns(rows);
  rows.clear();
  for (const Flag& flag : flags_) {
    rows.emplace_back(flag.value.empty() ? flag.name : flag.name + "=" + flag.value, flag.help);
  }
  if (!rows.empty()) out += "\nFlags:\n" + two_columns(rows);
  if (!examples_.empty()) {
    out += "\nExamples:\n";
    for (const std::string& line : examples_) out += "  " + line + "\n";
  }
  if (!children_.empty()) out += fmt::format("\n`{} VERB --help` tells more about one.\n", full);
  return out;
}

bool Parsed::given(std::string_view flag) const {
  return std::find(set.begin(), set.end(), flag) != set.end();
}

namespace {

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

}  // namespace

// Runs CLI11 over the declarations and turns its findings into ours. Everything is read as text, so
// that messages are our own.
class Parser {
 public:
  explicit Parser(const Verb& root) : app_("", root.name()) { declare(root, app_); }

  Result<Parsed> run(std::vector<std::string> words) {
    TORII_TRY_VOID(check_values(words));
    std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
    bool help = false;
    try {
      app_.parse(std::move(words));
    } catch (const CLI::CallForHelp&) {
      help = true;
    } catch (const CLI::ArgumentMismatch& error) {
      const std::string what = error.what();  // "--data: 1 required TEXT missing"
      return missing_value(*reached(), what.substr(0, what.find(':')));
    } catch (const CLI::ParseError& error) {
      return invalid("{}: {}", path_of(reached()), error.what());
    }
    const Node& node = *reached();
    Parsed parsed{.help = {}, .verb = node.verb, .path = path_of(&node), .set = {}};
    if (help) {
      parsed.help = node.verb->help(parent_path(node));
      return parsed;
    }
    for (const Node* at = &node; at != nullptr; at = at->parent) {
      const std::vector<std::string> extra = at->app->remaining(false);
      if (!extra.empty()) return unexpected(*at, extra.front());
    }
    if (!node.verb->children().empty()) {
      return invalid("{}: a verb is missing; there are: {}", parsed.path,
                     joined(verbs_of(*node.verb)));
    }
    TORII_TRY_VOID(store(node, parsed));
    return parsed;
  }

 private:
  struct Node {
    const Verb* verb = nullptr;
    CLI::App* app = nullptr;
    const Node* parent = nullptr;
    std::vector<std::vector<std::string>> values;  // beside verb->flags()
    std::vector<CLI::Option*> options;
  };

  void declare(const Verb& verb, CLI::App& app, const Node* parent = nullptr) {
    nodes_.push_back(std::make_unique<Node>());
    Node& node = *nodes_.back();
    node.verb = &verb;
    node.app = &app;
    node.parent = parent;
    app.set_help_flag("-h,--help");
    app.allow_extras();
    node.values.resize(verb.flags_.size());
    for (std::size_t i = 0; i < verb.flags_.size(); ++i) {
      const Flag& flag = verb.flags_[i];
      if (verb.bindings_[i].flag != nullptr) {
        node.options.push_back(app.add_flag(flag.name));
      } else {
        CLI::Option* option = app.add_option(flag.name, node.values[i]);
        option->allow_extra_args(false);
        if (flag.positional) option->expected(1);
        node.options.push_back(option);
      }
    }
    for (const auto& child : verb.children_) {
      declare(*child, *app.add_subcommand(child->name()), &node);
    }
  }

  // CLI11 takes the next word when a flag has no value ("--user= --k=3" would look for a user
  // called
  // "--k=3"), so such calls are found before it sees them. A value that begins with -- must stand
  // behind the equals sign.
  [[nodiscard]] Result<void> check_values(const std::vector<std::string>& words) const {
    if (std::ranges::any_of(words, [](auto& word) { return word == "--help" || word == "-h"; })) {
      return {};
    }
    const Node* node = nodes_.front().get();
    for (std::size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
      const std::string& word = words[i];
      if (!word.starts_with("--")) {
        const auto child = std::ranges::find_if(nodes_, [&](const auto& one) {
          return one->parent == node && one->verb->name() == word;
        });
        if (child != nodes_.end()) node = child->get();
        continue;
      }
      const std::size_t equals = word.find('=');
      const std::string name = word.substr(0, equals);
      const bool takes_value = std::ranges::any_of(node->verb->flags(), [&](const Flag& flag) {
        return flag.name == name && !flag.value.empty();
      });
      if (!takes_value) continue;
      if (equals == std::string::npos) {
        ++i;  // the next word is the value
        if (i == words.size() || words[i].empty() || words[i].starts_with("--")) {
          return missing_value(*node, name);
        }
      } else if (equals + 1 == word.size()) {
        return missing_value(*node, name);
      }
    }
    return {};
  }

  // The deepest verb that the words led to.
  [[nodiscard]] const Node* reached() const {
    const Node* best = nodes_.front().get();
    for (const auto& node : nodes_) {
      if (node->parent == best && node->app->parsed()) best = node.get();
    }
    return best;
  }

  [[nodiscard]] static std::string path_of(const Node* node) {
    if (node->parent == nullptr) return node->verb->name();
    if (node->parent->parent == nullptr) return node->verb->name();
    return path_of(node->parent) + " " + node->verb->name();
  }

  [[nodiscard]] static std::string parent_path(const Node& node) {
    if (node.parent == nullptr) return "";
    const std::string above = parent_path(*node.parent);
    return above.empty() ? node.parent->verb->name() : above + " " + node.parent->verb->name();
  }

  [[nodiscard]] static Error missing_value(const Node& node, const std::string& name) {
    for (const Flag& flag : node.verb->flags()) {
      if (flag.name == name) {
        return invalid("{}: {} needs a value: {}={}", path_of(&node), name, name, flag.value);
      }
    }
    return invalid("{}: {} needs a value", path_of(&node), name);
  }

  [[nodiscard]] static std::vector<std::string> verbs_of(const Verb& verb) {
    std::vector<std::string> names;
    for (const auto& child : verb.children()) {
      if (!child->hidden()) names.push_back(child->name());
    }
    return names;
  }

  [[nodiscard]] static Error unexpected(const Node& node, const std::string& word) {
    const bool is_flag = word.starts_with("-");
    if (!is_flag && !node.verb->children().empty()) {
      const std::vector<std::string> names = verbs_of(*node.verb);
      const auto near = nearest(word, names);
      return invalid("unknown verb '{}'{}; there are: {}",
                     node.parent == nullptr ? word : path_of(&node) + " " + word,
                     near ? fmt::format(" (did you mean '{}'?)", *near) : "", joined(names));
    }
    const std::string where = path_of(&node);
    if (!is_flag) return invalid("{}: unexpected word '{}'; flags start with --", where, word);
    std::vector<std::string> names;
    for (const Flag& flag : node.verb->flags()) {
      if (!flag.positional) names.push_back(flag.name);
    }
    const std::string name = word.substr(0, word.find('='));
    if (const auto near = nearest(name, names)) {
      return invalid("{}: unknown flag '{}'; did you mean {}?", where, name, *near);
    }
    return invalid("{}: unknown flag '{}'; `torii {}--help` lists the flags", where, name,
                   node.parent == nullptr ? "" : where + " ");
  }

  static Result<void> store(const Node& node, Parsed& parsed) {
    for (std::size_t i = 0; i < node.options.size(); ++i) {
      const Flag& flag = node.verb->flags_[i];
      const Verb::Binding& binding = node.verb->bindings_[i];
      if (node.options[i]->count() == 0) continue;
      parsed.set.push_back(flag.name);
      const std::string where = fmt::format("{}: {}", parsed.path, flag.name);
      if (binding.flag != nullptr) {
        *binding.flag = node.options[i]->as<bool>();
        continue;
      }
      const std::vector<std::string>& values = node.values[i];
      for (const std::string& value : values) {
        if (value.empty()) return missing_value(node, flag.name);
      }
      if (binding.texts != nullptr) {
        *binding.texts = values;
        continue;
      }
      if (values.size() != 1) return invalid("{} is given {} times", where, values.size());
      const std::string& value = values.front();
      if (binding.text != nullptr) {
        *binding.text = value;
        continue;
      }
      const char* end = value.data() + value.size();
      const auto [stop, failure] = std::from_chars(value.data(), end, *binding.integer);
      if (failure != std::errc{} || stop != end) {
        return invalid("{}: expected a whole number, found '{}'", where, value);
      }
    }
    return {};
  }

  CLI::App app_;
  std::vector<std::unique_ptr<Node>> nodes_;  // depth first: a parent stands before its children
};

Result<Parsed> parse(const Verb& root, const std::vector<std::string>& words) {
  return Parser(root).run(words);
}

}  // namespace torii::cli

#include "base/options.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/yaml.h"

namespace torii {
namespace {

constexpr std::size_t kWordMax = 100;

// A value of a message: short, on one line.
std::string shown(const Json& value) {
  if (value.is_null()) return "nothing";
  std::string text = value.dump();
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return fmt::format("{} ({})", text, value.is_string() ? "text" : value.type_name());
}

template <class T>
std::string range_text(T min, T max) {
  const bool open_below = min == std::numeric_limits<T>::lowest() ||
                          static_cast<double>(min) == -std::numeric_limits<double>::infinity();
  const bool open_above = max == std::numeric_limits<T>::max() ||
                          static_cast<double>(max) == std::numeric_limits<double>::infinity();
  if (open_below && open_above) return "";
  if (open_below) return fmt::format("at most {}", max);
  if (open_above) return fmt::format("at least {}", min);
  return fmt::format("{} to {}", min, max);
}

const char* article(std::string_view type) {
  return std::string_view("aeiou").find(type.front()) == std::string_view::npos ? "a" : "an";
}

Error unexpected(const Json& found, const Option& facts) {
  std::string expected = facts.type == "one of"   ? "one of " + facts.range_text
                         : facts.type == "yes/no" ? "true or false"
                         : facts.type == "list of texts"
                             ? "a list of texts"
                             : fmt::format("{} {}{}{}", article(facts.type), facts.type,
                                           facts.range_text.empty() ? "" : ", ", facts.range_text);
  std::string advice;
  if (facts.type == "text" && (found.is_number() || found.is_bool())) {
    advice = "; put it in quotes to make it a text";
  } else if (facts.type == "one of" && found.is_string()) {
    std::vector<std::string> choices;
    for (std::size_t begin = 0; begin < facts.range_text.size();) {
      const std::size_t end = std::min(facts.range_text.find(", ", begin), facts.range_text.size());
      choices.push_back(facts.range_text.substr(begin, end - begin));
      begin = end + 2;
    }
    if (auto near = nearest(found.as_string(), choices)) {
      advice = fmt::format("; did you mean '{}'?", *near);
    }
  }
  if (advice.empty()) {
    advice = fmt::format("; leave it out for the default, {}", facts.default_text);
  }
  return invalid("found {}, expected {}{}", shown(found), expected, advice);
}

// A text as one would write it in YAML: quoted only where it would be read as something else.
std::string yaml_text(const std::string& text) {
  const auto read = parse_yaml(text, "");
  if (read.ok() && read->is_string() && read->as_string() == text) return text;
  return Json(text).dump();
}

std::string yaml_list(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) {
    if (out.size() > 1) out += ", ";
    const bool plain = text.find_first_of(",[]{}") == std::string::npos;
    out += plain ? yaml_text(text) : Json(text).dump();
  }
  return out + "]";
}

template <class Field>
Option integer_option(std::string key, Field* field, Field min, Field max, std::string help) {
  Option option{std::move(key),
                "integer",
                fmt::format("{}", *field),
                range_text(min, max),
                std::move(help),
                {},
                {}};
  option.assign = [field, min, max, facts = option](const Json& value) -> Result<void> {
    if (!value.is_int() || value.as_int() < min || value.as_int() > max) {
      return unexpected(value, facts);
    }
    *field = static_cast<Field>(value.as_int());
    return {};
  };
  option.current = [field] { return Json(std::int64_t{*field}); };
  return option;
}

void put(Json& tree, std::string_view key, Json value) {
  const std::size_t dot = key.find('.');
  if (dot == std::string_view::npos) {
    tree.set(std::string(key), std::move(value));
    return;
  }
  const std::string_view section = key.substr(0, dot);
  if (tree.find(section) == nullptr) tree.set(std::string(section), Json::object());
  for (auto& [name, member] : tree.as_object()) {
    if (name != section) continue;
    put(member, key.substr(dot + 1), std::move(value));
    return;
  }
}

std::string_view last_part(std::string_view key) {
  const std::size_t dot = key.rfind('.');
  return dot == std::string_view::npos ? key : key.substr(dot + 1);
}

std::string place(std::string_view source, std::uint32_t line) {
  return line == 0 ? std::string(source) : fmt::format("{}:{}", source, line);
}

// Walks a tree against the declared options.
class Applier {
 public:
  Applier(const OptionSet& set, std::string_view source) : set_(set), source_(source) {}

  void section(const std::string& prefix, const Json& tree, std::vector<Error>& faults) const {
    for (const auto& [name, value] : tree.as_object()) {
      const std::string key = prefix.empty() ? name : prefix + "." + name;
      if (const Option* option = set_.find(key)) {
        if (auto assigned = option->assign(value); !assigned.ok()) {
          faults.push_back(with_context(std::move(assigned).error(),
                                        fmt::format("{}: {}", place(source_, value.line), key)));
        }
      } else if (set_.is_later(key)) {
        faults.push_back(make_error(ErrorCode::kUnsupported,
                                    "{}: {}: the section '{}' is not in this version",
                                    place(source_, value.line), key, key.substr(0, key.find('.'))));
      } else if (!is_section(key)) {
        faults.push_back(unknown(key, value));
      } else if (value.is_object()) {
        section(key, value, faults);
      } else if (!value.is_null()) {
        faults.push_back(invalid("{}: {}: found {}, expected a section of keys, for example {}",
                                 place(source_, value.line), key, shown(value), first_of(key)));
      }
    }
  }

 private:
  [[nodiscard]] bool is_section(const std::string& key) const { return !first_of(key).empty(); }

  [[nodiscard]] std::string first_of(const std::string& section) const {
    for (const Option& option : set_.options()) {
      if (option.key.starts_with(section + ".")) return option.key;
    }
    return "";
  }

  [[nodiscard]] Error unknown(const std::string& key, const Json& value) const {
    std::vector<std::string> known;
    for (const Option& option : set_.options()) {
      known.push_back(option.key);
      for (std::size_t dot = option.key.find('.'); dot != std::string::npos;
           dot = option.key.find('.', dot + 1)) {
        known.push_back(option.key.substr(0, dot));
      }
    }
    std::optional<std::string> near = nearest(key, known);
    for (const Option& option : set_.options()) {  // the right word in the wrong section
      if (near) break;
      if (last_part(option.key) == last_part(key)) near = option.key;
    }
    std::vector<std::string> joined = {key};  // "text.model" for model.text_model
    if (value.is_object()) {
      for (const auto& [name, member] : value.as_object()) joined.push_back(key + "." + name);
    }
    for (std::string& words : joined) {
      std::ranges::replace(words, '.', '_');
      for (const Option& option : set_.options()) {
        if (near) break;
        if (last_part(option.key) == words) near = option.key;
      }
    }
    const std::string where = place(source_, value.line);
    if (near) return invalid("{}: {}: unknown key; did you mean '{}'?", where, key, *near);
    return invalid("{}: {}: unknown key; `torii config --explain` lists all", where, key);
  }

  const OptionSet& set_;
  std::string_view source_;
};

}  // namespace

void OptionSet::custom(Option option) {
  TORII_CHECK(find(option.key) == nullptr, "an option is declared twice");
  options_.push_back(std::move(option));
}

void OptionSet::integer(std::string key, std::int64_t* field, std::int64_t min, std::int64_t max,
                        std::string help) {
  custom(integer_option(std::move(key), field, min, max, std::move(help)));
}

void OptionSet::integer(std::string key, int* field, int min, int max, std::string help) {
  custom(integer_option(std::move(key), field, min, max, std::move(help)));
}

void OptionSet::number(std::string key, double* field, double min, double max, std::string help) {
  Option option{std::move(key),
                "number",
                fmt::format("{}", *field),
                range_text(min, max),
                std::move(help),
                {},
                {}};
  option.assign = [field, min, max, facts = option](const Json& value) -> Result<void> {
    if (!value.is_number()) return unexpected(value, facts);
    const double number = value.as_double();
    if (!std::isfinite(number) || number < min || number > max) return unexpected(value, facts);
    *field = number;
    return {};
  };
  option.current = [field] { return Json(*field); };
  custom(std::move(option));
}

void OptionSet::flag(std::string key, bool* field, std::string help) {
  Option option{
      std::move(key), "yes/no", *field ? "true" : "false", "true, false", std::move(help), {}, {}};
  option.assign = [field, facts = option](const Json& value) -> Result<void> {
    if (!value.is_bool()) return unexpected(value, facts);
    *field = value.as_bool();
    return {};
  };
  option.current = [field] { return Json(*field); };
  custom(std::move(option));
}

void OptionSet::text(std::string key, std::string* field, std::string help) {
  Option option{std::move(key), "text", yaml_text(*field), "", std::move(help), {}, {}};
  option.assign = [field, facts = option](const Json& value) -> Result<void> {
    if (!value.is_string()) return unexpected(value, facts);
    *field = value.as_string();
    return {};
  };
  option.current = [field] { return Json(*field); };
  custom(std::move(option));
}

void OptionSet::texts(std::string key, std::vector<std::string>* field, std::string help) {
  Option option{std::move(key), "list of texts", yaml_list(*field), "", std::move(help), {}, {}};
  option.assign = [field, facts = option](const Json& value) -> Result<void> {
    if (!value.is_array()) return unexpected(value, facts);
    std::vector<std::string> texts;
    for (const Json& element : value.as_array()) {
      if (!element.is_string()) return unexpected(element, facts);
      texts.push_back(element.as_string());
    }
    *field = std::move(texts);
    return {};
  };
  option.current = [field] {
    Json list = Json::array();
    for (const std::string& text : *field) list.push(text);
    return list;
  };
  custom(std::move(option));
}

void OptionSet::choice(std::string key, std::string* field, std::vector<std::string> choices,
                       std::string help) {
  std::string range;
  for (const std::string& choice : choices) {
    if (!range.empty()) range += ", ";
    range += choice;
  }
  Option option{
      std::move(key), "one of", yaml_text(*field), std::move(range), std::move(help), {}, {}};
  option.assign = [field, choices = std::move(choices),
                   facts = option](const Json& value) -> Result<void> {
    if (!value.is_string() || std::ranges::find(choices, value.as_string()) == choices.end()) {
      return unexpected(value, facts);
    }
    *field = value.as_string();
    return {};
  };
  option.current = [field] { return Json(*field); };
  custom(std::move(option));
}

void OptionSet::refuse(std::string_view key, std::string why) {
  const auto found = std::ranges::find(options_, key, &Option::key);
  TORII_CHECK(found != options_.end(), "only a declared option can be refused");
  found->assign = [why = std::move(why)](const Json&) -> Result<void> {
    return invalid("{}", why);
  };
}

const Option* OptionSet::find(std::string_view key) const {
  const auto found = std::ranges::find(options_, key, &Option::key);
  return found == options_.end() ? nullptr : &*found;
}

void OptionSet::announce_later(std::string section) {
  later_.push_back(std::move(section));
}

bool OptionSet::is_later(std::string_view key) const {
  const std::string_view section = key.substr(0, key.find('.'));
  return std::ranges::find(later_, section) != later_.end();
}

std::vector<Error> OptionSet::apply_all(const Json& tree, std::string_view source) {
  std::vector<Error> faults;
  if (tree.is_object()) {
    Applier(*this, source).section("", tree, faults);
  } else if (!tree.is_null()) {
    faults.push_back(
        invalid("{}: found {}, expected keys and values", place(source, tree.line), shown(tree)));
  }
  return faults;
}

Result<void> OptionSet::apply(const Json& tree, std::string_view source) {
  std::vector<Error> faults = apply_all(tree, source);
  if (!faults.empty()) return std::move(faults.front());
  return {};
}

Result<void> OptionSet::apply_assignment(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return invalid("--set {}: expected key=value, for example --set train.epochs=5", text);
  }
  const std::string key(text.substr(0, equals));
  const std::string_view value = text.substr(equals + 1);
  Json parsed;
  const Option* option = find(key);
  const bool plain_text = option != nullptr && (option->type == "text" || option->type == "one of");
  if (plain_text && !value.starts_with('"') && !value.starts_with('\'')) {
    parsed = Json(value);  // --set data.user_id=7 means the text "7"
  } else {
    auto read = parse_yaml(value, fmt::format("--set {}", key));
    if (!read.ok()) return std::move(read).error();
    parsed = std::move(read).value();
  }
  parsed.line = 0;
  Json tree = Json::object();
  tree.set(key, std::move(parsed));
  return apply(tree, "--set");
}

Json OptionSet::current() const {
  Json tree = Json::object();
  for (const Option& option : options_) put(tree, option.key, option.current());
  return tree;
}

namespace {

// Optimal string alignment: insertions, deletions, substitutions, swaps of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

}  // namespace

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known) {
  if (word.empty() || word.size() > kWordMax) return std::nullopt;
  std::optional<std::string> best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    if (candidate.size() > kWordMax) continue;
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace torii

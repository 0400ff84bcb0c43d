#include "pipeline/read_step.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/yaml.h"
#include "pipeline/read_settings.h"
#include "pipeline/section.h"

namespace torii::pipeline {
namespace {

constexpr std::string_view kParams = "params.";

// "${params.NAME}" and nothing beside: the name.
std::optional<std::string> parameter_of(const Json& value) {
  if (!value.is_string()) return std::nullopt;
  const auto word = parse_word(value.as_string());
  if (!word.ok() || word->segments.size() != 1 ||
      word->segments.front().kind != Segment::Kind::kParameter) {
    return std::nullopt;
  }
  return word->segments.front().text;
}

class StepReader {
 public:
  StepReader(std::string name, const Json& value, Faults& faults)
      : faults_(faults), where_(fmt::format("step '{}'", name)), section_(value, where_, faults) {
    step_.name = std::move(name);
    step_.line = value.line;
  }

  Step read(const StepSettings& defaults, StepForm form) {
    step_.title = section_.text("title").value_or("");
    read_command();
    if (form == StepForm::kExit) {
      section_.take("name");
    } else {
      section_.each("inputs", [&](const std::string& name, const Json& value) {
        step_.inputs.push_back(read_input(name, value));
      });
      section_.each("outputs",
                    [&](const std::string& name, const Json& value) { read_output(name, value); });
      for (const Json& after : section_.texts("after")) {
        step_.after.push_back({.step = after.as_string(), .line = after.line});
      }
      read_fan_out();
      if (const Json* value = section_.take("when")) read_condition(*value);
    }
    step_.settings = read_settings(section_, defaults, faults_);
    section_.done();
    return std::move(step_);
  }

 private:
  void read_command() {
    const Json* command = section_.take("command");
    if (command == nullptr) return;  // said by the check of the graph
    if (!command->is_string()) {
      for (const Json& word : section_.texts("command")) {
        step_.command.push_back(read_word(word, where_ + ": command", faults_));
      }
      return;
    }
    auto words = split_command(command->as_string());
    if (!words.ok()) return section_.fault(command->line, "command: " + words.error().message);
    for (std::string& text : *words) {
      Json word(std::move(text));
      word.line = command->line;
      step_.command.push_back(read_word(word, where_ + ": command", faults_));
    }
  }

  std::optional<ArtifactType> type_in(Section& section, const Json& value) {
    const auto text = section.text("type");
    if (!text) return std::nullopt;
    const auto type = artifact_type(*text);
    if (!type) {
      section.fault(value.line, fmt::format("type: expected Dataset, Model, Metrics, HTML or "
                                            "Artifact, found '{}'",
                                            *text));
    }
    return type;
  }

  void read_source(Input& input, const std::string& text, Section& section) {
    const std::size_t dot = text.find('.');
    if (dot == std::string::npos || dot == 0 || dot + 1 == text.size()) {
      section.fault(input.line, fmt::format("'{}': expected STEP.OUTPUT, such as load-users.users; "
                                            "something outside of the pipeline is written "
                                            "{{location: URI, type: Dataset}}",
                                            text));
      return;
    }
    input.step = text.substr(0, dot);
    input.output = text.substr(dot + 1);
  }

  Input read_input(const std::string& name, const Json& value) {
    Input input{.name = name};
    input.line = value.line;
    const std::string where = fmt::format("{}: input '{}'", where_, name);
    if (value.is_string()) {
      const Json none = Json::object();
      Section section(none, where, faults_);
      read_source(input, value.as_string(), section);
      return input;
    }
    Section section(value, where, faults_);
    const auto from = section.text("from");
    const Json* location = section.take("location");
    input.type = type_in(section, value);
    if (from) read_source(input, *from, section);
    if (location != nullptr) input.location = read_word(*location, where, faults_);
    if (from && location != nullptr) section.fault(value.line, "it has both from and location");
    section.done();
    return input;
  }

  void read_output(const std::string& name, const Json& value) {
    static const Json kNothing = Json::object();
    Section section(value.is_string() ? kNothing : value,
                    fmt::format("{}: output '{}'", where_, name), faults_);
    const auto type = value.is_string() ? value.as_string() : section.text("type");
    const auto share = section.text("share");
    const bool keep = section.flag("keep").value_or(false);
    section.done();
    if (!type) return section.fault(value.line, "type is missing: Dataset, Model, ...");
    if (const auto artifact = artifact_type(*type)) {
      ArtifactOutput output{.name = name, .type = *artifact};
      if (share == "location") {
        output.sharing = Sharing::kLocation;
      } else if (share && *share != "copy") {
        section.fault(value.line,
                      fmt::format("share: expected copy or location, found '{}'", *share));
      }
      output.keep = keep;
      output.line = value.line;
      step_.artifacts.push_back(std::move(output));
    } else if (const auto parameter = parameter_type(*type)) {
      if (share) section.fault(value.line, "share: a value has none; take it out");
      step_.values.push_back({.name = name, .type = *parameter, .keep = keep, .line = value.line});
    } else {
      section.fault(value.line, fmt::format("type: '{}' is none; artifacts are Dataset, Model, "
                                            "Metrics, HTML and Artifact, values text, integer, "
                                            "number and flag",
                                            *type));
    }
  }

  void read_fan_out() {
    const Json* items = section_.take("for_each");
    const Json* shards = section_.take("shards");
    if (items != nullptr && shards != nullptr) {
      section_.fault(shards->line, "it has both for_each and shards");
    }
    const Json* value = items != nullptr ? items : shards;
    if (value == nullptr) return;
    FanOut fan_out;
    fan_out.kind = items != nullptr ? FanOut::Kind::kItems : FanOut::Kind::kShards;
    fan_out.line = value->line;
    if (auto parameter = parameter_of(*value)) {
      fan_out.parameter = *std::move(parameter);
    } else if (items != nullptr && value->is_array()) {
      for (const Json& item : value->as_array()) {
        if (item.is_object() || item.is_array() || item.is_null()) {
          section_.fault(item.line, "for_each: expected a list of texts");
        } else {
          fan_out.items.push_back(scalar_text(item));
        }
      }
    } else if (items == nullptr && value->is_int()) {
      fan_out.shards = value->as_int();
    } else {
      section_.fault(value->line, items != nullptr
                                      ? "for_each: expected a list or ${params.NAME}"
                                      : "shards: expected a whole number or ${params.NAME}");
    }
    step_.fan_out = std::move(fan_out);
  }

  void read_condition(const Json& value) {
    if (!value.is_string()) {
      return section_.fault(value.line, "when: expected a text such as gate.verdict == pass");
    }
    auto condition = parse_condition(value.as_string());
    if (!condition.ok()) return section_.fault(value.line, condition.error().message);
    condition->line = value.line;
    step_.when = *std::move(condition);
  }

  Faults& faults_;
  std::string where_;
  Section section_;
  Step step_;
};

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

Step read_step(const std::string& name, const Json& value, const StepSettings& defaults,
               StepForm form, Faults& faults) {
  return StepReader(name, value, faults).read(defaults, form);
}

Word read_word(const Json& value, std::string_view where, Faults& faults) {
  if (!value.is_string()) {
    faults.add(value.line, fmt::format("{}: expected a text, found {}", where, value.type_name()));
    return {};
  }
  auto word = parse_word(value.as_string());
  if (!word.ok()) {
    faults.add(value.line, fmt::format("{}: {}", where, word.error().message));
    return {};
  }
  word->line = value.line;
  return *std::move(word);
}

Result<Condition> parse_condition(std::string_view text) {
  using Comparison = Condition::Comparison;
  constexpr std::array<Comparison, 6> kByLength = {
      Comparison::kEqual,          Comparison::kNotEqual, Comparison::kLessOrEqual,
      Comparison::kGreaterOrEqual, Comparison::kLess,     Comparison::kGreater};
  for (const Comparison comparison : kByLength) {
    const std::string_view sign = sign_of(comparison);
    const std::size_t at = text.find(sign);
    if (at == std::string_view::npos) continue;
    const std::string_view left = trimmed(text.substr(0, at));
    const std::string_view right = trimmed(text.substr(at + sign.size()));
    const std::size_t dot = left.find('.');
    if (dot == std::string_view::npos || dot == 0 || dot + 1 == left.size() || right.empty()) break;
    TORII_TRY(Json value, parse_yaml(right, "when"));
    if (value.is_null() || value.is_array() || value.is_object()) break;
    value.line = 0;
    Condition condition;
    condition.name = std::string(left.substr(dot + 1));
    if (!left.starts_with(kParams)) condition.step = std::string(left.substr(0, dot));
    condition.comparison = comparison;
    condition.right = std::move(value);
    return condition;
  }
  return invalid(
      "when: '{}' is no condition: expected STEP.VALUE or params.NAME, one of == != < "
      "<= > >=, and a value, as in gate.verdict == pass",
      text);
}

}  // namespace torii::pipeline

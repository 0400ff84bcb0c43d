#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "pipeline/check_graph.h"

namespace torii::pipeline {
namespace {

const Step* find_step(const GraphData& data, std::string_view name) {
  const auto found = std::ranges::find(data.steps, name, &Step::name);
  return found == data.steps.end() ? nullptr : &*found;
}

template <class T>
std::vector<std::string> names_of(const std::vector<T>& all) {
  std::vector<std::string> names;
  for (const T& one : all) names.push_back(one.name);
  return names;
}

std::vector<std::string> outputs_of(const Step& step) {
  std::vector<std::string> names = names_of(step.artifacts);
  for (const ValueOutput& value : step.values) names.push_back(value.name);
  return names;
}

std::string list_of(const std::vector<std::string>& names) {
  return names.empty() ? "it has none" : fmt::format("there are: {}", fmt::join(names, ", "));
}

class References {
 public:
  References(const GraphData& data, const Step& step, Faults& faults)
      : data_(data), step_(step), faults_(faults) {}

  void check() {
    for (const Input& input : step_.inputs) check_input(input);
    for (const After& after : step_.after) find(after.step, "after", after.line);
    if (step_.fan_out) check_fan_out(*step_.fan_out);
    if (step_.when) check_condition(*step_.when);
  }

 private:
  void fault(std::uint32_t line, std::string_view text) {
    faults_.add(line, fmt::format("step '{}': {}", step_.name, text));
  }

  const Step* find(const std::string& name, std::string_view what, std::uint32_t line) {
    const Step* other = find_step(data_, name);
    if (other == nullptr) {
      const bool is_exit = data_.exit && data_.exit->name == name;
      fault(line, is_exit ? fmt::format("{}: '{}' is the exit step, which runs behind all others",
                                        what, name)
                          : fmt::format("{}: there is no step '{}'{}", what, name,
                                        did_you_mean(name, names_of(data_.steps))));
    } else if (other == &step_) {
      fault(line, fmt::format("{}: the step cannot wait for itself", what));
      return nullptr;
    }
    return other;
  }

  void check_input(const Input& input) {
    const std::string what = fmt::format("input '{}'", input.name);
    if (input.step.empty()) {
      if (input.location.segments.empty()) {
        fault(input.line,
              what + " is given by nothing: name an output (STEP.OUTPUT) or a location");
      }
      return;
    }
    const Step* from = find(input.step, what, input.line);
    if (from == nullptr) return;
    const ArtifactOutput* artifact = from->artifact(input.output);
    const ValueOutput* value = from->value(input.output);
    if (artifact == nullptr && value == nullptr) {
      const std::vector<std::string> outputs = outputs_of(*from);
      fault(input.line,
            fmt::format("{}: the step '{}' has no output '{}'{}; {}", what, from->name,
                        input.output, did_you_mean(input.output, outputs), list_of(outputs)));
      return;
    }
    if (!input.type || *input.type == ArtifactType::kArtifact) {
      if (input.type && value != nullptr) {
        fault(input.line, fmt::format("{}: {}.{} is a value ({}), no artifact; leave its type out",
                                      what, from->name, input.output, name_of(value->type)));
      }
      return;
    }
    const std::string_view found =
        artifact != nullptr ? name_of(artifact->type) : name_of(value->type);
    if (artifact == nullptr || artifact->type != *input.type) {
      fault(input.line, fmt::format("{}: expected a {}, but {}.{} is a {}; take another output or "
                                    "change one of the types",
                                    what, name_of(*input.type), from->name, input.output, found));
    }
  }

  void check_fan_out(const FanOut& fan_out) {
    const bool items = fan_out.kind == FanOut::Kind::kItems;
    const char* key = items ? "for_each" : "shards";
    if (!fan_out.parameter.empty()) {
      const auto found = std::ranges::find(data_.parameters, fan_out.parameter, &Parameter::name);
      const ParameterType expected = items ? ParameterType::kTexts : ParameterType::kInteger;
      if (found == data_.parameters.end()) {
        fault(fan_out.line,
              fmt::format("{}: there is no parameter '{}'{}", key, fan_out.parameter,
                          did_you_mean(fan_out.parameter, names_of(data_.parameters))));
      } else if (found->type != expected) {
        fault(fan_out.line, fmt::format("{}: the parameter '{}' is of the type {}; expected {}",
                                        key, found->name, name_of(found->type), name_of(expected)));
      }
    } else if (items && fan_out.items.empty()) {
      fault(fan_out.line, "for_each: the list is empty; a step without it runs once");
    } else if (!items && (fan_out.shards < 1 || fan_out.shards > kShardsMax)) {
      fault(fan_out.line,
            fmt::format("shards: expected 1 to {}, found {}", kShardsMax, fan_out.shards));
    }
  }

  void check_condition(const Condition& when) {
    std::optional<ParameterType> type;
    if (when.step.empty()) {
      const auto found = std::ranges::find(data_.parameters, when.name, &Parameter::name);
      if (found == data_.parameters.end()) {
        fault(when.line, fmt::format("when: there is no parameter '{}'{}", when.name,
                                     did_you_mean(when.name, names_of(data_.parameters))));
        return;
      }
      type = found->type;
    } else {
      const Step* from = find(when.step, "when", when.line);
      if (from == nullptr) return;
      const ValueOutput* value = from->value(when.name);
      if (value == nullptr) {
        fault(when.line, fmt::format("when: the step '{}' has no value '{}'; {}", from->name,
                                     when.name, list_of(names_of(from->values))));
        return;
      }
      if (from->fan_out) {
        fault(when.line,
              fmt::format("when: the step '{}' fans out, so it has no single value", from->name));
        return;
      }
      type = value->type;
    }
    using Comparison = Condition::Comparison;
    const bool is_number = type == ParameterType::kInteger || type == ParameterType::kNumber;
    const bool by_size =
        when.comparison != Comparison::kEqual && when.comparison != Comparison::kNotEqual;
    if (type == ParameterType::kTexts) {
      fault(when.line, fmt::format("when: '{}' is a list, which cannot be compared", when.name));
    } else if (by_size && !is_number) {
      fault(when.line, fmt::format("when: '{}' is a {}; {} compares numbers, == and != anything",
                                   when.name, name_of(*type), sign_of(when.comparison)));
    } else if (!is_of(when.right, is_number ? ParameterType::kNumber : *type)) {
      fault(when.line, fmt::format("when: '{}' is a {}, and {} is none", when.name, name_of(*type),
                                   when.right.dump()));
    }
  }

  const GraphData& data_;
  const Step& step_;
  Faults& faults_;
};

}  // namespace

void check_references(const GraphData& data, const Step& step, Faults& faults) {
  References(data, step, faults).check();
}

}  // namespace torii::pipeline

#include "pipeline/check_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/options.h"
#include "pipeline/cron.h"

namespace torii::pipeline {
namespace {

constexpr std::size_t kNameMax = 50;  // a pod's name is made of it, of 63 letters at most
constexpr std::size_t kStepsMax = 500;
constexpr std::size_t kParametersMax = 200;

constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kDigits = "0123456789";

bool only_of(std::string_view text, std::string_view one, std::string_view two, char third) {
  return std::ranges::all_of(text, [&](char letter) {
    return one.find(letter) != std::string_view::npos ||
           two.find(letter) != std::string_view::npos || letter == third;
  });
}

// All words of all steps, and what else may name a parameter.
bool is_parameter_used(const GraphData& data, const std::string& name) {
  const auto in_word = [&](const Word& word) {
    return std::ranges::any_of(word.segments, [&](const Segment& segment) {
      return segment.kind == Segment::Kind::kParameter && segment.text == name;
    });
  };
  const auto in_step = [&](const Step& step) {
    return std::ranges::any_of(step.command, in_word) ||
           std::ranges::any_of(step.inputs,
                               [&](const Input& input) { return in_word(input.location); }) ||
           (step.fan_out && step.fan_out->parameter == name) ||
           (step.when && step.when->step.empty() && step.when->name == name);
  };
  return std::ranges::any_of(data.steps, in_step) || (data.exit && in_step(*data.exit)) ||
         (data.location && in_word(*data.location));
}

void check_parameters(const GraphData& data, Faults& faults) {
  if (data.parameters.size() > kParametersMax) {
    faults.add(data.line, fmt::format("{} parameters; a pipeline has {} at most",
                                      data.parameters.size(), kParametersMax));
  }
  std::set<std::string, std::less<>> seen;
  for (const Parameter& parameter : data.parameters) {
    const std::string what = fmt::format("parameter '{}'", parameter.name);
    if (!is_port_name(parameter.name)) {
      faults.add(parameter.line, what +
                                     ": a name is a lower-case letter, then lower-case letters, "
                                     "digits and _, 50 in all at most");
    }
    if (!seen.insert(parameter.name).second) faults.add(parameter.line, what + " stands twice");
    if (parameter.default_value && !is_of(*parameter.default_value, parameter.type)) {
      faults.add(parameter.line,
                 fmt::format("{}: its default must be of the type {}, found {}; change one of them",
                             what, name_of(parameter.type), parameter.default_value->dump()));
    }
    if (!is_parameter_used(data, parameter.name)) {
      faults.add(parameter.line,
                 fmt::format("{} is used nowhere; write ${{params.{}}} into a command or take it "
                             "out",
                             what, parameter.name));
    }
  }
}

void check_schedule(const Schedule& schedule, Faults& faults) {
  if (const auto cron = Cron::parse(schedule.cron); !cron.ok()) {
    faults.add(schedule.line, "schedule: " + cron.error().message);
  }
}

void check_location(const GraphData& data, const Word& location, Faults& faults) {
  for (const Segment& segment : location.segments) {
    if (segment.kind == Segment::Kind::kText) continue;
    const auto found = std::ranges::find(data.parameters, segment.text, &Parameter::name);
    if (segment.kind != Segment::Kind::kParameter) {
      faults.add(location.line, "location: only ${params.NAME} may stand in it");
    } else if (found == data.parameters.end()) {
      faults.add(location.line, fmt::format("location: there is no parameter '{}'", segment.text));
    } else if (found->type == ParameterType::kTexts) {
      faults.add(location.line,
                 fmt::format("location: '{}' is a list; a location is one text", segment.text));
    }
  }
}

void check_exit(const GraphData& data, Faults& faults) {
  const Step& step = *data.exit;
  const std::string what = fmt::format("exit step '{}'", step.name);
  if (!step.inputs.empty() || !step.artifacts.empty() || !step.values.empty()) {
    faults.add(step.line, what +
                              " has inputs or outputs: it runs whatever happened, so nothing "
                              "may be there; pass it parameters, ${run.id} and ${run.status}");
  }
  if (step.fan_out || step.when || !step.after.empty()) {
    faults.add(step.line, what +
                              " has shards, for_each, when or after: it runs once, at the end; "
                              "take them out");
  }
}

void check_unused(const GraphData& data, const Step& step, Faults& faults) {
  const auto used = [&](const std::string& output) {
    return std::ranges::any_of(data.steps, [&](const Step& other) {
      return std::ranges::any_of(other.inputs,
                                 [&](const Input& input) {
                                   return input.step == step.name && input.output == output;
                                 }) ||
             (other.when && other.when->step == step.name && other.when->name == output);
    });
  };
  const auto check = [&](const auto& output) {
    if (output.keep || used(output.name)) return;
    faults.add(output.line, fmt::format("step '{}': no step reads the output '{}'; give it to one, "
                                        "mark it `keep: true` if it is a result, or take it out",
                                        step.name, output.name));
  };
  for (const ArtifactOutput& output : step.artifacts) check(output);
  for (const ValueOutput& output : step.values) check(output);
}

}  // namespace

bool is_step_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameMax && only_of(name, kLetters, kDigits, '-') &&
         kLetters.find(name.front()) != std::string_view::npos && name.back() != '-';
}

bool is_port_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameMax && only_of(name, kLetters, kDigits, '_') &&
         kLetters.find(name.front()) != std::string_view::npos;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  const auto near = nearest(word, known);
  return near ? fmt::format(" (did you mean '{}'?)", *near) : "";
}

bool is_of(const Json& value, ParameterType type) {
  switch (type) {
    case ParameterType::kText:
    case ParameterType::kPlace:
      return value.is_string();
    case ParameterType::kInteger:
      return value.is_int();
    case ParameterType::kNumber:
      return value.is_number();
    case ParameterType::kFlag:
      return value.is_bool();
    case ParameterType::kTexts:
      return value.is_array() && std::ranges::all_of(value.as_array(), &Json::is_string);
  }
  return false;
}

void check_graph(const GraphData& data, Faults& faults) {
  if (!is_step_name(data.name)) {
    faults.add(data.line, fmt::format("'{}' is no name for a pipeline: lower-case letters, digits "
                                      "and -, a letter first, 50 in all at most",
                                      data.name));
  }
  if (data.steps.empty()) faults.add(data.line, "the pipeline has no steps");
  if (data.steps.size() > kStepsMax) {
    faults.add(data.line,
               fmt::format("{} steps; a pipeline has {} at most", data.steps.size(), kStepsMax));
  }
  check_parameters(data, faults);
  if (data.schedule) check_schedule(*data.schedule, faults);
  std::set<std::string, std::less<>> names;
  const auto check_step = [&](const Step& step) {
    if (!is_step_name(step.name)) {
      faults.add(step.line, fmt::format("'{}' is no name for a step: lower-case letters, digits "
                                        "and -, a letter first, 50 in all at most",
                                        step.name));
    }
    if (!names.insert(step.name).second) {
      faults.add(step.line, fmt::format("two steps are called '{}'", step.name));
    }
    check_settings(step, faults);
    check_image(step.settings.image, fmt::format("step '{}'", step.name), step.line, faults);
    check_references(data, step, faults);
    check_words(data, step, faults);
    check_unused(data, step, faults);
  };
  for (const Step& step : data.steps) check_step(step);
  if (data.exit) {
    check_exit(data, faults);
    check_step(*data.exit);
  }
  if (data.location) check_location(data, *data.location, faults);
  check_image(data.cluster.image, "cluster", data.cluster.line != 0 ? data.cluster.line : data.line,
              faults);
}

std::vector<std::vector<std::size_t>> needs_of(const std::vector<Step>& steps) {
  std::vector<std::vector<std::size_t>> needs(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    std::set<std::size_t> found;
    const auto add = [&](const std::string& name) {
      const auto at = std::ranges::find(steps, name, &Step::name);
      if (at != steps.end()) found.insert(static_cast<std::size_t>(at - steps.begin()));
    };
    for (const Input& input : steps[i].inputs) add(input.step);
    for (const After& after : steps[i].after) add(after.step);
    if (steps[i].when) add(steps[i].when->step);
    needs[i].assign(found.begin(), found.end());
  }
  return needs;
}

std::vector<std::size_t> order_of(const GraphData& data,
                                  const std::vector<std::vector<std::size_t>>& needs,
                                  Faults& faults) {
  std::vector<std::size_t> order;
  std::vector<bool> done(needs.size(), false);
  const auto ready = [&](std::size_t i) {
    return !done[i] && std::ranges::all_of(needs[i], [&](std::size_t need) { return done[need]; });
  };
  while (order.size() < needs.size()) {
    std::size_t next = 0;
    while (next < needs.size() && !ready(next)) ++next;
    if (next == needs.size()) break;
    done[next] = true;
    order.push_back(next);
  }
  if (order.size() == needs.size()) return order;
  // Every step that is left waits for one that is left: following them must come round.
  std::size_t at = static_cast<std::size_t>(std::ranges::find(done, false) - done.begin());
  std::vector<std::size_t> way;
  while (std::ranges::find(way, at) == way.end()) {
    way.push_back(at);
    at = *std::ranges::find_if(needs[at], [&](std::size_t need) { return !done[need]; });
  }
  std::string text = data.steps[at].name;
  for (auto step = std::ranges::find(way, at) + 1; step < way.end(); ++step) {
    text += " waits for " + data.steps[*step].name;
  }
  text += " waits for " + data.steps[at].name;
  faults.add(data.steps[at].line, fmt::format("a cycle: {}; take one of these inputs, `after` or "
                                              "`when` out",
                                              text));
  return {};
}

}  // namespace torii::pipeline

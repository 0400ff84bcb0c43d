#include "pipeline/graph.h"

#include <algorithm>
#include <array>

#include "pipeline/check_graph.h"
#include "pipeline/faults.h"

namespace torii::pipeline {
namespace {

constexpr std::array<std::string_view, 5> kArtifactNames = {"Dataset", "Model", "Metrics", "HTML",
                                                            "Artifact"};
constexpr std::array<std::string_view, 6> kParameterNames = {"text", "integer", "number",
                                                             "flag", "list",    "place"};
constexpr std::array<std::string_view, 6> kSigns = {"==", "!=", "<", "<=", ">", ">="};

template <class Enum, std::size_t N>
std::optional<Enum> enum_of(std::string_view name, const std::array<std::string_view, N>& names) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

template <class T>
const T* named(const std::vector<T>& all, std::string_view name) {
  const auto found = std::ranges::find(all, name, &T::name);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

std::string_view name_of(ArtifactType type) {
  return kArtifactNames[static_cast<std::size_t>(type)];
}
std::string_view name_of(ParameterType type) {
  return kParameterNames[static_cast<std::size_t>(type)];
}
std::optional<ArtifactType> artifact_type(std::string_view name) {
  return enum_of<ArtifactType>(name, kArtifactNames);
}
std::optional<ParameterType> parameter_type(std::string_view name) {
  return enum_of<ParameterType>(name, kParameterNames);
}
std::string_view sign_of(Condition::Comparison comparison) {
  return kSigns[static_cast<std::size_t>(comparison)];
}

const Input* Step::input(std::string_view input_name) const {
  return named(inputs, input_name);
}
const ArtifactOutput* Step::artifact(std::string_view output_name) const {
  return named(artifacts, output_name);
}
const ValueOutput* Step::value(std::string_view output_name) const {
  return named(values, output_name);
}

const Step* Graph::step(std::string_view name) const {
  return named(steps(), name);
}
const Parameter* Graph::parameter(std::string_view name) const {
  return named(data().parameters, name);
}

bool Graph::shapes(const Parameter& parameter) const {
  if (parameter.type == ParameterType::kTexts) return true;
  return std::ranges::any_of(steps(), [&](const Step& step) {
    return step.fan_out && step.fan_out->parameter == parameter.name;
  });
}

Result<Graph> Graph::make(GraphData data) {
  Faults faults(data.source);
  check_graph(data, faults);
  if (!faults.empty()) return faults.error();
  auto state = std::make_shared<State>();
  state->needs = needs_of(data.steps);
  state->order = order_of(data, state->needs, faults);
  if (!faults.empty()) return faults.error();
  state->data = std::move(data);
  return Graph(std::move(state));
}

}  // namespace torii::pipeline

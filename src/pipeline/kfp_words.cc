#include "pipeline/kfp_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pipeline/compiled.h"

namespace torii::pipeline {
namespace {

constexpr const char* kRunId = "{{$.pipeline_job_uuid}}";

}  // namespace

std::vector<const Task*> KfpWords::sources(const Input& input) const {
  const auto step = std::ranges::find(graph_.steps(), input.step, &Step::name);
  const auto [first, count] =
      plan_.tasks_of(static_cast<std::size_t>(step - graph_.steps().begin()));
  std::vector<const Task*> tasks;
  for (std::size_t i = first; i < first + count; ++i) tasks.push_back(&plan_.tasks()[i]);
  return tasks;
}

std::string KfpWords::location() const {
  return fill(*graph_.data().location, [&](const Segment& segment) { return parameter(segment); });
}

// A parameter that is open stays one; what shapes the graph is written out.
Filling KfpWords::parameter(const Segment& segment) const {
  const Parameter& known = *graph_.parameter(segment.text);
  if (!graph_.shapes(known)) return parameter_placeholder(known.name);
  const Json& value = plan_.argument(known.name);
  if (!value.is_array()) return value_text(value);
  std::vector<std::string> list;
  for (const Json& element : value.as_array()) list.push_back(element.as_string());
  return Filling(std::move(list));
}

std::string KfpWords::source_text(const Input& input, const Task& from,
                                  const std::string& port) const {
  const Step& step = plan_.step_of(from);
  const ArtifactOutput* artifact = step.artifact(input.output);
  if (artifact == nullptr) return parameter_placeholder(value_port(port));
  if (artifact->sharing == Sharing::kLocation) {
    const std::string shard = step.fan_out ? std::to_string(from.shard) : "";
    return location_of(location(), kRunId, step, shard, artifact->name);
  }
  return fmt::format("{{{{$.inputs.artifacts['{}'].path}}}}", port);
}

Filling KfpWords::input_text(const Step& step, const std::string& name) const {
  const Input& input = *step.input(name);
  if (input.step.empty()) {
    return fill(input.location, [&](const Segment& segment) { return parameter(segment); });
  }
  const std::vector<const Task*> from = sources(input);
  if (!graph_.step(input.step)->fan_out) return source_text(input, *from.front(), name);
  std::vector<std::string> list;
  for (const Task* task : from) {
    list.push_back(source_text(input, *task, list_port(name, task->shard)));
  }
  return Filling(std::move(list));
}

std::string KfpWords::output_text(const Step& step, const Task* task,
                                  const std::string& name) const {
  const ArtifactOutput* artifact = step.artifact(name);
  if (artifact == nullptr) {
    return fmt::format("{{{{$.outputs.parameters['{}'].output_file}}}}", name);
  }
  if (artifact->sharing == Sharing::kLocation) {
    const std::string shard = step.fan_out ? std::to_string(task->shard) : "";
    return location_of(location(), kRunId, step, shard, name);
  }
  return fmt::format("{{{{$.outputs.artifacts['{}'].path}}}}", name);
}

std::vector<std::string> KfpWords::words(const Step& step, const Task* task) const {
  return fill(step.command, [&](const Segment& segment) -> Filling {
    switch (segment.kind) {
      case Segment::Kind::kText:
        return segment.text;
      case Segment::Kind::kParameter:
        return parameter(segment);
      case Segment::Kind::kInput:
        return input_text(step, segment.text);
      case Segment::Kind::kOutput:
        return output_text(step, task, segment.text);
      case Segment::Kind::kItem:
        return task->item;
      case Segment::Kind::kShard:
        return std::to_string(task->shard);
      case Segment::Kind::kShards:
        return std::to_string(task->shards);
      case Segment::Kind::kRunId:
        return std::string(kRunId);
      case Segment::Kind::kRunStatus:
        return parameter_placeholder(kStatusPort);
    }
    return std::string();
  });
}

std::vector<const Parameter*> KfpWords::used(const Step& step,
                                             const std::vector<std::string>& words) const {
  std::vector<const Parameter*> used;
  for (const Parameter* one : open_parameters(graph_)) {
    const std::string placeholder = parameter_placeholder(one->name);
    const bool in_words = std::ranges::any_of(words, [&](const std::string& word) {
      return word.find(placeholder) != std::string::npos;
    });
    const bool in_when = step.when && step.when->step.empty() && step.when->name == one->name;
    if (in_words || in_when) used.push_back(one);
  }
  return used;
}

}  // namespace torii::pipeline

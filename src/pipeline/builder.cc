#include "pipeline/builder.h"

#include <fmt/format.h>

#include <utility>

#include "pipeline/read_step.h"

namespace torii::pipeline {

StepBuilder::StepBuilder(std::string name, Faults& faults) : faults_(&faults) {
  step_.name = std::move(name);
}

StepBuilder& StepBuilder::title(std::string text) {
  step_.title = std::move(text);
  return *this;
}

StepBuilder& StepBuilder::command(std::string_view line) {
  const auto split = split_command(line);
  if (!split.ok()) {
    faults_->add(0, fmt::format("step '{}': {}", step_.name, split.error().message));
    return *this;
  }
  return words(*split);
}

StepBuilder& StepBuilder::words(const std::vector<std::string>& words) {
  for (const std::string& text : words) {
    step_.command.push_back(read_word(Json(text), fmt::format("step '{}'", step_.name), *faults_));
  }
  return *this;
}

StepBuilder& StepBuilder::input(std::string name, std::string_view from) {
  Input input{.name = std::move(name)};
  const std::size_t dot = from.find('.');
  input.step = std::string(from.substr(0, dot));
  if (dot != std::string_view::npos) input.output = std::string(from.substr(dot + 1));
  step_.inputs.push_back(std::move(input));
  return *this;
}

StepBuilder& StepBuilder::input_at(std::string name, std::string_view location, ArtifactType type) {
  Input input{.name = std::move(name)};
  input.location = read_word(Json(location), fmt::format("step '{}'", step_.name), *faults_);
  input.type = type;
  step_.inputs.push_back(std::move(input));
  return *this;
}

StepBuilder& StepBuilder::output(std::string name, ArtifactType type) {
  step_.artifacts.push_back({.name = std::move(name), .type = type});
  return *this;
}

StepBuilder& StepBuilder::result(std::string name, ArtifactType type) {
  step_.artifacts.push_back({.name = std::move(name), .type = type, .keep = true});
  return *this;
}

StepBuilder& StepBuilder::by_location() {
  if (!step_.artifacts.empty()) step_.artifacts.back().sharing = Sharing::kLocation;
  return *this;
}

StepBuilder& StepBuilder::value(std::string name, ParameterType type) {
  step_.values.push_back({.name = std::move(name), .type = type});
  return *this;
}

StepBuilder& StepBuilder::after(std::string step) {
  step_.after.push_back({.step = std::move(step)});
  return *this;
}

StepBuilder& StepBuilder::for_each(std::vector<std::string> items) {
  step_.fan_out = FanOut{.kind = FanOut::Kind::kItems, .items = std::move(items)};
  return *this;
}

StepBuilder& StepBuilder::shards_of(std::string parameter) {
  step_.fan_out = FanOut{.kind = FanOut::Kind::kShards, .parameter = std::move(parameter)};
  return *this;
}

StepBuilder& StepBuilder::shards(std::int64_t count) {
  step_.fan_out = FanOut{.kind = FanOut::Kind::kShards, .shards = count};
  return *this;
}

StepBuilder& StepBuilder::when(std::string_view condition) {
  auto parsed = parse_condition(condition);
  if (parsed.ok()) {
    step_.when = *std::move(parsed);
  } else {
    faults_->add(0, fmt::format("step '{}': {}", step_.name, parsed.error().message));
  }
  return *this;
}

PipelineBuilder::PipelineBuilder(std::string name, std::string description)
    : data_{.source = fmt::format("pipeline {}", name), .name = name},
      faults_(fmt::format("pipeline {}", name)) {
  data_.description = std::move(description);
}

void PipelineBuilder::parameter(std::string name, ParameterType type,
                                std::optional<Json> default_value, std::string help) {
  data_.parameters.push_back({.name = std::move(name),
                              .type = type,
                              .default_value = std::move(default_value),
                              .help = std::move(help)});
}

StepBuilder& PipelineBuilder::step(std::string name) {
  steps_.push_back(StepBuilder(std::move(name), faults_));
  return steps_.back();
}

StepBuilder& PipelineBuilder::exit(std::string name) {
  exit_ = StepBuilder(std::move(name), faults_);
  return *exit_;
}

Result<Graph> PipelineBuilder::build() {
  if (!faults_.empty()) return faults_.error();
  for (StepBuilder& builder : steps_) data_.steps.push_back(std::move(builder.step_));
  if (exit_) data_.exit = std::move(exit_->step_);
  return Graph::make(std::move(data_));
}

}  // namespace torii::pipeline

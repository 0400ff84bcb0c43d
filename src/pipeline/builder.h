#pragma once

#include <deque>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/faults.h"
#include "pipeline/graph.h"

namespace torii::pipeline {

/// Writes one step of a PipelineBuilder down. Mistakes are told by PipelineBuilder::build().
///
///     pipeline.step("train")
///         .command("torii train --data=${inputs.tables} --out=${outputs.model}")
///         .input("tables", "load.tables")
///         .output("model", ArtifactType::kModel);
class StepBuilder {
 public:
  StepBuilder& title(std::string text);
  /// Words by split_command(), with placeholders. Several calls append.
  StepBuilder& command(std::string_view line);
  /// Words as they are, for those with spaces in them.
  StepBuilder& words(const std::vector<std::string>& words);
  /// `from`: "STEP.OUTPUT".
  StepBuilder& input(std::string name, std::string_view from);
  StepBuilder& input_at(std::string name, std::string_view location, ArtifactType type);
  StepBuilder& output(std::string name, ArtifactType type);
  /// An output that no step reads: a result of the pipeline.
  StepBuilder& result(std::string name, ArtifactType type);
  /// The last output is shared by location.
  StepBuilder& by_location();
  StepBuilder& value(std::string name, ParameterType type);
  StepBuilder& after(std::string step);
  StepBuilder& for_each(std::vector<std::string> items);
  /// `parameter` names one of the type kInteger.
  StepBuilder& shards_of(std::string parameter);
  StepBuilder& shards(std::int64_t count);
  /// "gate.verdict == pass"
  StepBuilder& when(std::string_view condition);
  StepSettings& settings() { return step_.settings; }

 private:
  friend class PipelineBuilder;
  StepBuilder(std::string name, Faults& faults);
  Step step_;
  Faults* faults_;
};

/// Builds a graph in C++; the YAML form says the same (pipeline/read_graph.h).
class PipelineBuilder {
 public:
  PipelineBuilder(std::string name, std::string description);
  PipelineBuilder(const PipelineBuilder&) = delete;
  PipelineBuilder& operator=(const PipelineBuilder&) = delete;

  void parameter(std::string name, ParameterType type, std::optional<Json> default_value,
                 std::string help);
  /// The step stays valid until build().
  StepBuilder& step(std::string name);
  StepBuilder& exit(std::string name);
  /// Everything that has no call of its own: schedule, location, cluster settings.
  GraphData& data() { return data_; }

  /// Errors as Graph::make(). Called once.
  [[nodiscard]] Result<Graph> build();

 private:
  GraphData data_;
  Faults faults_;
  std::deque<StepBuilder> steps_;
  std::optional<StepBuilder> exit_;
};

}  // namespace torii::pipeline

#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/graph.h"

namespace torii::pipeline {

/// What a run was told: name and text of each `--param=name=text`.
using Given = std::vector<std::pair<std::string, std::string>>;

/// One command line that is run: a step, or one of the tasks that a step fans out into.
struct Task {
  std::size_t step = 0;     ///< index in Graph::steps()
  std::string name;         ///< "train"; "candidates-1" of a fan-out
  std::int64_t shard = 1;   ///< from 1
  std::int64_t shards = 1;  ///< how many tasks the step has
  std::string item = {};    ///< of a fan-out over items
};

/// A graph with its parameters settled and its fan-outs unfolded: what a run is going to do.
/// Immutable. Threads: const, concurrent.
class Plan {
 public:
  /// Values are read as the parameter's type says; a list is written a,b,c or as JSON. Errors:
  /// kInvalidArgument, one fault a line: a name that is no parameter, a value that is none of the
  /// type, a parameter without a value (with `Missing::kRefuse`; one that shapes the graph always).
  enum class Missing { kRefuse, kAllow };
  [[nodiscard]] static Result<Plan> make(const Graph& graph, const Given& given, Missing missing);

  [[nodiscard]] const Graph& graph() const { return graph_; }
  /// Beside the graph's parameters; null for one that has no value.
  [[nodiscard]] const std::vector<Json>& arguments() const { return arguments_; }
  /// The value of a parameter, which must be one of the graph.
  [[nodiscard]] const Json& argument(std::string_view name) const;

  /// Every task stands behind those that it needs; the tasks of a step stand together, by shard.
  [[nodiscard]] const std::vector<Task>& tasks() const { return tasks_; }
  [[nodiscard]] const Step& step_of(const Task& task) const { return graph_.steps()[task.step]; }
  /// Indices in tasks() of what tasks()[index] waits for, ascending.
  [[nodiscard]] std::vector<std::size_t> needs(std::size_t index) const;
  /// First index in tasks(), and how many: the tasks of a step.
  [[nodiscard]] std::pair<std::size_t, std::size_t> tasks_of(std::size_t step) const;

  /// The command line of a task. Parameters, item and shard are filled in here; `place` answers for
  /// inputs, outputs and the run. Parameters must have values.
  using Place = std::function<Filling(const Segment&)>;
  [[nodiscard]] std::vector<std::string> command(const Task& task, const Place& place) const;
  /// The same for the exit step, which the graph must have.
  [[nodiscard]] std::vector<std::string> exit_command(const Place& place) const;

 private:
  explicit Plan(Graph graph) : graph_(std::move(graph)) {}
  [[nodiscard]] Filling settled(const Segment& segment) const;

  Graph graph_;
  std::vector<Json> arguments_;
  std::vector<Task> tasks_;
};

/// A value as it stands in a command line: "64", "0.5", "true", "text"; a list as JSON.
[[nodiscard]] std::string value_text(const Json& value);

/// Reads the text of a value of that type. Errors: kInvalidArgument, without the name.
[[nodiscard]] Result<Json> parse_value(ParameterType type, const std::string& text);

/// A place as every folder understands it: "shop" and "sqlite:shop.db" are meant from `folder`
/// (absolute); URIs stay as they are.
[[nodiscard]] std::string settled_place(const std::string& place,
                                        const std::filesystem::path& folder);
/// The values of parameters with those of the type kPlace settled, defaults among them.
[[nodiscard]] Given settled_places(const Graph& graph, Given given,
                                   const std::filesystem::path& folder);

}  // namespace torii::pipeline

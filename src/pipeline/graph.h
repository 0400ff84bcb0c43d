#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "pipeline/settings.h"
#include "pipeline/words.h"

/// A pipeline is a graph of steps; a step is a command line, most often `torii <verb>`. The same
/// graph runs on this machine and compiles to Kubeflow Pipelines and to Argo Workflows. This module
/// knows command lines, not models.
namespace torii::pipeline {

/// What an artifact holds. kArtifact is anything; an input of that type takes every artifact.
enum class ArtifactType { kDataset, kModel, kMetrics, kHtml, kArtifact };
/// kTexts is a list of texts. It and every parameter that a fan-out counts by shape the graph:
/// their values are fixed when the graph is planned or compiled.
/// kPlace is the path of a file or folder, or a URI: steps work in folders of their own, so on this
/// machine a relative path is made absolute when the run begins (settled_place()).
enum class ParameterType { kText, kInteger, kNumber, kFlag, kTexts, kPlace };
/// kCopy: the step reads and writes files of its own, which are staged in and out around it.
/// kLocation: the step is given the place (a URI) and reads or writes there itself.
enum class Sharing { kCopy, kLocation };

/// "Dataset", "HTML"; "text", "integer", "number", "flag", "list",
/// "place"; as the YAML form writes them.
[[nodiscard]] std::string_view name_of(ArtifactType type);
[[nodiscard]] std::string_view name_of(ParameterType type);
[[nodiscard]] std::optional<ArtifactType> artifact_type(std::string_view name);
[[nodiscard]] std::optional<ParameterType> parameter_type(std::string_view name);

// Every part has `line`: where it stands in the graph's file, 1-based; 0 if it was built in code.

/// What a run may be told. Without a default it must be told.
struct Parameter {
  std::string name;
  ParameterType type = ParameterType::kText;
  std::optional<Json> default_value = {};  ///< of the type
  std::string help = {};
  std::uint32_t line = 0;
};

/// Bytes that a step makes: one file or one folder.
struct ArtifactOutput {
  std::string name;
  ArtifactType type = ArtifactType::kArtifact;
  Sharing sharing = Sharing::kCopy;
  bool keep = false;  ///< a result of the pipeline: it is right that no step reads it
  std::uint32_t line = 0;
};

/// A small value that a step writes into a file as text, without a line break at its end.
struct ValueOutput {
  std::string name;
  ParameterType type = ParameterType::kText;  ///< never kTexts
  bool keep = false;
  std::uint32_t line = 0;
};

/// What a step reads: an output of another step, or something at a location outside of the
/// pipeline ("postgres://shop/users", "${params.data}"), which is always shared by location.
/// If the other step fans out, the input is the list of what all its tasks made, in their order.
struct Input {
  std::string name;
  std::string step = {};    ///< whose output; empty: a location
  std::string output = {};  ///< name of an ArtifactOutput or ValueOutput
  Word location = {};
  std::optional<ArtifactType> type = {};  ///< what the step expects; checked against the output
  std::uint32_t line = 0;
};

/// Another step that must have ended well before, without data from it.
struct After {
  std::string step;
  std::uint32_t line = 0;
};

/// Runs the step's command once for each item, or once for each of so many shards. Either one is a
/// literal or the value of a parameter (kTexts for items, kInteger for shards).
struct FanOut {
  enum class Kind { kItems, kShards };
  Kind kind = Kind::kItems;
  std::vector<std::string> items = {};
  std::int64_t shards = 0;     ///< 1 to kShardsMax
  std::string parameter = {};  ///< not empty: the value comes from it
  std::uint32_t line = 0;
};
inline constexpr std::int64_t kShardsMax = 1000;

/// The step runs only if this holds; otherwise it is skipped, and with it every step that needs it.
struct Condition {
  enum class Comparison { kEqual, kNotEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual };
  std::string step = {};  ///< left side: a ValueOutput of a step,
  std::string name;       ///< or, without a step, a parameter
  Comparison comparison = Comparison::kEqual;
  Json right;  ///< text, number or flag
  std::uint32_t line = 0;
};
[[nodiscard]] std::string_view sign_of(Condition::Comparison comparison);

struct Step {
  std::string name;        ///< DNS label, at most 50 letters: "load-users"
  std::string title = {};  ///< for people; the name unless told
  std::vector<Word> command = {};
  std::vector<Input> inputs = {};
  std::vector<ArtifactOutput> artifacts = {};
  std::vector<ValueOutput> values = {};
  std::vector<After> after = {};
  std::optional<FanOut> fan_out = {};
  std::optional<Condition> when = {};
  StepSettings settings = {};
  std::uint32_t line = 0;

  [[nodiscard]] const Input* input(std::string_view input_name) const;
  [[nodiscard]] const ArtifactOutput* artifact(std::string_view output_name) const;
  [[nodiscard]] const ValueOutput* value(std::string_view output_name) const;
};

/// A graph as it is written down; nothing of it has been checked.
struct GraphData {
  std::string source;  ///< name of the file, for messages: "torii.yaml"
  std::string name;    ///< DNS label
  std::string description = {};
  std::vector<Parameter> parameters = {};
  std::vector<Step> steps = {};       ///< in the order of the file
  std::optional<Step> exit = {};      ///< runs at the end, whatever happened; reads no artifact
  std::optional<Word> location = {};  ///< where artifacts shared by location are kept ("s3://b/x")
  std::optional<Schedule> schedule = {};
  ClusterSettings cluster = {};
  std::uint32_t line = 0;
};

/// A graph that can be run and compiled: every reference leads somewhere, types fit, there is no
/// cycle, nothing is left over. Immutable; copies share it. Threads: const, concurrent.
class Graph {
 public:
  /// Checks everything that can be checked before a run. The error (kInvalidArgument) lists every
  /// fault on a line of its own: file, line, what is wrong and what to do.
  [[nodiscard]] static Result<Graph> make(GraphData data);

  [[nodiscard]] const GraphData& data() const { return state_->data; }
  [[nodiscard]] const std::string& name() const { return state_->data.name; }
  [[nodiscard]] const std::vector<Step>& steps() const { return state_->data.steps; }
  [[nodiscard]] const Step* step(std::string_view name) const;
  [[nodiscard]] const Parameter* parameter(std::string_view name) const;

  /// Indices of steps(), each behind those that it needs; the order of the file otherwise.
  [[nodiscard]] const std::vector<std::size_t>& order() const { return state_->order; }
  /// The steps that steps()[index] waits for (inputs, after, when), ascending.
  [[nodiscard]] const std::vector<std::size_t>& needs(std::size_t index) const {
    return state_->needs[index];
  }
  /// Whether the value of a parameter decides how many tasks or words there are.
  [[nodiscard]] bool shapes(const Parameter& parameter) const;

 private:
  struct State {
    GraphData data;
    std::vector<std::size_t> order;
    std::vector<std::vector<std::size_t>> needs;
  };
  explicit Graph(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

}  // namespace torii::pipeline

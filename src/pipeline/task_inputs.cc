#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/hash.h"
#include "base/json.h"
#include "pipeline/run_context.h"

namespace torii::pipeline {
namespace {

const ArtifactRecord* output_of(const std::vector<ArtifactRecord>& outputs, std::string_view name) {
  const auto found = std::ranges::find(outputs, name, &ArtifactRecord::name);
  return found == outputs.end() ? nullptr : &*found;
}

std::string type_of(const Input& input) {
  return std::string(name_of(input.type.value_or(ArtifactType::kArtifact)));
}

Result<ArtifactRecord> outside(const RunContext& context, const Task& task, const Input& input) {
  const std::string location = fill(input.location, [&](const Segment& segment) -> Filling {
    if (segment.kind == Segment::Kind::kParameter) {
      return value_text(context.plan->argument(segment.text));
    }
    if (segment.kind == Segment::Kind::kItem) return task.item;
    if (segment.kind == Segment::Kind::kShard) return std::to_string(task.shard);
    if (segment.kind == Segment::Kind::kShards) return std::to_string(task.shards);
    return context.run;
  });
  ArtifactRecord record{
      .task = task.name, .role = ArtifactRecord::Role::kInput, .name = input.name};
  record.type = type_of(input);
  record.by_location = true;
  // The step runs elsewhere, so a relative path would lead it nowhere.
  const bool is_path = location.find(':') == std::string::npos;
  const std::string place =
      is_path ? std::filesystem::absolute(location).lexically_normal().string() : location;
  auto found = fingerprint(place, context.options->environment);
  if (!found.ok()) return with_context(found.error(), fmt::format("input '{}'", input.name));
  record.stored = *std::move(found);
  return record;
}

// Numbers by value, everything else by its text.
int compare(const Json& left, const Json& right) {
  if (left.is_number() && right.is_number()) {
    const double a = left.as_double();
    const double b = right.as_double();
    return a < b ? -1 : a > b ? 1 : 0;
  }
  const std::string a = value_text(left);
  const std::string b = value_text(right);
  return a < b ? -1 : a > b ? 1 : 0;
}

}  // namespace

Result<std::vector<ArtifactRecord>> resolve_inputs(const RunContext& context, std::size_t index) {
  const Plan& plan = *context.plan;
  const Task& task = plan.tasks()[index];
  std::vector<ArtifactRecord> inputs;
  for (const Input& input : plan.step_of(task).inputs) {
    if (input.step.empty()) {
      TORII_TRY(ArtifactRecord record, outside(context, task, input));
      inputs.push_back(std::move(record));
      continue;
    }
    const Step* step = plan.graph().step(input.step);
    const auto [first, count] =
        plan.tasks_of(static_cast<std::size_t>(step - plan.graph().steps().data()));
    for (std::size_t at = 0; at < count; ++at) {
      const ArtifactRecord* made = output_of(context.outputs[first + at], input.output);
      if (made == nullptr) {
        return make_error(ErrorCode::kInternal, "input '{}': '{}' made no '{}'", input.name,
                          plan.tasks()[first + at].name, input.output);
      }
      ArtifactRecord record = *made;
      record.producer = fmt::format("{}.{}", made->task, made->name);
      record.task = task.name;
      record.role = ArtifactRecord::Role::kInput;
      record.name = input.name;
      record.position = static_cast<std::int64_t>(at);
      inputs.push_back(std::move(record));
    }
  }
  return inputs;
}

std::string cache_key(const RunContext& context, std::size_t index,
                      const std::vector<ArtifactRecord>& inputs) {
  const Plan& plan = *context.plan;
  const Task& task = plan.tasks()[index];
  const Step& step = plan.step_of(task);
  Json words = Json::array();
  for (const std::string& word : plan.command(task, [&](const Segment& segment) -> Filling {
         if (segment.kind == Segment::Kind::kRunId) return context.run;
         // The lists below say what is in it; here only where it stands.
         return segment.kind == Segment::Kind::kInput ? "<" + segment.text : ">" + segment.text;
       })) {
    words.push(word);
  }
  Json read = Json::array();
  for (const ArtifactRecord& input : inputs) {
    Json one = Json::object();
    one.set("name", input.name).set("value", input.value).set("sha256", input.stored.sha256);
    if (input.by_location) one.set("uri", input.stored.uri);
    read.push(std::move(one));
  }
  Json made = Json::array();
  for (const ArtifactOutput& output : step.artifacts) {
    made.push(Json::array().push(output.name).push(output.sharing == Sharing::kLocation));
  }
  for (const ValueOutput& output : step.values) made.push(output.name);
  Json variables = Json::object();
  for (const auto& [name, value] : step.settings.environment) variables.set(name, value);
  const std::string& image = step.settings.image;
  const bool is_own = !words.as_array().empty() && words.as_array().front() == Json("torii");
  return sha256_hex(Json::object()
                        .set("command", std::move(words))
                        .set("program", is_own ? context.program_sha256 : "")
                        .set("image", image.empty() ? plan.graph().data().cluster.image : image)
                        .set("environment", std::move(variables))
                        .set("inputs", std::move(read))
                        .set("outputs", std::move(made))
                        .dump());
}

Result<Environment> step_environment(const RunContext& context, const Step& step,
                                     std::string_view task) {
  Environment environment = context.options->environment;
  for (const BagVariable& variable : step.settings.variables) {
    if (!variable.optional && !environment.contains(variable.variable)) {
      return invalid(
          "{}: {} is not set; on a cluster it comes from '{}', key '{}', here from the "
          "environment: "
          "export {}=...",
          step.name, variable.variable, variable.name, variable.key, variable.variable);
    }
  }
  for (const BagVolume& volume : step.settings.volumes) {
    if (!volume.optional && !std::filesystem::is_directory(volume.folder)) {
      return invalid(
          "{}: there is no folder {}; on a cluster '{}' is mounted there, here it must "
          "exist",
          step.name, volume.folder, volume.name);
    }
  }
  for (const auto& [name, value] : step.settings.environment) environment[name] = value;
  environment["TORII_PIPELINE_RUN"] = context.run;
  environment["TORII_PIPELINE_TASK"] = task;
  return environment;
}

bool holds(const RunContext& context, const Condition& condition) {
  Json left;
  if (condition.step.empty()) {
    left = context.plan->argument(condition.name);
  } else {
    const Step* step = context.plan->graph().step(condition.step);
    const std::size_t first =
        context.plan
            ->tasks_of(static_cast<std::size_t>(step - context.plan->graph().steps().data()))
            .first;
    const ArtifactRecord* made = output_of(context.outputs[first], condition.name);
    if (made == nullptr) return false;
    const auto value = parse_value(step->value(condition.name)->type, made->value);
    left = value.ok() ? *value : Json(made->value);
  }
  const int order = compare(left, condition.right);
  switch (condition.comparison) {
    case Condition::Comparison::kEqual:
      return order == 0;
    case Condition::Comparison::kNotEqual:
      return order != 0;
    case Condition::Comparison::kLess:
      return order < 0;
    case Condition::Comparison::kLessOrEqual:
      return order <= 0;
    case Condition::Comparison::kGreater:
      return order > 0;
    case Condition::Comparison::kGreaterOrEqual:
      return order >= 0;
  }
  return false;
}

}  // namespace torii::pipeline

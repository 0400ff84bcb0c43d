#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/file.h"
#include "base/printable.h"
#include "pipeline/object_file.h"
#include "pipeline/process.h"
#include "pipeline/run_context.h"

namespace torii::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kValueBytesMax = std::size_t{64} << 10;
constexpr std::size_t kSaidColumns = 400;
constexpr const char* kAttemptMark = "TORII_PIPELINE_ATTEMPT";

// The work folder of an attempt, gone with it.
class WorkFolder {
 public:
  [[nodiscard]] static Result<WorkFolder> make(const fs::path& path) {
    std::error_code failure;
    fs::remove_all(path, failure);  // of a killed runner
    for (const char* part : {"inputs", "outputs", "tmp"}) {
      fs::create_directories(path / part, failure);
      if (failure) {
        return disk_error(path / part, "create it", failure.value());
      }
    }
    return WorkFolder(path);
  }
  WorkFolder(WorkFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  WorkFolder& operator=(WorkFolder&&) = delete;
  ~WorkFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  explicit WorkFolder(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
};

bool is_list(const Plan& plan, const Step& step, std::string_view name) {
  const Input* input = step.input(name);
  return !input->step.empty() && plan.graph().step(input->step)->fan_out.has_value();
}

// What stands in the command for each input: paths of copies, locations, texts of values.
Result<std::map<std::string, std::vector<std::string>, std::less<>>> stage_in(
    const RunContext& context, const Step& step, const std::vector<ArtifactRecord>& inputs,
    const fs::path& work) {
  std::map<std::string, std::vector<std::string>, std::less<>> places;
  for (const ArtifactRecord& input : inputs) {
    std::vector<std::string>& place = places[input.name];
    if (input.is_value) {
      place.push_back(input.value);
    } else if (input.by_location) {
      place.push_back(input.stored.uri);
    } else {
      fs::path path = work / "inputs" / input.name;
      if (is_list(*context.plan, step, input.name)) {
        std::error_code failure;
        fs::create_directories(path, failure);
        path /= std::to_string(input.position + 1);
      }
      auto copied = context.store.get(input.stored, path);
      if (!copied.ok()) {
        return with_context(copied.error(), fmt::format("input '{}'", input.name));
      }
      place.push_back(path.string());
    }
  }
  return places;
}

std::string location_of(const RunContext& context, const std::string& task, int number,
                        const std::string& name) {
  const auto& location = context.plan->graph().data().location;
  std::string root = context.store.root() + "/locations";
  if (location) {
    root = fill(*location, [&](const Segment& segment) -> Filling {
      return segment.kind == Segment::Kind::kParameter
                 ? value_text(context.plan->argument(segment.text))
                 : context.run;
    });
    if (root.find(':') == std::string::npos) {
      root = fs::absolute(root).lexically_normal().string();
    }
  }
  while (root.ends_with('/')) root.pop_back();
  // With the attempt's number: what a failed one left is never taken for a whole.
  return fmt::format("{}/{}/{}/{}/{}", root, context.run, task, number, name);
}

Result<std::string> read_value(const fs::path& path, const ValueOutput& output) {
  auto text = read_file(path, kValueBytesMax);
  if (!text.ok()) {
    return with_context(text.error(), fmt::format("value '{}' was not written", output.name));
  }
  if (text->ends_with('\n')) text->pop_back();
  if (const auto value = parse_value(output.type, *text); !value.ok()) {
    return with_context(value.error(), fmt::format("value '{}'", output.name));
  }
  return *text;
}

Result<std::vector<ArtifactRecord>> stage_out(const RunContext& context, const Task& task,
                                              int number, const fs::path& work) {
  const Step& step = context.plan->step_of(task);
  std::vector<ArtifactRecord> made;
  for (const ArtifactOutput& output : step.artifacts) {
    ArtifactRecord record{.task = task.name, .name = output.name};
    record.type = name_of(output.type);
    if (output.sharing == Sharing::kLocation) {
      record.by_location = true;
      auto found = fingerprint(location_of(context, task.name, number, output.name),
                               context.options->environment);
      if (!found.ok()) return with_context(found.error(), "output '" + output.name + "'");
      record.stored = *std::move(found);
    } else {
      TORII_TRY(record.stored, context.store.put(work / "outputs" / output.name,
                                                 fmt::format("output '{}'", output.name)));
    }
    record.created_ms = context.now_ms();
    made.push_back(std::move(record));
  }
  for (const ValueOutput& output : step.values) {
    ArtifactRecord record{.task = task.name, .name = output.name};
    record.type = name_of(output.type);
    record.is_value = true;
    TORII_TRY(record.value, read_value(work / "outputs" / output.name, output));
    record.created_ms = context.now_ms();
    made.push_back(std::move(record));
  }
  return made;
}

// Places of the outputs in the command; folders of local locations are made.
Filling output_place(const RunContext& context, const Task& task, int number, const fs::path& work,
                     const std::string& name) {
  const ArtifactOutput* output = context.plan->step_of(task).artifact(name);
  if (output == nullptr || output->sharing == Sharing::kCopy) {
    return (work / "outputs" / name).string();
  }
  std::string location = location_of(context, task.name, number, name);
  if (location.find(':') == std::string::npos) {
    std::error_code ignored;  // the step will say it
    fs::create_directories(fs::path(location).parent_path(), ignored);
  }
  return location;
}

AttemptEnd failed(Error error) {
  const bool may_retry = error.code == ErrorCode::kIo;  // disks and networks come back
  return {.may_retry = may_retry, .error = std::move(error)};
}

ErrorCode code_of(const ProcessEnd& end) {
  switch (end.kind) {
    case ProcessEnd::Kind::kMemory:
    case ProcessEnd::Kind::kStorage:
      return ErrorCode::kResourceExhausted;
    case ProcessEnd::Kind::kCancelled:
      return ErrorCode::kCancelled;
    case ProcessEnd::Kind::kExited:
      if (end.exit_code == 2) return ErrorCode::kInvalidArgument;
      if (end.exit_code == 3) return ErrorCode::kCheckFailed;
      return ErrorCode::kInternal;
    default:
      return ErrorCode::kInternal;
  }
}

// Without the head that torii gives its errors.
std::string_view said(std::string_view line) {
  constexpr std::string_view kHead = "torii: error: ";
  if (line.starts_with(kHead)) line.remove_prefix(kHead.size());
  return line;
}

}  // namespace

AttemptEnd run_recorded(RunContext& context, const Step& step, const std::string& task, int number,
                        const std::vector<std::string>& command, const fs::path& work,
                        const std::vector<std::pair<std::string, fs::path>>& artifacts,
                        const std::function<Result<void>()>& gather,
                        const std::function<bool()>& cancelled,
                        const std::function<void(std::string_view)>& on_line) {
  auto environment = step_environment(context, step, task);
  if (!environment.ok()) return failed(environment.error());
  (*environment)["TMPDIR"] = (work / "tmp").string();
  const std::string mark = fmt::format("{}.{}.{}", context.run, task, number);
  (*environment)[kAttemptMark] = mark;
  ProcessSpec spec{.command = command,
                   .folder = work,
                   .environment = *std::move(environment),
                   .log = context.folder() / "logs" / fmt::format("{}.{}.log", task, number)};
  if (spec.command.front() == "torii" && !context.options->program.empty()) {
    spec.command.front() = context.options->program.string();
  }
  spec.limits = {.memory_bytes = step.settings.resources.memory_limit_bytes,
                 .storage_bytes = step.settings.resources.storage_limit_bytes,
                 .timeout_s = step.settings.timeout_s,
                 .grace_s = context.options->grace_s};
  spec.artifacts = artifacts;
  AttemptRecord record{.task = task, .number = number};
  record.started_ms = context.now_ms();
  record.log = spec.log.string();
  const auto write = [&]() -> Result<void> {
    const std::scoped_lock lock(context.lineage_lock);
    return context.lineage->set_attempt(context.run, record);
  };
  if (auto written = write(); !written.ok()) return failed(written.error());
  std::string last_line;  // where programs say what went wrong
  const auto end = run_process(
      spec,
      [&](std::string_view line) {
        if (line.find_first_not_of(" \t\r\n") != std::string_view::npos) last_line = line;
        if (on_line) on_line(line);
      },
      cancelled);
  kill_marked(kAttemptMark, mark);  // what has left its group, as daemons do
  AttemptEnd outcome;
  if (!end.ok()) {
    outcome = failed(end.error());
  } else {
    record.exit_code = end->exit_code;
    record.peak_memory_bytes = end->peak_memory_bytes;
    outcome.ok = end->ok();
    outcome.cancelled = end->kind == ProcessEnd::Kind::kCancelled;
    outcome.error = {code_of(*end), end->message};
    if (end->kind == ProcessEnd::Kind::kExited && !end->ok() && !last_line.empty()) {
      outcome.error.message += ": " + cut(visible(said(last_line)), kSaidColumns);
    }
    outcome.may_retry = outcome.error.code == ErrorCode::kInternal;
  }
  if (outcome.ok && gather) {
    if (auto gathered = gather(); !gathered.ok()) outcome = failed(gathered.error());
  }
  record.ended_ms = context.now_ms();
  record.status = outcome.ok ? "succeeded" : outcome.cancelled ? "cancelled" : "failed";
  record.message = outcome.error.message;
  if (auto written = write(); !written.ok()) {
    if (outcome.ok) return failed(written.error());
    outcome.error.message += "; it could not be recorded: " + written.error().message;
  }
  return outcome;
}

AttemptEnd run_attempt(RunContext& context, std::size_t index, int number,
                       const std::vector<ArtifactRecord>& inputs,
                       std::vector<ArtifactRecord>& outputs,
                       const std::function<void(std::string_view)>& on_line) {
  const Task& task = context.plan->tasks()[index];
  const Step& step = context.plan->step_of(task);
  auto folder = WorkFolder::make(context.folder() / "work" / task.name);
  if (!folder.ok()) return failed(folder.error());
  const fs::path& work = folder->path();
  auto places = stage_in(context, step, inputs, work);
  if (!places.ok()) return failed(places.error());
  const std::vector<std::string> command =
      context.plan->command(task, [&](const Segment& segment) -> Filling {
        if (segment.kind == Segment::Kind::kRunId) return context.run;
        if (segment.kind != Segment::Kind::kInput) {
          return output_place(context, task, number, work, segment.text);
        }
        const std::vector<std::string>& place = (*places)[segment.text];
        if (is_list(*context.plan, step, segment.text)) return Filling(place);
        return place.front();
      });
  Json words = Json::array();
  for (const std::string& word : command) words.push(word);
  context.records[index].command = words.dump();
  std::vector<std::pair<std::string, fs::path>> artifacts;
  for (const Input& input : step.inputs) {
    artifacts.emplace_back(input.name, work / "inputs" / input.name);
  }
  for (const ArtifactOutput& output : step.artifacts) {
    artifacts.emplace_back(output.name, work / "outputs" / output.name);
  }
  return run_recorded(
      context, step, task.name, number, command, work, artifacts,
      [&]() -> Result<void> {
        TORII_TRY(outputs, stage_out(context, task, number, work));
        return {};
      },
      [&] { return context.stop.load(); }, on_line);
}

}  // namespace torii::pipeline

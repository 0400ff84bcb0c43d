#include <fmt/format.h>

#include <utility>

#include "pipeline/submit.h"

namespace torii::pipeline {
namespace {

constexpr std::string_view kBase = "/apis/v2beta1";
constexpr int kRecurringPagesMax = 100;

std::string at(std::string_view path) {
  return fmt::format("{}{}", kBase, path);
}

Json equals_filter(const std::string& key, const std::string& value) {
  return Json::object().set(
      "predicates",
      Json::array().push(
          Json::object().set("operation", "EQUALS").set("key", key).set("stringValue", value)));
}

Result<std::string> text_in(const Json& answer, const char* member, const char* what) {
  if (auto text = answer.string_at(member); text && !text->empty()) return *std::move(text);
  return make_error(ErrorCode::kIo,
                    "the server's answer to {} holds no {}: is it Kubeflow "
                    "Pipelines 2?",
                    what, member);
}

// The id of the only one of that name in a list; empty if there is none.
Result<std::string> find_id(ClusterApi& api, const char* list, const char* id,
                            const std::string& name, const std::string& namespace_name) {
  ClusterApi::Query query = {{"filter", equals_filter("display_name", name).dump()}};
  if (!namespace_name.empty()) query.emplace_back("namespace", namespace_name);
  TORII_TRY(const Json answer, api.get(at(fmt::format("/{}", list)), query));
  const Json* found = answer.find(list);
  if (found == nullptr || !found->is_array() || found->as_array().empty()) return std::string();
  return text_in(found->as_array().front(), id, list);
}

Result<void> upload(ClusterApi& api, const KfpSubmission& submission, Submitted& submitted) {
  TORII_TRY(submitted.pipeline_id, find_id(api, "pipelines", "pipeline_id",
                                           submission.pipeline_name, submission.namespace_name));
  const std::string file = submission.pipeline_name + ".yaml";
  if (submitted.pipeline_id.empty()) {
    ClusterApi::Query query = {{"name", submission.pipeline_name}};
    if (!submission.description.empty()) query.emplace_back("description", submission.description);
    if (!submission.namespace_name.empty()) {
      query.emplace_back("namespace", submission.namespace_name);
    }
    TORII_TRY(const Json made,
              api.upload(at("/pipelines/upload"), query, "uploadfile", file, submission.ir));
    TORII_TRY(submitted.pipeline_id, text_in(made, "pipeline_id", "the upload"));
    // The first version has the pipeline's name, and no answer tells its id.
    TORII_TRY(const Json versions,
              api.get(at(fmt::format("/pipelines/{}/versions", submitted.pipeline_id)),
                      {{"page_size", "1"}, {"sort_by", "created_at desc"}}));
    const Json* list = versions.find("pipeline_versions");
    if (list == nullptr || !list->is_array() || list->as_array().empty()) {
      return make_error(ErrorCode::kIo,
                        "the server has no version of the pipeline '{}' that was "
                        "just uploaded",
                        submission.pipeline_name);
    }
    TORII_TRY(submitted.version_id,
              text_in(list->as_array().front(), "pipeline_version_id", "the list of versions"));
    return {};
  }
  ClusterApi::Query query = {{"name", submission.version_name},
                             {"pipelineid", submitted.pipeline_id}};
  if (!submission.description.empty()) query.emplace_back("description", submission.description);
  TORII_TRY(const Json made,
            api.upload(at("/pipelines/upload_version"), query, "uploadfile", file, submission.ir));
  TORII_TRY(submitted.version_id, text_in(made, "pipeline_version_id", "the upload"));
  return {};
}

Result<void> find_experiment(ClusterApi& api, const KfpSubmission& submission,
                             Submitted& submitted) {
  TORII_TRY(submitted.experiment_id, find_id(api, "experiments", "experiment_id",
                                             submission.experiment, submission.namespace_name));
  if (!submitted.experiment_id.empty()) return {};
  Json body = Json::object().set("display_name", submission.experiment);
  if (!submission.namespace_name.empty()) body.set("namespace", submission.namespace_name);
  TORII_TRY(const Json made, api.create(at("/experiments"), body));
  TORII_TRY(submitted.experiment_id, text_in(made, "experiment_id", "the experiment"));
  return {};
}

// The recurring runs that are on and that this one replaces.
Result<std::vector<std::string>> find_recurring(ClusterApi& api, const KfpSubmission& submission,
                                                const Submitted& submitted) {
  std::vector<std::string> found;
  std::string page;
  for (int pages = 0; pages < kRecurringPagesMax; ++pages) {
    ClusterApi::Query query = {{"experiment_id", submitted.experiment_id}, {"page_size", "100"}};
    if (!page.empty()) query.emplace_back("page_token", page);
    TORII_TRY(const Json answer, api.get(at("/recurringruns"), query));
    const Json* list = answer.find("recurringRuns");
    if (list != nullptr && list->is_array()) {
      for (const Json& run : list->as_array()) {
        const Json* of = run.find("pipeline_version_reference");
        const bool same = of != nullptr && run.string_at("display_name") == submission.run_name &&
                          of->string_at("pipeline_id") == submitted.pipeline_id;
        if (!same || run.string_at("status") == "DISABLED") continue;
        TORII_TRY(std::string id, text_in(run, "recurring_run_id", "the list of recurring runs"));
        found.push_back(std::move(id));
      }
    }
    page = answer.string_at("next_page_token").value_or("");
    if (page.empty()) return found;
  }
  return make_error(ErrorCode::kIo, "the experiment '{}' has more than {} recurring runs",
                    submission.experiment, kRecurringPagesMax * 100);
}

// The new one first: there is no time at which none is on.
Result<void> set_up_recurring(ClusterApi& api, const KfpSubmission& submission, const Json& body,
                              Submitted& submitted) {
  TORII_TRY(const std::vector<std::string> old, find_recurring(api, submission, submitted));
  TORII_TRY(const Json made, api.create(at("/recurringruns"), body));
  TORII_TRY(submitted.run_id, text_in(made, "recurring_run_id", "the recurring run"));
  submitted.link = fmt::format("{}/#/recurringrun/details/{}", api.host(), submitted.run_id);
  for (const std::string& id : old) {
    const auto done = api.create(at(fmt::format("/recurringruns/{}:disable", id)), Json::object());
    if (!done.ok()) {
      return with_context(done.error(), fmt::format("the recurring run {} is set up, but {}, whose "
                                                    "place it takes, is still on; disable it",
                                                    submitted.run_id, id));
    }
    submitted.replaced.push_back(id);
  }
  return {};
}

RunState::Phase phase_of(const std::string& state) {
  if (state == "SUCCEEDED" || state == "SKIPPED") return RunState::Phase::kSucceeded;
  if (state == "FAILED") return RunState::Phase::kFailed;
  if (state == "CANCELED") return RunState::Phase::kCancelled;
  return state == "RUNNING" ? RunState::Phase::kRunning : RunState::Phase::kPending;
}

// What the server says of a task: its error, else that of the state that it entered last.
std::string message_of(const Json& task) {
  const auto text = [](const Json* error) {
    return error == nullptr ? "" : error->string_at("message").value_or("");
  };
  if (const std::string own = text(task.find("error")); !own.empty()) return own;
  const Json* history = task.find("state_history");
  if (history == nullptr || !history->is_array() || history->as_array().empty()) return "";
  return text(history->as_array().back().find("error"));
}

}  // namespace

Result<Submitted> submit_kfp(ClusterApi& api, const KfpSubmission& submission) {
  Submitted submitted;
  TORII_TRY_VOID(upload(api, submission, submitted));
  TORII_TRY_VOID(find_experiment(api, submission, submitted));
  Json runtime = Json::object().set("parameters", submission.arguments);
  if (!submission.pipeline_root.empty()) runtime.set("pipeline_root", submission.pipeline_root);
  Json body = Json::object();
  body.set("display_name", submission.run_name)
      .set("experiment_id", submitted.experiment_id)
      .set("pipeline_version_reference", Json::object()
                                             .set("pipeline_id", submitted.pipeline_id)
                                             .set("pipeline_version_id", submitted.version_id))
      .set("runtime_config", std::move(runtime));
  if (!submission.service_account.empty()) {
    body.set("service_account", submission.service_account);
  }
  submitted.recurring = submission.schedule.has_value();
  if (submitted.recurring) {
    const Schedule& schedule = *submission.schedule;
    // KFP's expressions begin with the second.
    const std::string zone = schedule.zone == "UTC" ? "" : fmt::format("TZ={} ", schedule.zone);
    const std::string cron = fmt::format("{}0 {}", zone, schedule.cron);
    body.set("mode", "ENABLE")
        .set("max_concurrency", "1")
        .set("no_catchup", schedule.catch_up != Schedule::CatchUp::kAll)
        .set("trigger", Json::object().set("cron_schedule", Json::object().set("cron", cron)));
    TORII_TRY_VOID(set_up_recurring(api, submission, body, submitted));
    return submitted;
  }
  TORII_TRY(const Json made, api.create(at("/runs"), body));
  TORII_TRY(submitted.run_id, text_in(made, "run_id", "the run"));
  submitted.link = fmt::format("{}/#/runs/details/{}", api.host(), submitted.run_id);
  return submitted;
}

Result<RunState> kfp_run_state(ClusterApi& api, const std::string& run_id) {
  TORII_TRY(const Json run, api.get(at(fmt::format("/runs/{}", run_id))));
  RunState state;
  state.word = run.string_at("state").value_or("PENDING");
  state.phase = phase_of(state.word);
  const Json* details = run.find("run_details");
  const Json* tasks = details == nullptr ? nullptr : details->find("task_details");
  if (tasks == nullptr || !tasks->is_array()) return state;
  for (const Json& task : tasks->as_array()) {
    RunState::TaskState one{.name = task.string_at("display_name").value_or(""),
                            .word = task.string_at("state").value_or("PENDING")};
    // Drivers are KFP's own pods, not steps.
    if (one.name.empty() || one.name.ends_with("-driver") || one.name == "root") continue;
    one.message = message_of(task);
    state.refused = state.refused || one.message.find("exit code 3") != std::string::npos;
    state.tasks.push_back(with_remedy(std::move(one)));
  }
  return state;
}

}  // namespace torii::pipeline

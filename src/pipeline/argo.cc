#include "pipeline/argo.h"

#include <fmt/format.h>

#include <utility>

#include "pipeline/argo_dag.h"
#include "pipeline/argo_pod.h"
#include "pipeline/argo_step.h"

namespace torii::pipeline {
namespace {

constexpr const char* kMainTemplate = "Pipeline";  // no step has a capital letter

class ArgoCompiler {
 public:
  ArgoCompiler(const Plan& plan, ArgoKind kind)
      : plan_(plan),
        graph_(plan.graph()),
        tasks_(plan),
        kind_(kind),
        faults_(graph_.data().source) {}

  Result<Compiled> compile() {
    check_for_cluster(graph_, "Argo", faults_);
    for (const Step& step : graph_.steps()) warn_of_rounding(step);
    if (graph_.data().exit) warn_of_rounding(*graph_.data().exit);
    const GraphData& data = graph_.data();
    if (kind_ == ArgoKind::kCron && !data.schedule) {
      faults_.add(data.line, "the pipeline has no schedule; add `schedule: \"0 2 * * *\"`");
    }
    Json spec = workflow_spec();
    if (!faults_.empty()) return faults_.error();
    Json manifest = object(kind_ == ArgoKind::kWorkflow ? "Workflow" : "WorkflowTemplate");
    manifest.set("spec", std::move(spec));
    // The template first: a CronWorkflow whose template is missing stays invalid until it changes.
    compiled_.documents.push_back(std::move(manifest));
    if (kind_ == ArgoKind::kCron) compiled_.documents.push_back(cron());
    return std::move(compiled_);
  }

 private:
  void warn_of_rounding(const Step& step) {
    const Retries& retries = step.settings.retries;
    if (retries.count == 0 || argo_factor(retries.factor) == retries.factor) return;
    compiled_.warnings.push_back(
        fmt::format("step '{}': retries: Argo knows whole factors only: {} becomes {}", step.name,
                    retries.factor, argo_factor(retries.factor)));
  }

  Json object(const char* kind) const {
    const GraphData& data = graph_.data();
    Json metadata = Json::object();
    if (std::string_view(kind) == "Workflow") {
      metadata.set("generateName", data.name + "-");
    } else {
      metadata.set("name", data.name);
    }
    if (!data.cluster.namespace_name.empty()) {
      metadata.set("namespace", data.cluster.namespace_name);
    }
    metadata.set("labels", Json::object().set("app.kubernetes.io/managed-by", "torii"));
    if (!data.description.empty()) {
      metadata.set("annotations",
                   Json::object().set("workflows.argoproj.io/description", data.description));
    }
    return Json::object()
        .set("apiVersion", "argoproj.io/v1alpha1")
        .set("kind", kind)
        .set("metadata", std::move(metadata));
  }

  Json cron() {
    const Schedule& schedule = *graph_.data().schedule;
    if (schedule.catch_up == Schedule::CatchUp::kAll) {
      compiled_.warnings.emplace_back(
          "schedule: Argo starts the last missed time only, not all (catch_up: all)");
    }
    const bool catches_up = schedule.catch_up != Schedule::CatchUp::kNone;
    Json spec = Json::object();
    spec.set("schedules", Json::array().push(schedule.cron))
        .set("timezone", schedule.zone)
        .set("concurrencyPolicy", "Forbid")
        .set("startingDeadlineSeconds", catches_up ? 86400 : 60)
        .set("successfulJobsHistoryLimit", 7)
        .set("failedJobsHistoryLimit", 7)
        .set("workflowSpec",
             Json::object().set("workflowTemplateRef", Json::object().set("name", graph_.name())));
    return object("CronWorkflow").set("spec", std::move(spec));
  }

  Json workflow_spec() {
    const GraphData& data = graph_.data();
    Json spec = Json::object().set("entrypoint", kMainTemplate);
    if (data.exit) spec.set("onExit", data.exit->name);
    if (!data.cluster.service_account.empty()) {
      spec.set("serviceAccountName", data.cluster.service_account);
    }
    if (data.cluster.restricted) spec.set("securityContext", argo_pod_security());
    Json secrets = Json::array();
    for (const std::string& name : data.cluster.pull_secrets) {
      secrets.push(Json::object().set("name", name));
    }
    if (!secrets.as_array().empty()) spec.set("imagePullSecrets", std::move(secrets));
    if (!data.cluster.repository_key.empty()) {
      spec.set("artifactRepositoryRef", Json::object()
                                            .set("configMap", data.cluster.repository_config_map)
                                            .set("key", data.cluster.repository_key));
    }
    Json parameters = Json::array();
    for (const Parameter* one : open_parameters(graph_)) parameters.push(argument(*one));
    if (!parameters.as_array().empty()) {
      spec.set("arguments", Json::object().set("parameters", std::move(parameters)));
    }
    spec.set("podGC", Json::object().set("strategy", "OnPodSuccess"))
        .set("ttlStrategy", Json::object().set("secondsAfterCompletion", kArgoKeptSeconds));
    Json templates = Json::array();
    templates.push(Json::object().set("name", kMainTemplate).set("dag", argo_dag(tasks_)));
    for (const std::size_t index : graph_.order()) {
      templates.push(argo_step_template(tasks_, graph_.steps()[index]));
    }
    if (data.exit) templates.push(argo_step_template(tasks_, *data.exit));
    return spec.set("templates", std::move(templates));
  }

  Json argument(const Parameter& parameter) {
    Json json = Json::object().set("name", parameter.name);
    const Json& value = plan_.argument(parameter.name);
    if (!value.is_null()) {
      json.set("value", value_text(value));
    } else if (kind_ != ArgoKind::kTemplate) {
      faults_.add(
          parameter.line,
          fmt::format("parameter '{}' has no value; give it one (--param={}=...), or write a "
                      "template, whose runs are given one (--as=template)",
                      parameter.name, parameter.name));
    }
    if (!parameter.help.empty()) json.set("description", parameter.help);
    return json;
  }

  const Plan& plan_;
  const Graph& graph_;
  ArgoTasks tasks_;
  ArgoKind kind_;
  Faults faults_;
  Compiled compiled_;
};

}  // namespace

Result<Compiled> compile_argo(const Plan& plan, ArgoKind kind) {
  return ArgoCompiler(plan, kind).compile();
}

}  // namespace torii::pipeline

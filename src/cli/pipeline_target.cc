#include "cli/pipeline_target.h"

#include <fmt/format.h>

#include <utility>

#include "pipeline/kfp.h"

namespace torii::cli {
namespace {

constexpr const char* kConfigMap = "torii-config";

Result<Target> target_of(const std::string& name) {
  if (name == "kfp") return Target::kKfp;
  if (name == "argo") return Target::kArgo;
  return invalid("--target: expected kfp or argo, {}",
                 name.empty() ? "found none" : fmt::format("found '{}'", name));
}

Result<pipeline::ArgoKind> kind_of(const std::string& as, const pipeline::Graph& graph) {
  if (as == "workflow") return pipeline::ArgoKind::kWorkflow;
  if (as == "template") return pipeline::ArgoKind::kTemplate;
  if (as == "cron") return pipeline::ArgoKind::kCron;
  if (!as.empty()) return invalid("--as: expected workflow, template or cron, found '{}'", as);
  return graph.data().schedule ? pipeline::ArgoKind::kCron : pipeline::ArgoKind::kWorkflow;
}

}  // namespace

void declare_target(Verb& verb, TargetFlags& flags) {
  declare_pipeline(verb, flags.pipeline, PipelineUse::kCluster);
  verb.text("--target", "NAME", &flags.target, "kfp: Kubeflow Pipelines; argo: Argo Workflows.");
  verb.text("--as", "KIND", &flags.as,
            "Of Argo: workflow, template, or cron (a template and its schedule); cron unless told "
            "if the pipeline has a schedule, else workflow.");
  verb.text("--namespace", "NAME", &flags.namespace_name, "Namespace of the cluster.");
  verb.text("--service-account", "NAME", &flags.service_account,
            "Service account that the steps run as.");
}

Result<CompiledPipeline> compile_pipeline(const Session& session, const TargetFlags& flags) {
  TORII_TRY(const Target target, target_of(flags.target));
  if (target == Target::kKfp && !flags.as.empty()) {
    return invalid("--as={}: Kubeflow Pipelines has one form; leave it out", flags.as);
  }
  PipelineFlags source = flags.pipeline;
  if (!session.common().config.empty() && source.config_map.empty()) {
    source.config_map = kConfigMap;
    session.reporter().note(
        fmt::format("the steps read the configuration from the config map {0}: kubectl create "
                    "configmap {0} --from-file=torii.yaml={1}",
                    kConfigMap, session.common().config));
  }
  TORII_TRY(OpenedPipeline opened, open_pipeline(session, source));
  pipeline::Graph& graph = opened.graph;
  pipeline::GraphData data = graph.data();
  if (!flags.namespace_name.empty()) data.cluster.namespace_name = flags.namespace_name;
  if (!flags.service_account.empty()) data.cluster.service_account = flags.service_account;
  TORII_TRY(graph, pipeline::Graph::make(std::move(data)));
  TORII_TRY(const pipeline::Given given, given_of(graph, source));
  TORII_TRY(pipeline::Plan plan,
            pipeline::Plan::make(graph, given, pipeline::Plan::Missing::kAllow));
  TORII_TRY(const pipeline::ArgoKind kind, kind_of(flags.as, graph));
  TORII_TRY(pipeline::Compiled compiled, target == Target::kKfp
                                             ? pipeline::compile_kfp(plan)
                                             : pipeline::compile_argo(plan, kind));
  for (const std::string& warning : compiled.warnings) session.reporter().warn(warning);
  return CompiledPipeline{
      .target = target, .kind = kind, .plan = std::move(plan), .compiled = std::move(compiled)};
}

}  // namespace torii::cli

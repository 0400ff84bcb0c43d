#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <memory>
#include <thread>

#include "base/hash.h"
#include "cli/cluster_token.h"
#include "cli/pipeline.h"
#include "cli/pipeline_target.h"
#include "pipeline/compiled.h"
#include "pipeline/submit.h"

namespace torii::cli {
namespace {

constexpr const char* kAccount = "/var/run/secrets/kubernetes.io/serviceaccount";

struct SubmitFlags {
  TargetFlags target;
  std::string host;
  std::string via = "kubernetes";
  std::string token_file;
  std::string ca;
  std::string experiment = "torii";
  std::string run_name;
  std::string pipeline_root;
  bool no_follow = false;
};

// Where a pod finds its own token: Kubeflow mounts one for its server.
std::string token_of_pod(const Session& session, Target target) {
  if (target != Target::kKfp) return std::string(kAccount) + "/token";
  const Environment& environment = session.environment();
  const auto named = environment.find("KF_PIPELINES_SA_TOKEN_PATH");
  return named != environment.end() ? named->second : "/var/run/secrets/kubeflow/pipelines/token";
}

Result<pipeline::ClusterAccess> access_of(const Session& session, const SubmitFlags& flags,
                                          Target target) {
  pipeline::ClusterAccess access{.host = flags.host};
  access.trusted = flags.ca;
  const Environment& environment = session.environment();
  const auto address = environment.find("KUBERNETES_SERVICE_HOST");
  if (access.host.empty() && target == Target::kArgo && flags.via == "kubernetes" &&
      address != environment.end()) {
    const auto port = environment.find("KUBERNETES_SERVICE_PORT");
    const bool is_v6 = address->second.find(':') != std::string::npos;
    access.host = fmt::format("https://{}{}{}:{}", is_v6 ? "[" : "", address->second,
                              is_v6 ? "]" : "", port == environment.end() ? "443" : port->second);
    if (access.trusted.empty()) access.trusted = std::string(kAccount) + "/ca.crt";
  }
  if (access.host.empty()) {
    return invalid("--host is missing: the address of {}",
                   target == Target::kKfp ? "the Kubeflow Pipelines server, https://HOST[/PATH]"
                                          : "the Kubernetes API server, or of the Argo server "
                                            "with --via=argo-server");
  }
  TORII_TRY(access.token, cluster_token(session, flags.token_file, token_of_pod(session, target)));
  return access;
}

std::string stamp() {
  return fmt::format("{:%F-%H%M%S}", fmt::gmtime(std::time(nullptr)));
}

Result<pipeline::Submitted> start_kfp(pipeline::ClusterApi& api, const SubmitFlags& flags,
                                      const CompiledPipeline& made) {
  const pipeline::GraphData& data = made.plan.graph().data();
  pipeline::KfpSubmission submission;
  submission.pipeline_name = data.name;
  submission.description = data.description;
  submission.ir = made.compiled.text();
  const std::string now = stamp();
  submission.version_name =
      fmt::format("{}-{}-{}", data.name, now, sha256_hex(submission.ir).substr(0, 8));
  submission.experiment = flags.experiment;
  submission.run_name =
      flags.run_name.empty() ? fmt::format("{}-{}", data.name, now) : flags.run_name;
  submission.namespace_name = data.cluster.namespace_name;
  submission.service_account = data.cluster.service_account;
  submission.pipeline_root = flags.pipeline_root;
  submission.schedule = data.schedule;
  for (const pipeline::Parameter* one : pipeline::open_parameters(made.plan.graph())) {
    const Json& value = made.plan.argument(one->name);
    if (value.is_null()) {
      return invalid("parameter '{}' has no value; give it one: --param={}=...", one->name,
                     one->name);
    }
    submission.arguments.set(one->name, value);
  }
  return pipeline::submit_kfp(api, submission);
}

Result<void> follow(Session& session, const std::function<Result<pipeline::RunState>()>& ask,
                    Json& document) {
  const auto pause = [&] {
    for (int i = 0; i < 20; ++i) {
      if (session.reporter().cancelled()) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return true;
  };
  TORII_TRY(const pipeline::RunState state, pipeline::follow_run(ask, pause, session.reporter()));
  document.set("state", state.word);
  Json tasks = Json::array();
  std::string why;
  for (const auto& task : state.tasks) {
    tasks.push(
        Json::object().set("name", task.name).set("state", task.word).set("message", task.message));
    if (why.empty() && !task.message.empty()) why = fmt::format("{}: {}", task.name, task.message);
  }
  document.set("tasks", std::move(tasks));
  if (state.phase == pipeline::RunState::Phase::kSucceeded) {
    session.print(fmt::format("{}\n", state.word));
    return {};
  }
  return session.refuse(
      document, make_error(state.refused ? ErrorCode::kCheckFailed : ErrorCode::kIo,
                           "the run ended as {}{}{}", state.word, why.empty() ? "" : ": ", why));
}

Result<void> submit_pipeline(Session& session, const SubmitFlags& flags) {
  if (flags.via != "kubernetes" && flags.via != "argo-server") {
    return invalid("--via: expected kubernetes or argo-server, found '{}'", flags.via);
  }
  TORII_TRY(const CompiledPipeline made, compile_pipeline(session, flags.target));
  TORII_TRY(const pipeline::ClusterAccess access, access_of(session, flags, made.target));
  pipeline::ClusterApi api(session.environment(), access, session.reporter());
  const bool kfp = made.target == Target::kKfp;
  const auto via =
      flags.via == "kubernetes" ? pipeline::ArgoVia::kKubernetes : pipeline::ArgoVia::kArgoServer;
  std::string space = made.plan.graph().data().cluster.namespace_name;
  if (space.empty()) space = "default";
  TORII_TRY(
      const pipeline::Submitted started,
      kfp ? start_kfp(api, flags, made) : pipeline::submit_argo(api, via, space, made.compiled));
  session.print(fmt::format("{}  {}{}\n", started.run_id,
                            started.recurring ? "is set up" : "has started",
                            started.link.empty() ? "" : "  " + started.link));
  Json document = Json::object()
                      .set("run", started.run_id)
                      .set("recurring", started.recurring)
                      .set("link", started.link);
  if (kfp) {
    document.set("pipeline_id", started.pipeline_id)
        .set("version_id", started.version_id)
        .set("experiment_id", started.experiment_id);
  }
  if (!started.recurring && !flags.no_follow) {
    TORII_TRY_VOID(follow(
        session,
        [&] {
          return kfp ? pipeline::kfp_run_state(api, started.run_id)
                     : pipeline::argo_run_state(api, via, space, started.run_id);
        },
        document));
  }
  session.answer(document);
  return {};
}

}  // namespace

void add_pipeline_submit(Verb& pipeline, CommonFlags& common) {
  Verb& verb = pipeline.child("submit", "Compiles a pipeline, starts it on a cluster, follows it.");
  auto flags = std::make_shared<SubmitFlags>();
  verb.usage("torii pipeline submit NAME|FILE --target=kfp|argo --host=URL [flags]");
  declare_target(verb, flags->target);
  verb.text("--host", "URL", &flags->host,
            "Address of the server; in a pod, Argo's default is the pod's own cluster.");
  verb.text("--via", "NAME", &flags->via,
            "Of Argo: kubernetes (the API server, the default) or argo-server.");
  verb.text("--token-file", "FILE", &flags->token_file, kTokenHelp);
  verb.text("--ca", "FILE", &flags->ca, "Certificates to trust instead of the system's.");
  verb.text("--experiment", "NAME", &flags->experiment, "Of KFP; torii unless told.");
  verb.text("--run-name", "NAME", &flags->run_name, "Of KFP; pipeline and time unless told.");
  verb.text("--pipeline-root", "URI", &flags->pipeline_root,
            "Of KFP: where artifacts are kept, s3://BUCKET/FOLDER; the server's unless told.");
  verb.flag("--no-follow", &flags->no_follow, "Starts the run and does not wait for its end.");
  declare_output(verb, common);
  verb.example(
      "torii pipeline submit nightly --target=kfp --host=https://kfp.example.org "
      "--image=torii:0.1 --data=s3://shop/tables --param=store=postgres://shop");
  verb.action([flags](Session& session) { return submit_pipeline(session, *flags); });
}

}  // namespace torii::cli

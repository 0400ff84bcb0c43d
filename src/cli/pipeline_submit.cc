#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <memory>
#include <thread>

#include "base/hash.h"
#include "cli/cluster_access.h"
#include "cli/pipeline.h"
#include "cli/pipeline_target.h"
#include "pipeline/compiled.h"
#include "pipeline/submit.h"

namespace torii::cli {
namespace {

struct SubmitFlags {
  TargetFlags target;
  AccessFlags access;
  std::string via = "kubernetes";
  std::string experiment = "torii";
  std::string run_name;
  std::string pipeline_root;
  bool no_follow = false;
};

struct Stamp {
  std::string second;  ///< "2026-11-26-163228"
  int millisecond = 0;
};
Stamp stamp() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  return {fmt::format("{:%F-%H%M%S}", fmt::gmtime(static_cast<std::time_t>(ms / 1000))),
          static_cast<int>(ms % 1000)};
}

Result<pipeline::Submitted> start_kfp(pipeline::ClusterApi& api, const SubmitFlags& flags,
                                      const CompiledPipeline& made) {
  const pipeline::GraphData& data = made.plan.graph().data();
  pipeline::KfpSubmission submission;
  submission.pipeline_name = data.name;
  submission.description = data.description;
  submission.ir = made.compiled.text();
  const auto [now, ms] = stamp();
  submission.version_name =
      fmt::format("{}-{}-{:03}-{}", data.name, now, ms, sha256_hex(submission.ir).substr(0, 8));
  submission.experiment = flags.experiment;
  submission.run_name = flags.run_name;
  if (flags.run_name.empty()) {  // what repeats has one name, so that the next takes its place
    submission.run_name = data.schedule ? data.name : fmt::format("{}-{}", data.name, now);
  }
  submission.namespace_name = data.cluster.namespace_name;
  submission.service_account = data.cluster.service_account;
  submission.pipeline_root =
      flags.pipeline_root.empty() ? data.cluster.pipeline_root : flags.pipeline_root;
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
  std::string why_not;  // what was left out in consequence comes second
  for (const auto& task : state.tasks) {
    tasks.push(
        Json::object().set("name", task.name).set("state", task.word).set("message", task.message));
    if (task.message.empty()) continue;
    const bool failed = task.word == "Failed" || task.word == "Error" || task.word == "FAILED";
    std::string& text = failed ? why : why_not;
    if (text.empty()) text = fmt::format("{}: {}", task.name, task.message);
  }
  if (why.empty()) why = why_not;
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
  const bool kfp = made.target == Target::kKfp;
  const auto via =
      flags.via == "kubernetes" ? pipeline::ArgoVia::kKubernetes : pipeline::ArgoVia::kArgoServer;
  TORII_TRY(const FoundCluster cluster,
            find_cluster(session, flags.access,
                         kfp                                     ? ClusterServer::kKubeflow
                         : via == pipeline::ArgoVia::kKubernetes ? ClusterServer::kKubernetes
                                                                 : ClusterServer::kArgoServer));
  pipeline::ClusterApi api(session.environment(), cluster.access, session.reporter());
  std::string space = made.plan.graph().data().cluster.namespace_name;
  if (space.empty()) space = cluster.namespace_name;
  if (space.empty()) space = "default";
  TORII_TRY(
      const pipeline::Submitted started,
      kfp ? start_kfp(api, flags, made) : pipeline::submit_argo(api, via, space, made.compiled));
  session.print(fmt::format("{}  {}{}\n", started.run_id,
                            started.recurring ? "is set up" : "has started",
                            started.link.empty() ? "" : "  " + started.link));
  Json replaced = Json::array();
  for (const std::string& id : started.replaced) {
    session.print(fmt::format("{}  was on under that name and is disabled now\n", id));
    replaced.push(id);
  }
  Json document = Json::object()
                      .set("run", started.run_id)
                      .set("recurring", started.recurring)
                      .set("link", started.link);
  if (kfp) {
    document.set("pipeline_id", started.pipeline_id)
        .set("version_id", started.version_id)
        .set("experiment_id", started.experiment_id);
    if (started.recurring) document.set("replaced", std::move(replaced));
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
  verb.usage("torii pipeline submit NAME|FILE --target=kfp|argo [--host=URL] [flags]");
  declare_target(verb, flags->target);
  declare_access(verb, flags->access);
  verb.text("--via", "NAME", &flags->via,
            "Of Argo: kubernetes (the API server, the default) or argo-server.");
  verb.text("--experiment", "NAME", &flags->experiment, "Of KFP; torii unless told.");
  verb.text(
      "--run-name", "NAME", &flags->run_name,
      "Of KFP; pipeline and time unless told. A recurring run takes the place of the one of its "
      "name, the pipeline's unless told.");
  verb.text(
      "--pipeline-root", "URI", &flags->pipeline_root,
      "Of KFP: where artifacts are kept, s3://BUCKET/FOLDER; else cluster.pipeline_root, else "
      "the server's.");
  verb.flag("--no-follow", &flags->no_follow, "Starts the run and does not wait for its end.");
  declare_output(verb, common);
  verb.example(
      "torii pipeline submit nightly --target=kfp --host=https://kfp.example.org "
      "--image=torii:0.1 --data=s3://shop/tables --param=store=postgres://shop");
  verb.action([flags](Session& session) { return submit_pipeline(session, *flags); });
}

}  // namespace torii::cli

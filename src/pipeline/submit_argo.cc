#include <fmt/format.h>

#include <utility>

#include "pipeline/submit.h"

namespace torii::pipeline {
namespace {

struct ArgoKindFacts {
  std::string_view kind;
  const char* plural;        // in paths of the Kubernetes API
  const char* server_path;   // of the Argo server
  const char* server_field;  // where its requests hold the object
};
constexpr ArgoKindFacts kArgoKinds[] = {
    {"Workflow", "workflows", "workflows", "workflow"},
    {"WorkflowTemplate", "workflowtemplates", "workflow-templates", "template"},
    {"CronWorkflow", "cronworkflows", "cron-workflows", "cronWorkflow"}};

const ArgoKindFacts& facts_of(const std::string& kind) {
  for (const ArgoKindFacts& facts : kArgoKinds) {
    if (facts.kind == kind) return facts;
  }
  return kArgoKinds[0];
}

std::string path_of(ArgoVia via, const ArgoKindFacts& facts, const std::string& namespace_name) {
  return via == ArgoVia::kArgoServer
             ? fmt::format("/api/v1/{}/{}", facts.server_path, namespace_name)
             : fmt::format("/apis/argoproj.io/v1alpha1/namespaces/{}/{}", namespace_name,
                           facts.plural);
}

Json request_of(ArgoVia via, const ArgoKindFacts& facts, const std::string& namespace_name,
                const Json& object) {
  if (via == ArgoVia::kKubernetes) return object;
  return Json::object().set("namespace", namespace_name).set(facts.server_field, object);
}

// Creates the object, or gives the one that is there the new specification.
Result<Json> put_object(ClusterApi& api, ArgoVia via, const std::string& namespace_name,
                        Json object) {
  const ArgoKindFacts& facts = facts_of(object.string_at("kind").value_or(""));
  const std::string path = path_of(via, facts, namespace_name);
  Json metadata = *object.find("metadata");
  metadata.set("namespace", namespace_name);
  object.set("metadata", metadata);
  const auto name = metadata.string_at("name");
  if (name) {
    const auto old = api.get(fmt::format("{}/{}", path, *name));
    if (!old.ok() && old.error().code != ErrorCode::kNotFound) return old.error();
    if (old.ok()) {
      // The server refuses a change of something that has changed since.
      const Json* old_metadata = old->find("metadata");
      if (old_metadata != nullptr) {
        metadata.set("resourceVersion", old_metadata->string_at("resourceVersion").value_or(""));
        if (const auto uid = old_metadata->string_at("uid")) metadata.set("uid", *uid);
      }
      object.set("metadata", std::move(metadata));
      return api.replace(fmt::format("{}/{}", path, *name),
                         request_of(via, facts, namespace_name, object));
    }
  }
  return api.create(path, request_of(via, facts, namespace_name, object));
}

RunState::Phase phase_of_argo(const std::string& phase) {
  if (phase == "Succeeded") return RunState::Phase::kSucceeded;
  if (phase == "Failed" || phase == "Error") return RunState::Phase::kFailed;
  return phase == "Running" ? RunState::Phase::kRunning : RunState::Phase::kPending;
}

}  // namespace

Result<Submitted> submit_argo(ClusterApi& api, ArgoVia via, const std::string& namespace_name,
                              const Compiled& compiled) {
  Submitted submitted;
  for (const Json& document : compiled.documents) {
    TORII_TRY(const Json made, put_object(api, via, namespace_name, document));
    const Json* metadata = made.find("metadata");
    const auto name = metadata == nullptr ? std::nullopt : metadata->string_at("name");
    if (!name) {
      return make_error(ErrorCode::kIo, "{}: the answer names no object: is it {}?", api.host(),
                        via == ArgoVia::kArgoServer ? "an Argo server" : "a Kubernetes API server");
    }
    submitted.run_id = *name;
    submitted.recurring = document.string_at("kind") != "Workflow";
    if (via == ArgoVia::kArgoServer) {
      submitted.link = fmt::format("{}/{}/{}/{}", api.host(),
                                   facts_of(document.string_at("kind").value_or("")).server_path,
                                   namespace_name, *name);
    }
  }
  return submitted;
}

Result<RunState> argo_run_state(ClusterApi& api, ArgoVia via, const std::string& namespace_name,
                                const std::string& workflow) {
  TORII_TRY(const Json object,
            api.get(fmt::format("{}/{}", path_of(via, kArgoKinds[0], namespace_name), workflow)));
  RunState state;
  const Json* status = object.find("status");
  if (status == nullptr) return state;
  state.word = status->string_at("phase").value_or("Pending");
  state.phase = phase_of_argo(state.word);
  const Json* nodes = status->find("nodes");
  if (nodes == nullptr || !nodes->is_object()) return state;
  for (const auto& [id, node] : nodes->as_object()) {
    const std::string type = node.string_at("type").value_or("");
    if (type != "Pod" && type != "Skipped") continue;
    RunState::TaskState one{.name = node.string_at("displayName").value_or(id),
                            .word = node.string_at("phase").value_or("Pending"),
                            .message = node.string_at("message").value_or("")};
    state.refused = state.refused || one.message.find("exit code 3)") != std::string::npos ||
                    one.message.ends_with("exit code 3");
    state.tasks.push_back(with_remedy(std::move(one)));
  }
  return state;
}

}  // namespace torii::pipeline

#include "pipeline/argo_pod.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace torii::pipeline {
namespace {

constexpr const char* kOutputs = "outputs";
constexpr const char* kOutputFolder = "/torii/outputs";
constexpr const char* kScratch = "scratch";
constexpr const char* kScratchFolder = "/tmp";

Json strings_of(const Pairs& pairs) {
  Json map = Json::object();
  for (const auto& [key, value] : pairs) map.set(key, value);
  return map;
}

Json environment_of(const StepSettings& settings) {
  Json list = Json::array();
  for (const auto& [name, value] : settings.environment) {
    list.push(Json::object().set("name", name).set("value", value));
  }
  for (const BagVariable& variable : settings.variables) {
    Json reference = Json::object();
    reference.set("name", variable.name).set("key", variable.key);
    if (variable.optional) reference.set("optional", true);
    const char* kind = variable.bag == Bag::kSecret ? "secretKeyRef" : "configMapKeyRef";
    list.push(Json::object()
                  .set("name", variable.variable)
                  .set("valueFrom", Json::object().set(kind, std::move(reference))));
  }
  return list;
}

Json resources_of(const Resources& resources) {
  const auto side = [](std::int64_t cpu, std::uint64_t memory, std::uint64_t storage) {
    Json map = Json::object();
    if (cpu != 0) map.set("cpu", cpu_text(cpu));
    if (memory != 0) map.set("memory", bytes_text(memory));
    if (storage != 0) map.set("ephemeral-storage", bytes_text(storage));
    return map;
  };
  Json json = Json::object();
  Json requests = side(resources.cpu_request_milli, resources.memory_request_bytes,
                       resources.storage_request_bytes);
  Json limits =
      side(resources.cpu_limit_milli, resources.memory_limit_bytes, resources.storage_limit_bytes);
  if (!requests.as_object().empty()) json.set("requests", std::move(requests));
  if (!limits.as_object().empty()) json.set("limits", std::move(limits));
  return json;
}

std::string volume_name(std::size_t index) {
  return fmt::format("volume-{}", index + 1);
}

// A folder of its own in a pod, which a step may write to whatever its image is.
Json mount_of(const char* name, const char* folder) {
  return Json::object().set("name", name).set("mountPath", folder);
}
Json empty_volume(const char* name) {
  return Json::object().set("name", name).set("emptyDir", Json::object());
}

Json without_rights() {
  return Json::object()
      .set("runAsNonRoot", true)
      .set("readOnlyRootFilesystem", true)
      .set("allowPrivilegeEscalation", false)
      .set("capabilities", Json::object().set("drop", Json::array().push("ALL")))
      .set("seccompProfile", Json::object().set("type", "RuntimeDefault"));
}

}  // namespace

Json argo_pod_security() {
  // The containers that bring and take artifacts run as the same user: what they bring from S3 is
  // for its owner alone.
  constexpr std::int64_t kUser = 65532;
  return Json::object()
      .set("runAsNonRoot", true)
      .set("runAsUser", kUser)
      .set("runAsGroup", kUser)
      .set("fsGroup", kUser)
      .set("seccompProfile", Json::object().set("type", "RuntimeDefault"));
}

double argo_factor(double factor) {
  return std::max(1.0, std::round(factor));
}

std::string argo_input_path(const std::string& port) {
  return fmt::format("/torii/inputs/{}", port);
}
std::string argo_output_path(const std::string& output) {
  return fmt::format("{}/{}", kOutputFolder, output);
}

Json argo_container(const StepSettings& settings, const ClusterSettings& cluster,
                    const std::string& image, const std::vector<std::string>& words) {
  Json container = Json::object();
  container.set("image", image);
  if (!cluster.pull_policy.empty()) container.set("imagePullPolicy", cluster.pull_policy);
  container.set("command", Json::array().push(words.front()));
  Json args = Json::array();
  for (std::size_t i = 1; i < words.size(); ++i) args.push(words[i]);
  if (words.size() > 1) container.set("args", std::move(args));
  Json environment = environment_of(settings);
  if (!environment.as_array().empty()) container.set("env", std::move(environment));
  Json resources = resources_of(settings.resources);
  if (!resources.as_object().empty()) container.set("resources", std::move(resources));
  if (cluster.restricted) container.set("securityContext", without_rights());
  Json mounts = Json::array();
  mounts.push(mount_of(kOutputs, kOutputFolder)).push(mount_of(kScratch, kScratchFolder));
  for (std::size_t i = 0; i < settings.volumes.size(); ++i) {
    mounts.push(Json::object()
                    .set("name", volume_name(i))
                    .set("mountPath", settings.volumes[i].folder)
                    .set("readOnly", true));
  }
  container.set("volumeMounts", std::move(mounts));
  return container;
}

void set_argo_settings(Json& into, const StepSettings& settings) {
  if (settings.retries.count > 0) {
    const Retries& retries = settings.retries;
    into.set("retryStrategy",
             Json::object()
                 .set("limit", std::to_string(retries.count))
                 .set("retryPolicy", "Always")
                 // Bad input and a check that said no are answers.
                 .set("expression", "lastRetry.exitCode != \"2\" && lastRetry.exitCode != \"3\"")
                 .set("backoff", Json::object()
                                     .set("duration", seconds_text(retries.wait_s))
                                     .set("factor", fmt::format("{}", argo_factor(retries.factor)))
                                     .set("cap", seconds_text(retries.wait_max_s))));
  }
  if (settings.timeout_s > 0) {
    into.set("activeDeadlineSeconds", static_cast<std::int64_t>(std::ceil(settings.timeout_s)));
  }
  Json volumes = Json::array();
  volumes.push(empty_volume(kOutputs)).push(empty_volume(kScratch));
  for (std::size_t i = 0; i < settings.volumes.size(); ++i) {
    const BagVolume& volume = settings.volumes[i];
    const bool secret = volume.bag == Bag::kSecret;
    Json source = Json::object().set(secret ? "secretName" : "name", volume.name);
    if (volume.optional) source.set("optional", true);
    volumes.push(Json::object()
                     .set("name", volume_name(i))
                     .set(secret ? "secret" : "configMap", std::move(source)));
  }
  into.set("volumes", std::move(volumes));
  if (!settings.node_selector.empty()) {
    into.set("nodeSelector", strings_of(settings.node_selector));
  }
  Json tolerations = Json::array();
  for (const Toleration& toleration : settings.tolerations) {
    Json one = Json::object();
    if (!toleration.key.empty()) one.set("key", toleration.key);
    one.set("operator", toleration.operation);
    if (!toleration.value.empty()) one.set("value", toleration.value);
    if (!toleration.effect.empty()) one.set("effect", toleration.effect);
    if (toleration.seconds) one.set("tolerationSeconds", *toleration.seconds);
    tolerations.push(std::move(one));
  }
  if (!tolerations.as_array().empty()) into.set("tolerations", std::move(tolerations));
  if (!settings.labels.empty()) {
    into.set("metadata", Json::object().set("labels", strings_of(settings.labels)));
  }
}

}  // namespace torii::pipeline

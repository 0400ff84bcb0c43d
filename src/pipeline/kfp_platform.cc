#include "pipeline/kfp_platform.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace torii::pipeline {
namespace {

Json map_of(const Pairs& pairs) {
  Json map = Json::object();
  for (const auto& [key, value] : pairs) map.set(key, value);
  return map;
}

Json constant_name(const std::string& name) {
  return Json::object().set("runtimeValue", Json::object().set("constant", name));
}

// secretAsEnv or configMapAsEnv: one entry for each object, with all of its keys.
Json as_environment(const StepSettings& settings, Bag bag, const std::string& word) {
  Json list = Json::array();
  for (const BagVariable& variable : settings.variables) {
    if (variable.bag != bag) continue;
    const Json pair =
        Json::object().set(word + "Key", variable.key).set("envVar", variable.variable);
    const auto entry = std::ranges::find_if(list.as_array(), [&](const Json& one) {
      return one.string_at(word + "Name") == variable.name &&
             one.bool_at("optional") == variable.optional;
    });
    if (entry != list.as_array().end()) {
      Json keys = *entry->find("keyToEnv");
      entry->set("keyToEnv", keys.push(pair));
      continue;
    }
    list.push(Json::object()
                  .set("keyToEnv", Json::array().push(pair))
                  .set("optional", variable.optional)
                  .set(word + "Name", variable.name)
                  .set(word + "NameParameter", constant_name(variable.name)));
  }
  return list;
}

Json as_volumes(const StepSettings& settings, Bag bag, const std::string& word) {
  Json list = Json::array();
  for (const BagVolume& volume : settings.volumes) {
    if (volume.bag != bag) continue;
    list.push(Json::object()
                  .set("mountPath", volume.folder)
                  .set("optional", volume.optional)
                  .set(word + "Name", volume.name)
                  .set(word + "NameParameter", constant_name(volume.name)));
  }
  return list;
}

void set_list(Json& into, const char* key, Json list) {
  if (!list.as_array().empty()) into.set(key, std::move(list));
}

}  // namespace

Json kfp_resources(const Resources& resources) {
  constexpr double kGiga = 1e9;
  Json json = Json::object();
  const auto cpu = [&](const char* number, const char* text, std::int64_t milli) {
    if (milli == 0) return;
    json.set(number, static_cast<double>(milli) / 1000).set(text, cpu_text(milli));
  };
  const auto memory = [&](const char* number, const char* text, std::uint64_t bytes) {
    if (bytes == 0) return;
    json.set(number, static_cast<double>(bytes) / kGiga).set(text, bytes_text(bytes));
  };
  cpu("cpuLimit", "resourceCpuLimit", resources.cpu_limit_milli);
  cpu("cpuRequest", "resourceCpuRequest", resources.cpu_request_milli);
  memory("memoryLimit", "resourceMemoryLimit", resources.memory_limit_bytes);
  memory("memoryRequest", "resourceMemoryRequest", resources.memory_request_bytes);
  return json;
}

Json kfp_retries(const Retries& retries) {
  return Json::object()
      .set("backoffDuration", seconds_text(retries.wait_s))
      .set("backoffFactor", retries.factor)
      .set("backoffMaxDuration", seconds_text(retries.wait_max_s))
      .set("maxRetryCount", retries.count);
}

Json kfp_platform(const StepSettings& settings, const ClusterSettings& cluster) {
  Json json = Json::object();
  if (settings.timeout_s > 0) {
    json.set("activeDeadlineSeconds", static_cast<std::int64_t>(std::ceil(settings.timeout_s)));
  }
  set_list(json, "configMapAsEnv", as_environment(settings, Bag::kConfigMap, "configMap"));
  set_list(json, "configMapAsVolume", as_volumes(settings, Bag::kConfigMap, "configMap"));
  if (!cluster.pull_policy.empty()) json.set("imagePullPolicy", cluster.pull_policy);
  Json pull_secrets = Json::array();
  for (const std::string& name : cluster.pull_secrets) {
    pull_secrets.push(
        Json::object().set("secretName", name).set("secretNameParameter", constant_name(name)));
  }
  set_list(json, "imagePullSecret", std::move(pull_secrets));
  if (!settings.node_selector.empty()) {
    json.set("nodeSelector", Json::object().set("labels", map_of(settings.node_selector)));
  }
  if (!settings.labels.empty()) {
    json.set("podMetadata", Json::object().set("labels", map_of(settings.labels)));
  }
  set_list(json, "secretAsEnv", as_environment(settings, Bag::kSecret, "secret"));
  set_list(json, "secretAsVolume", as_volumes(settings, Bag::kSecret, "secret"));
  Json tolerations = Json::array();
  for (const Toleration& toleration : settings.tolerations) {
    Json one = Json::object();
    if (!toleration.effect.empty()) one.set("effect", toleration.effect);
    if (!toleration.key.empty()) one.set("key", toleration.key);
    one.set("operator", toleration.operation);
    if (!toleration.value.empty()) one.set("value", toleration.value);
    if (toleration.seconds) one.set("tolerationSeconds", *toleration.seconds);
    tolerations.push(std::move(one));
  }
  set_list(json, "tolerations", std::move(tolerations));
  return json;
}

}  // namespace torii::pipeline

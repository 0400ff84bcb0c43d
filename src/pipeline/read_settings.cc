#include "pipeline/read_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace torii::pipeline {
namespace {

void merge_pairs(Pairs& into, Pairs from) {
  for (auto& [key, value] : from) {
    const auto found = std::ranges::find(into, key, &Pairs::value_type::first);
    if (found == into.end()) {
      into.emplace_back(std::move(key), std::move(value));
    } else {
      found->second = std::move(value);
    }
  }
}

template <class T, class Parse>
void read_quantity(Section& section, std::string_view key, T& field, Parse parse,
                   const char* example) {
  const auto text = section.scalar(key);
  if (!text) return;
  if (const auto value = parse(*text)) {
    field = *value;
  } else {
    section.fault(section.line(), fmt::format("{}: expected a quantity such as {}, found '{}'", key,
                                              example, *text));
  }
}

void read_resources(const Json& value, Resources& resources, Faults& faults,
                    const std::string& where) {
  Section section(value, where + "resources", faults);
  read_quantity(section, "cpu", resources.cpu_request_milli, parse_cpu, "500m or 2");
  read_quantity(section, "cpu_limit", resources.cpu_limit_milli, parse_cpu, "500m or 2");
  read_quantity(section, "memory", resources.memory_request_bytes, parse_bytes, "512Mi or 2Gi");
  read_quantity(section, "memory_limit", resources.memory_limit_bytes, parse_bytes, "512Mi or 2Gi");
  read_quantity(section, "storage", resources.storage_request_bytes, parse_bytes, "1Gi");
  read_quantity(section, "storage_limit", resources.storage_limit_bytes, parse_bytes, "10Gi");
  section.done();
}

void read_retries(const Json& value, Retries& retries, Faults& faults, const std::string& where) {
  constexpr std::int64_t kMax = 1000;  // the range itself is checked with the graph
  if (value.is_int()) {
    retries.count = static_cast<int>(std::clamp<std::int64_t>(value.as_int(), -1, kMax));
    return;
  }
  Section section(value, where + "retries", faults);
  if (const auto count = section.integer("count")) {
    retries.count = static_cast<int>(std::clamp<std::int64_t>(*count, -1, kMax));
  }
  if (const auto wait = section.seconds("wait")) retries.wait_s = *wait;
  if (const auto factor = section.number("factor")) retries.factor = *factor;
  if (const auto wait = section.seconds("wait_max")) {
    retries.wait_max_s = *wait;
  } else {
    retries.wait_max_s = std::max(retries.wait_max_s, retries.wait_s);
  }
  section.done();
}

void read_bag(const Json& value, Bag bag, StepSettings& settings, Faults& faults,
              const std::string& where) {
  Section section(value, where, faults);
  const std::string name = section.text("name").value_or("");
  const bool optional = section.flag("optional").value_or(false);
  const Pairs variables = section.pairs("environment");
  for (const auto& [variable, key] : variables) {
    settings.variables.push_back({.bag = bag,
                                  .name = name,
                                  .key = key,
                                  .variable = variable,
                                  .optional = optional,
                                  .line = value.line});
  }
  const auto folder = section.text("mount");
  if (folder) {
    settings.volumes.push_back(
        {.bag = bag, .name = name, .folder = *folder, .optional = optional, .line = value.line});
  }
  section.done();
  if (name.empty()) section.fault(value.line, "name is missing");
  if (!folder && variables.empty()) {
    section.fault(value.line,
                  "it is not used; say `environment: {VARIABLE: key}` or `mount: "
                  "/folder`");
  }
}

Toleration read_toleration(const Json& value, Faults& faults, const std::string& where) {
  Section section(value, where + "tolerations", faults);
  Toleration toleration{.key = section.text("key").value_or("")};
  toleration.operation = section.text("operator").value_or("Equal");
  toleration.value = section.scalar("value").value_or("");
  toleration.effect = section.text("effect").value_or("");
  toleration.seconds = section.integer("seconds");
  section.done();
  return toleration;
}

}  // namespace

StepSettings read_settings(Section& section, StepSettings base, Faults& faults) {
  StepSettings settings = std::move(base);
  const std::string where = section.where().empty() ? "" : section.where() + ": ";
  if (auto image = section.text("image")) settings.image = *std::move(image);
  if (const Json* value = section.take("resources")) {
    read_resources(*value, settings.resources, faults, where);
  }
  if (const Json* value = section.take("retries")) {
    read_retries(*value, settings.retries, faults, where);
  }
  if (const auto seconds = section.seconds("timeout")) settings.timeout_s = *seconds;
  if (const auto cache = section.flag("cache")) settings.cache = *cache;
  merge_pairs(settings.environment, section.pairs("environment"));
  merge_pairs(settings.node_selector, section.pairs("node_selector"));
  merge_pairs(settings.labels, section.pairs("labels"));
  section.elements("secrets", [&](const Json& value) {
    read_bag(value, Bag::kSecret, settings, faults, where + "secrets");
  });
  section.elements("config_maps", [&](const Json& value) {
    read_bag(value, Bag::kConfigMap, settings, faults, where + "config_maps");
  });
  section.elements("tolerations", [&](const Json& value) {
    settings.tolerations.push_back(read_toleration(value, faults, where));
  });
  return settings;
}

Schedule read_schedule(const Json& value, Faults& faults) {
  Schedule schedule{.cron = {}};
  schedule.line = value.line;
  if (value.is_string()) {
    schedule.cron = value.as_string();
    return schedule;
  }
  Section section(value, "schedule", faults);
  schedule.cron = section.text("cron").value_or("");
  schedule.zone = section.text("zone").value_or("UTC");
  const std::string catch_up = section.scalar("catch_up").value_or("none");
  if (catch_up == "last") {
    schedule.catch_up = Schedule::CatchUp::kLast;
  } else if (catch_up == "all") {
    schedule.catch_up = Schedule::CatchUp::kAll;
  } else if (catch_up != "none") {
    section.fault(value.line,
                  fmt::format("catch_up: expected none, last or all, found '{}'", catch_up));
  }
  section.done();
  return schedule;
}

ClusterSettings read_cluster(const Json& value, Faults& faults) {
  Section section(value, "cluster", faults);
  ClusterSettings cluster;
  cluster.line = value.line;
  cluster.image = section.text("image").value_or("");
  cluster.pull_policy = section.text("pull_policy").value_or("");
  for (const Json& secret : section.texts("pull_secrets")) {
    cluster.pull_secrets.push_back(secret.as_string());
  }
  cluster.namespace_name = section.text("namespace").value_or("");
  cluster.service_account = section.text("service_account").value_or("");
  cluster.restricted = section.flag("restricted").value_or(false);
  cluster.pipeline_root = section.text("pipeline_root").value_or("");
  if (const Json* repository = section.take("artifact_repository")) {
    Section map(*repository, "cluster: artifact_repository", faults);
    cluster.repository_config_map = map.text("config_map").value_or("");
    cluster.repository_key = map.text("key").value_or("");
    if (cluster.repository_config_map.empty() || cluster.repository_key.empty()) {
      map.fault(repository->line, "expected {config_map, key}: where Argo finds the repository");
    }
    map.done();
  }
  const std::string& policy = cluster.pull_policy;
  if (!policy.empty() && policy != "Always" && policy != "IfNotPresent" && policy != "Never") {
    section.fault(value.line, fmt::format("pull_policy: expected Always, IfNotPresent or Never, "
                                          "found '{}'",
                                          policy));
  }
  section.done();
  return cluster;
}

}  // namespace torii::pipeline

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "pipeline/check_graph.h"

namespace torii::pipeline {
namespace {

constexpr int kRetriesMax = 100;
constexpr std::size_t kLabelMax = 63;

bool is_letter_or_digit(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= '0' && letter <= '9');
}

bool is_variable(std::string_view name) {
  if (name.empty() || (name.front() >= '0' && name.front() <= '9')) return false;
  return std::ranges::all_of(
      name, [](char letter) { return is_letter_or_digit(letter) || letter == '_'; });
}

// A label's value, or the name in its key: letters, digits, - _ . with a letter or digit at the
// ends.
bool is_label(std::string_view text) {
  return text.size() <= kLabelMax &&
         (text.empty() || (is_letter_or_digit(text.front()) && is_letter_or_digit(text.back()))) &&
         std::ranges::all_of(text, [](char letter) {
           return is_letter_or_digit(letter) || letter == '-' || letter == '_' || letter == '.';
         });
}

// "name" or "prefix.example.org/name".
bool is_label_key(std::string_view key) {
  const std::size_t slash = key.find('/');
  const std::string_view name = slash == std::string_view::npos ? key : key.substr(slash + 1);
  const bool prefix =
      slash == std::string_view::npos ||
      (slash > 0 && slash <= 253 && std::ranges::all_of(key.substr(0, slash), [](char letter) {
         return is_letter_or_digit(letter) || letter == '-' || letter == '.';
       }));
  return prefix && !name.empty() && is_label(name);
}

// Names of secrets and config maps: DNS names.
bool is_object_name(std::string_view name) {
  return !name.empty() && name.size() <= 253 && is_letter_or_digit(name.front()) &&
         is_letter_or_digit(name.back()) && std::ranges::all_of(name, [](char letter) {
           return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') ||
                  letter == '-' || letter == '.';
         });
}

std::string_view bag_name(Bag bag) {
  return bag == Bag::kSecret ? "secret" : "config map";
}

class Settings {
 public:
  Settings(const Step& step, Faults& faults) : step_(step), faults_(faults) {}

  void check() {
    const StepSettings& settings = step_.settings;
    check_resources(settings.resources);
    const Retries& retries = settings.retries;
    if (retries.count < 0 || retries.count > kRetriesMax) {
      fault(fmt::format("retries: expected 0 to {}, found {}", kRetriesMax, retries.count));
    }
    if (retries.factor < 1 || retries.factor > 100) {
      fault(fmt::format("retries.factor: expected 1 to 100, found {}", retries.factor));
    }
    if (retries.wait_max_s < retries.wait_s) {
      fault(fmt::format("retries: wait_max ({} s) is less than wait ({} s)", retries.wait_max_s,
                        retries.wait_s));
    }
    if (settings.timeout_s < 0) fault("timeout: it must be above zero");
    check_environment(settings);
    for (const BagVolume& volume : settings.volumes) {
      check_object(volume.bag, volume.name, volume.line);
      if (!volume.folder.starts_with("/") || volume.folder.find("..") != std::string::npos) {
        fault(fmt::format("{} '{}': mount: expected a folder from the root, such as /etc/feast, "
                          "found '{}'",
                          bag_name(volume.bag), volume.name, volume.folder),
              volume.line);
      } else if (volume.folder == "/tmp" || volume.folder.starts_with("/torii/")) {
        fault(fmt::format("{} '{}': mount: {} is a folder that the step itself writes to; take "
                          "another one, such as /etc/feast",
                          bag_name(volume.bag), volume.name, volume.folder),
              volume.line);
      }
    }
    check_labels(settings.labels, "labels");
    check_labels(settings.node_selector, "node_selector");
    for (const Toleration& toleration : settings.tolerations) check_toleration(toleration);
  }

 private:
  void fault(std::string_view text, std::uint32_t line = 0) {
    faults_.add(line == 0 ? step_.line : line, fmt::format("step '{}': {}", step_.name, text));
  }

  void check_resources(const Resources& resources) {
    const auto above = [&](const char* what, auto request, auto limit, const auto& text) {
      if (request == 0 || limit == 0 || request <= limit) return;
      fault(fmt::format("resources: {} ({}) is more than its limit ({})", what, text(request),
                        text(limit)));
    };
    above("cpu", resources.cpu_request_milli, resources.cpu_limit_milli, cpu_text);
    above("memory", resources.memory_request_bytes, resources.memory_limit_bytes, bytes_text);
    above("storage", resources.storage_request_bytes, resources.storage_limit_bytes, bytes_text);
  }

  void check_environment(const StepSettings& settings) {
    std::set<std::string, std::less<>> names;
    const auto check = [&](const std::string& name, std::uint32_t line) {
      if (!is_variable(name)) {
        fault(fmt::format("'{}' is no name of an environment variable: letters, digits and _, no "
                          "digit first",
                          name),
              line);
      }
      if (!names.insert(name).second) {
        fault(fmt::format("the environment variable {} is set twice", name), line);
      }
    };
    for (const auto& [name, value] : settings.environment) {
      check(name, 0);
      if (value.find("${") != std::string::npos) {
        fault(
            fmt::format("environment.{}: placeholders stand in the command only; write the value "
                        "out or pass it as a flag",
                        name));
      }
    }
    for (const BagVariable& variable : settings.variables) {
      check(variable.variable, variable.line);
      check_object(variable.bag, variable.name, variable.line);
      if (variable.key.empty()) {
        fault(fmt::format("{} '{}': the key for {} is empty", bag_name(variable.bag), variable.name,
                          variable.variable),
              variable.line);
      }
    }
  }

  void check_object(Bag bag, const std::string& name, std::uint32_t line) {
    if (is_object_name(name)) return;
    fault(fmt::format("'{}' is no name of a {}: lower-case letters, digits, - and .", name,
                      bag_name(bag)),
          line);
  }

  void check_labels(const Pairs& labels, const char* what) {
    for (const auto& [key, value] : labels) {
      if (is_label_key(key) && is_label(value)) continue;
      fault(fmt::format("{}: '{}: {}' is no label: letters, digits, -, _ and ., 63 at most", what,
                        key, value));
    }
  }

  void check_toleration(const Toleration& toleration) {
    if (toleration.operation != "Equal" && toleration.operation != "Exists") {
      fault(fmt::format("tolerations: operator: expected Equal or Exists, found '{}'",
                        toleration.operation));
    } else if (toleration.operation == "Exists" && !toleration.value.empty()) {
      fault("tolerations: Exists takes no value; take it out or write Equal");
    } else if (toleration.operation == "Equal" && toleration.key.empty()) {
      fault("tolerations: key is missing; only Exists goes without");
    }
    const std::string& effect = toleration.effect;
    if (!effect.empty() && effect != "NoSchedule" && effect != "PreferNoSchedule" &&
        effect != "NoExecute") {
      fault(
          fmt::format("tolerations: effect: expected NoSchedule, PreferNoSchedule or NoExecute, "
                      "found '{}'",
                      effect));
    }
  }

  const Step& step_;
  Faults& faults_;
};

}  // namespace

void check_settings(const Step& step, Faults& faults) {
  Settings(step, faults).check();
}

}  // namespace torii::pipeline

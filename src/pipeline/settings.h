#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// How a step is run: what it may use, what it finds around it, and what happens when it fails.
namespace torii::pipeline {

/// Zero: not said. A request is what is kept free for the step, a limit what it may not exceed.
struct Resources {
  std::int64_t cpu_request_milli = 0;  ///< thousandths of a processor
  std::int64_t cpu_limit_milli = 0;
  std::uint64_t memory_request_bytes = 0;
  std::uint64_t memory_limit_bytes = 0;
  std::uint64_t storage_request_bytes = 0;  ///< work folder and staged artifacts together
  std::uint64_t storage_limit_bytes = 0;    ///< above it the step is stopped
};

/// A step that failed is tried again, after a growing pause. Exit 2 (bad input) and 3 (a check said
/// no) are answers, not failures: they are not tried again where the target can tell.
struct Retries {
  int count = 0;  ///< attempts beyond the first; 0 to 100
  double wait_s = 10;
  double factor = 2;
  double wait_max_s = 600;
};

/// A secret or a config map of the cluster, by its name there.
enum class Bag { kSecret, kConfigMap };

/// One key of it as an environment variable.
struct BagVariable {
  Bag bag = Bag::kSecret;
  std::string name;      ///< of the secret
  std::string key;       ///< in it
  std::string variable;  ///< "AWS_ACCESS_KEY_ID"
  bool optional = false;
  std::uint32_t line = 0;
};

/// All of it as files in a folder.
struct BagVolume {
  Bag bag = Bag::kSecret;
  std::string name;
  std::string folder;  ///< absolute: "/etc/feast"
  bool optional = false;
  std::uint32_t line = 0;
};

struct Toleration {
  std::string key;
  std::string operation = "Equal";  ///< or "Exists"
  std::string value = {};
  std::string effect = {};  ///< "NoSchedule", "PreferNoSchedule", "NoExecute"; empty: all
  std::optional<std::int64_t> seconds = {};
};

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct StepSettings {
  std::string image = {};  ///< container image; empty: that of the cluster settings
  Resources resources = {};
  Retries retries = {};
  double timeout_s = 0;  ///< of one attempt; 0: none
  bool cache = true;     ///< same inputs, command, image and parameters: the kept outputs again
  Pairs environment = {};
  std::vector<BagVariable> variables = {};
  std::vector<BagVolume> volumes = {};
  Pairs node_selector = {};
  std::vector<Toleration> tolerations = {};
  Pairs labels = {};
};

/// When the pipeline runs by itself.
struct Schedule {
  enum class CatchUp { kNone, kLast, kAll };  ///< of times that were missed
  std::string cron;                           ///< five fields: "0 2 * * *"
  std::string zone = "UTC";                   ///< "Europe/Berlin"
  CatchUp catch_up = CatchUp::kNone;
  std::uint32_t line = 0;
};

/// What only clusters want to know.
struct ClusterSettings {
  std::string image = {};        ///< of steps that name none
  std::string pull_policy = {};  ///< "Always", "IfNotPresent", "Never"; empty: the cluster's
  std::vector<std::string> pull_secrets = {};
  std::string namespace_name = {};
  std::string service_account = {};
  /// Containers run without rights (the level "restricted" of Kubernetes' Pod Security Standards):
  /// no root, a root folder that cannot be written, no capabilities.
  bool restricted = false;
  std::string pipeline_root = {};  ///< of KFP, where artifacts go: "s3://shop/runs"; empty: the
                                   ///< server's
  /// Of Argo: the key in a config map that says where artifacts go; empty: the cluster's.
  std::string repository_config_map = {};
  std::string repository_key = {};
  std::uint32_t line = 0;
};

/// "500m", "2": thousandths of a processor as Kubernetes writes them, and back. Nullopt if `text`
/// is no such quantity above zero.
[[nodiscard]] std::string cpu_text(std::int64_t milli);
[[nodiscard]] std::optional<std::int64_t> parse_cpu(std::string_view text);
/// "512Mi", "1500": bytes likewise; suffixes k M G T (powers of 1000), Ki Mi Gi Ti (of 1024).
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);
[[nodiscard]] std::optional<std::uint64_t> parse_bytes(std::string_view text);
/// "90s", "5m", "2h", "1d", "1.5h" and back ("90s").
[[nodiscard]] std::string seconds_text(double seconds);
[[nodiscard]] std::optional<double> parse_seconds(std::string_view text);

}  // namespace torii::pipeline

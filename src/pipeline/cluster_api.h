#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/environment.h"
#include "base/json.h"
#include "base/memory_file.h"
#include "base/reporter.h"
#include "base/result.h"

namespace torii::pipeline {

/// How a server of a cluster is reached.
struct ClusterAccess {
  std::string host;        ///< "https://kfp.example.org", with a path if it is behind one
  std::string token = {};  ///< sent as bearer; never shown; empty: none
  /// File of the token instead, read anew for each request: pods are given new ones.
  std::string token_file = {};
  std::string trusted = {};             ///< file of certificates to trust; empty: the system's
  std::string client_certificate = {};  ///< file; with its key, or empty
  std::string client_key = {};
  /// What files above may lie in.
  std::vector<std::shared_ptr<const MemoryFile>> kept = {};
};

/// JSON over HTTP(S) with a bearer token, a client certificate or both. Questions and replacements
/// are tried again; what creates something is sent once. Errors carry what the server said:
/// kInvalidArgument (400, 401, 403, 422; no usable token), kNotFound (404), kIo (anything else, no
/// answer). Threads: one call at a time.
class ClusterApi {
 public:
  using Query = std::vector<std::pair<std::string, std::string>>;

  ClusterApi(const Environment& environment, ClusterAccess access, Reporter& reporter);
  ~ClusterApi();

  [[nodiscard]] Result<Json> get(std::string_view path, const Query& query = {});
  [[nodiscard]] Result<Json> create(std::string_view path, const Json& body);
  [[nodiscard]] Result<Json> replace(std::string_view path, const Json& body);
  /// A file as the only part of a form (multipart/form-data).
  [[nodiscard]] Result<Json> upload(std::string_view path, const Query& query,
                                    const std::string& field, const std::string& file_name,
                                    const std::string& bytes);

  [[nodiscard]] const std::string& host() const { return access_.host; }

 private:
  struct Clients;
  ClusterAccess access_;
  std::unique_ptr<Clients> clients_;
};

/// What to do when a step was stopped for its memory, storage or time, or never began: the same
/// words wherever the pipeline runs. `message` is what the system said of it; empty if it is of
/// nothing known.
[[nodiscard]] std::string remedy_for(std::string_view message);
/// Whether it says that a pod waits for something that will not come by itself: an image, a secret,
/// a node that is large enough.
[[nodiscard]] bool waits_in_vain(std::string_view message);
inline constexpr std::string_view kStorageRemedy =
    "the step wrote more than its storage limit: raise resources.storage_limit, or share its large "
    "artifacts by location (share: location), so that they are not copied into the step";
inline constexpr std::string_view kMemoryRemedy =
    "the step needed more memory than its limit: raise resources.memory_limit";
inline constexpr std::string_view kImageRemedy =
    "the image cannot be fetched: check its name and tag (`image`, --image), that its registry can "
    "be reached from the cluster, and for a private one `cluster: {pull_secrets: [NAME]}`";
inline constexpr std::string_view kObjectRemedy =
    "a secret or config map that the step names is not in its namespace, or lacks the key: create "
    "it there";
inline constexpr std::string_view kNodeRemedy =
    "no node has room for it: ask for less (resources), or look at node_selector and tolerations";
inline constexpr std::string_view kNodeStorageRemedy =
    "the node ran out of storage: ask for what the step writes (resources.storage), so that a node "
    "with room is chosen, or share large artifacts by location (share: location)";
inline constexpr std::string_view kNodeMemoryRemedy =
    "the node ran out of memory: ask for what the step needs (resources.memory), so that a node "
    "with room is chosen";
inline constexpr std::string_view kEvictedRemedy =
    "the cluster took the step's place away: ask for what it needs (resources.memory, "
    "resources.storage), and give it retries";
inline constexpr std::string_view kTimeoutRemedy =
    "the step took longer than it may: raise its timeout";

}  // namespace torii::pipeline

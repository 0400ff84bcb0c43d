#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/environment.h"
#include "base/result.h"
#include "net/http_client.h"
#include "text/hub_name.h"

namespace torii::text {

/// A file of a model on the hub.
struct HubFile {
  std::string path;
  std::uint64_t size = 0;
  std::string sha256 = {};    ///< of large files
  std::string git_blob = {};  ///< of small ones (git_blob_hex())
};

/// What the hub's HTTP interface tells of one model. Source: the public documentation and the
/// behaviour of huggingface_hub (api/models/.../revision, .../tree, .../resolve).
class HubApi {
 public:
  /// Errors: kInvalidArgument (HF_ENDPOINT, HF_TOKEN).
  [[nodiscard]] static Result<HubApi> open(const HubName& name, const Environment& environment);

  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }
  [[nodiscard]] const net::Headers& headers() const { return headers_; }

  /// The commit that the revision stands for now.
  [[nodiscard]] Result<std::string> commit(net::HttpClient& client) const;
  /// All files of a commit.
  [[nodiscard]] Result<std::vector<HubFile>> files(net::HttpClient& client,
                                                   const std::string& commit) const;
  [[nodiscard]] std::string file_url(const std::string& commit, const std::string& path) const;
  /// What an answer that is not the wanted one means, and what to do.
  [[nodiscard]] Error refusal(int status, const net::Headers& headers) const;

 private:
  HubName name_;
  std::string endpoint_;
  net::Headers headers_;
};

}  // namespace torii::text

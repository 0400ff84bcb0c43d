#include "pipeline/cluster_api.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "base/hash.h"
#include "base/printable.h"
#include "net/http_client.h"

namespace torii::pipeline {
namespace {

constexpr std::size_t kAnswerMax = std::size_t{64} << 20;
constexpr std::size_t kShownColumns = 400;
constexpr std::size_t kTokenBytesMax = 64 * 1024;

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char letter : text) {
    const bool plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                       (letter >= '0' && letter <= '9') || letter == '-' || letter == '_' ||
                       letter == '.' || letter == '~';
    if (plain) {
      out += letter;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(letter));
    }
  }
  return out;
}

ErrorCode code_of(int status) {
  switch (status) {
    case 400:
    case 401:
    case 403:
    case 422:
      return ErrorCode::kInvalidArgument;
    case 404:
      return ErrorCode::kNotFound;
    default:
      return ErrorCode::kIo;
  }
}

// Servers put their words into different members.
std::string words_of(const net::Response& response) {
  const auto json = Json::parse(response.body, "answer");
  if (json.ok()) {
    for (const char* member : {"message", "error_message", "error"}) {
      if (const auto text = json->string_at(member)) return *text;
    }
  }
  return response.body;
}

Result<Json> read_answer(Result<net::Response> response, const std::string& url) {
  if (!response.ok()) return std::move(response).error();
  if (response->status >= 200 && response->status < 300) {
    if (response->body.empty()) return Json::object();
    return Json::parse(response->body, net::shown(url));
  }
  std::string hint;
  if (response->status == 401 || response->status == 403) {
    hint =
        "; give a token that may do this (--token-file=FILE, TORII_CLUSTER_TOKEN), or the account "
        "the rights";
  }
  const std::string words = cut(visible(words_of(*response)), kShownColumns);
  return make_error(code_of(response->status), "{}: the server answered {}: {}{}", net::shown(url),
                    response->status, words.empty() ? "nothing more" : words, hint);
}

}  // namespace

struct ClusterApi::Clients {
  net::HttpClient patient;  // tries again
  net::HttpClient once;

  static net::HttpOptions options(const ClusterAccess& access, int attempts) {
    net::HttpOptions options;
    options.attempts_max = attempts;
    options.trusted = access.trusted;
    options.client_certificate = access.client_certificate;
    options.client_key = access.client_key;
    return options;
  }
};

ClusterApi::ClusterApi(const Environment& environment, ClusterAccess access, Reporter& reporter)
    : access_(std::move(access)),
      clients_(new Clients{net::HttpClient(environment, Clients::options(access_, 5), reporter),
                           net::HttpClient(environment, Clients::options(access_, 1), reporter)}) {
  while (access_.host.ends_with('/')) access_.host.pop_back();
}
ClusterApi::~ClusterApi() = default;

namespace {

std::string url_of(const ClusterAccess& access, std::string_view path,
                   const ClusterApi::Query& query) {
  std::string url = access.host + std::string(path);
  char sign = '?';
  for (const auto& [key, value] : query) {
    url += sign + percent_encoded(key) + "=" + percent_encoded(value);
    sign = '&';
  }
  return url;
}

Result<std::string> token_of(const ClusterAccess& access) {
  std::string token = access.token;
  std::string where = "the token";
  if (!access.token_file.empty()) {
    auto read = read_file(access.token_file, kTokenBytesMax);
    if (!read.ok()) return with_context(std::move(read).error(), "the token");
    token = *std::move(read);
    where = access.token_file;
  }
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' ')) {
    token.pop_back();
  }
  if (token.empty() && !access.token_file.empty()) {
    return invalid("{}: it is empty; expected a bearer token", where);
  }
  if (std::ranges::any_of(token, [](char letter) { return letter <= ' ' || letter > '~'; })) {
    return invalid("{}: a bearer token is one word of plain letters, and this is none", where);
  }
  return token;
}

Result<net::Headers> headers_of(const ClusterAccess& access, const std::string& type) {
  net::Headers headers = {{"Accept", "application/json"}};
  if (!type.empty()) headers.emplace_back("Content-Type", type);
  TORII_TRY(const std::string token, token_of(access));
  if (!token.empty()) headers.emplace_back("Authorization", "Bearer " + token);
  return headers;
}

}  // namespace

Result<Json> ClusterApi::get(std::string_view path, const Query& query) {
  const std::string url = url_of(access_, path, query);
  TORII_TRY(const net::Headers headers, headers_of(access_, ""));
  return read_answer(clients_->patient.get(url, headers, kAnswerMax), url);
}

Result<Json> ClusterApi::create(std::string_view path, const Json& body) {
  const std::string url = url_of(access_, path, {});
  TORII_TRY(const net::Headers headers, headers_of(access_, "application/json"));
  return read_answer(clients_->once.post(url, headers, body.dump(), kAnswerMax), url);
}

Result<Json> ClusterApi::replace(std::string_view path, const Json& body) {
  const std::string url = url_of(access_, path, {});
  TORII_TRY(const net::Headers headers, headers_of(access_, "application/json"));
  return read_answer(clients_->patient.put(url, headers, body.dump(), kAnswerMax), url);
}

Result<Json> ClusterApi::upload(std::string_view path, const Query& query, const std::string& field,
                                const std::string& file_name, const std::string& bytes) {
  const std::string url = url_of(access_, path, query);
  const std::string boundary = "torii-" + sha256_hex(bytes).substr(0, 32);
  const std::string body = fmt::format(
      "--{0}\r\nContent-Disposition: form-data; name=\"{1}\"; filename=\"{2}\"\r\n"
      "Content-Type: application/octet-stream\r\n\r\n{3}\r\n--{0}--\r\n",
      boundary, field, file_name, bytes);
  TORII_TRY(const net::Headers headers,
            headers_of(access_, "multipart/form-data; boundary=" + boundary));
  return read_answer(clients_->once.post(url, headers, body, kAnswerMax), url);
}

std::string remedy_for(std::string_view message) {
  struct Known {
    std::string_view words;
    std::string_view remedy;
  };
  // The first that fits: a node that is full, or a step above its own limit.
  constexpr Known kKnown[] = {
      {"low on resource: ephemeral-storage", kNodeStorageRemedy},
      {"DiskPressure", kNodeStorageRemedy},
      {"low on resource: nodefs", kNodeStorageRemedy},
      {"low on resource: imagefs", kNodeStorageRemedy},
      {"low on resource: inodes", kNodeStorageRemedy},
      {"ephemeral", kStorageRemedy},
      {"Usage of EmptyDir volume", kStorageRemedy},
      {"low on resource: memory", kNodeMemoryRemedy},
      {"MemoryPressure", kNodeMemoryRemedy},
      {"OOMKilled", kMemoryRemedy},
      {"exit code 137", kMemoryRemedy},
      {"active on the node longer than the specified deadline", kTimeoutRemedy},
      {"DeadlineExceeded", kTimeoutRemedy},
      {"Evicted", kEvictedRemedy},
      {"evicted", kEvictedRemedy},
      {"ErrImagePull", kImageRemedy},
      {"ImagePullBackOff", kImageRemedy},
      {"ErrImageNeverPull", kImageRemedy},
      {"InvalidImageName", kImageRemedy},
      {"ImageInspectError", kImageRemedy},
      {"RegistryUnavailable", kImageRemedy},
      {"CreateContainerConfigError", kObjectRemedy},
      {"FailedMount", kObjectRemedy},
      {"Unschedulable", kNodeRemedy},
  };
  for (const Known& known : kKnown) {
    if (message.find(known.words) != std::string_view::npos) return std::string(known.remedy);
  }
  return "";
}

bool waits_in_vain(std::string_view message) {
  const std::string remedy = remedy_for(message);
  return remedy == kImageRemedy || remedy == kObjectRemedy || remedy == kNodeRemedy;
}

}  // namespace torii::pipeline

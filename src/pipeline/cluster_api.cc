#include "pipeline/cluster_api.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "base/printable.h"
#include "net/http_client.h"

namespace torii::pipeline {
namespace {

constexpr std::size_t kAnswerMax = std::size_t{64} << 20;
constexpr std::size_t kShownColumns = 400;

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
    hint = "; give a token that may do this: --token-file=FILE or TORII_CLUSTER_TOKEN";
  }
  const std::string words = cut(visible(words_of(*response)), kShownColumns);
  return make_error(code_of(response->status), "{}: the server answered {}: {}{}", net::shown(url),
                    response->status, words.empty() ? "nothing more" : words, hint);
}

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

struct ClusterApi::Clients {
  net::HttpClient patient;  // tries again
  net::HttpClient once;

  static net::HttpOptions options(const ClusterAccess& access, int attempts) {
    net::HttpOptions options;
    options.attempts_max = attempts;
    options.trusted = access.trusted;
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

net::Headers headers_of(const ClusterAccess& access, const std::string& type) {
  net::Headers headers = {{"Accept", "application/json"}};
  if (!type.empty()) headers.emplace_back("Content-Type", type);
  if (!access.token.empty()) headers.emplace_back("Authorization", "Bearer " + access.token);
  return headers;
}

}  // namespace

Result<Json> ClusterApi::get(std::string_view path, const Query& query) {
  const std::string url = url_of(access_, path, query);
  return read_answer(clients_->patient.get(url, headers_of(access_, ""), kAnswerMax), url);
}

Result<Json> ClusterApi::create(std::string_view path, const Json& body) {
  const std::string url = url_of(access_, path, {});
  return read_answer(
      clients_->once.post(url, headers_of(access_, "application/json"), body.dump(), kAnswerMax),
      url);
}

Result<Json> ClusterApi::replace(std::string_view path, const Json& body) {
  const std::string url = url_of(access_, path, {});
  return read_answer(
      clients_->patient.put(url, headers_of(access_, "application/json"), body.dump(), kAnswerMax),
      url);
}

Result<Json> ClusterApi::upload(std::string_view path, const Query& query, const std::string& field,
                                const std::string& file_name, const std::string& bytes) {
  const std::string url = url_of(access_, path, query);
  const std::string boundary = "torii-" + sha256_hex(bytes).substr(0, 32);
  const std::string body = fmt::format(
      "--{0}\r\nContent-Disposition: form-data; name=\"{1}\"; filename=\"{2}\"\r\n"
      "Content-Type: application/octet-stream\r\n\r\n{3}\r\n--{0}--\r\n",
      boundary, field, file_name, bytes);
  return read_answer(
      clients_->once.post(url, headers_of(access_, "multipart/form-data; boundary=" + boundary),
                          body, kAnswerMax),
      url);
}

std::string remedy_for(std::string_view message) {
  if (holds(message, "ephemeral") || holds(message, "low on resource: ephemeral-storage") ||
      holds(message, "DiskPressure")) {
    return std::string(kStorageRemedy);
  }
  if (holds(message, "OOMKilled") || holds(message, "exit code 137") ||
      holds(message, "low on resource: memory")) {
    return std::string(kMemoryRemedy);
  }
  if (holds(message, "ErrImagePull") || holds(message, "ImagePullBackOff") ||
      holds(message, "InvalidImageName") || holds(message, "ErrImageNeverPull") ||
      holds(message, "ImageInspectError") || holds(message, "RegistryUnavailable")) {
    return std::string(kImageRemedy);
  }
  if (holds(message, "CreateContainerConfigError") || holds(message, "FailedMount")) {
    return std::string(kObjectRemedy);
  }
  if (holds(message, "Unschedulable")) return std::string(kNodeRemedy);
  return "";
}

bool waits_in_vain(std::string_view message) {
  const std::string remedy = remedy_for(message);
  return remedy == kImageRemedy || remedy == kObjectRemedy || remedy == kNodeRemedy;
}

}  // namespace torii::pipeline

#include "text/hub_api.h"

#include <algorithm>

#include "base/json.h"

namespace torii::text {
namespace {

constexpr std::size_t kAnswerMax = std::size_t{16} << 20;
constexpr int kPagesMax = 20;
constexpr int kOk = 200;

/// Slashes of a revision belong to its name.
std::string encoded(const std::string& revision) {
  std::string text;
  for (const char c : revision) text += c == '/' ? "%2F" : std::string(1, c);
  return text;
}

/// `<https://...>; rel="next"` -> the URL; empty if there is no next page.
std::string next_page(const net::Headers& headers) {
  const std::string link = net::header(headers, "Link").value_or("");
  const auto begin = link.find('<');
  const auto end = link.find('>');
  if (begin == std::string::npos || end == std::string::npos || end < begin ||
      link.find("rel=\"next\"", end) == std::string::npos) {
    return {};
  }
  return link.substr(begin + 1, end - begin - 1);
}

bool is_loopback(std::string_view url) {
  const std::string_view host = url.substr(std::string_view("http://").size());
  return host.starts_with("127.0.0.1") || host.starts_with("localhost") ||
         host.starts_with("[::1]");
}

Result<HubFile> file_of(const Json& entry, const std::string& where) {
  const auto path = entry.string_at("path");
  const auto size = entry.int_at("size");
  if (!path || !size || *size < 0) {
    return make_error(ErrorCode::kCorrupt, "{}: an entry without path and size", where);
  }
  HubFile file{.path = *path, .size = static_cast<std::uint64_t>(*size)};
  const Json* large = entry.find("lfs");
  if (large != nullptr && large->is_object()) {
    file.sha256 = large->string_at("oid").value_or("");
    if (file.sha256.starts_with("sha256:")) file.sha256.erase(0, 7);
    if (const auto real = large->int_at("size"); real && *real >= 0) {
      file.size = static_cast<std::uint64_t>(*real);
    }
  } else {
    file.git_blob = entry.string_at("oid").value_or("");
  }
  if (file.sha256.size() != 64 && file.git_blob.size() != 40) {
    return make_error(ErrorCode::kCorrupt, "{}: '{}' has no hash", where, file.path);
  }
  return file;
}

}  // namespace

Result<HubApi> HubApi::open(const HubName& name, const Environment& environment) {
  const auto value = [&](std::string_view key) -> std::string {
    const auto found = environment.find(key);
    return found == environment.end() ? "" : found->second;
  };
  HubApi api;
  api.name_ = name;
  api.endpoint_ = value("HF_ENDPOINT");
  if (api.endpoint_.empty()) api.endpoint_ = "https://huggingface.co";
  while (api.endpoint_.ends_with('/')) api.endpoint_.pop_back();
  const bool plain = api.endpoint_.starts_with("http://");
  if (!plain && !api.endpoint_.starts_with("https://")) {
    return invalid("HF_ENDPOINT: expected https://HOST, found '{}'", net::shown(api.endpoint_));
  }
  const std::string token = value("HF_TOKEN");
  if (token.empty()) return api;
  if (!std::ranges::all_of(token, [](char c) { return c > ' ' && c <= '~'; })) {
    return invalid("HF_TOKEN: expected letters and digits such as hf_..., found spaces or others");
  }
  if (plain && !is_loopback(api.endpoint_)) {
    return invalid("HF_TOKEN would go to {} in the clear; use https, or unset HF_TOKEN",
                   net::shown(api.endpoint_));
  }
  api.headers_.emplace_back("Authorization", "Bearer " + token);
  return api;
}

Error HubApi::refusal(int status, const net::Headers& headers) const {
  const std::string code = net::header(headers, "X-Error-Code").value_or("");
  const std::string where = net::shown(endpoint_);
  const std::string page = fmt::format("{}/{}", where, name_.id());
  if (code == "RevisionNotFound") {
    return make_error(ErrorCode::kNotFound,
                      "{} has no revision '{}'; leave out @{} for the newest, or look on its page",
                      page, name_.revision, name_.revision);
  }
  if (status == 401 || status == 403) {
    if (code == "GatedRepo") {
      return make_error(ErrorCode::kIo,
                        "{} asks for consent (status {}): accept its terms on that page and put "
                        "your token into HF_TOKEN",
                        page, status);
    }
    return make_error(ErrorCode::kIo,
                      "{} is not there or not for you (status {}): check the spelling; {}", page,
                      status,
                      headers_.empty() ? "a private model needs a token in HF_TOKEN"
                                       : "the token in HF_TOKEN does not open it");
  }
  if (status == 404) {
    return make_error(
        ErrorCode::kNotFound,
        "{} is not there (status 404): check the spelling of owner and model, or give "
        "the folder of a model",
        page);
  }
  return make_error(ErrorCode::kIo,
                    "{} answers with status {}; try again later (what has been downloaded is kept)",
                    page, status);
}

Result<std::string> HubApi::commit(net::HttpClient& client) const {
  const std::string url =
      fmt::format("{}/api/models/{}/revision/{}", endpoint_, name_.id(), encoded(name_.revision));
  TORII_TRY(const net::Response response, client.get(url, headers_, kAnswerMax));
  if (response.status != kOk) return refusal(response.status, response.headers);
  const auto document = Json::parse(response.body, net::shown(url));
  const auto commit = document.ok() ? document->string_at("sha") : std::nullopt;
  if (!commit || !is_commit(*commit)) {
    return make_error(ErrorCode::kIo,
                      "{}: expected the hub's JSON with a commit in 'sha'; is {} a "
                      "hub (HF_ENDPOINT)?",
                      net::shown(url), net::shown(endpoint_));
  }
  return *commit;
}

Result<std::vector<HubFile>> HubApi::files(net::HttpClient& client,
                                           const std::string& commit) const {
  std::string url =
      fmt::format("{}/api/models/{}/tree/{}?recursive=1", endpoint_, name_.id(), commit);
  std::vector<HubFile> files;
  for (int page = 0; page < kPagesMax && !url.empty(); ++page) {
    TORII_TRY(const net::Response response, client.get(url, headers_, kAnswerMax));
    if (response.status != kOk) return refusal(response.status, response.headers);
    const std::string where = net::shown(url);
    const auto document = Json::parse(response.body, where);
    if (!document.ok() || !document->is_array()) {
      return make_error(ErrorCode::kIo, "{}: expected the hub's JSON list of files", where);
    }
    for (const Json& entry : document->as_array()) {
      if (entry.string_at("type") != "file") continue;
      TORII_TRY(HubFile file, file_of(entry, where));
      files.push_back(std::move(file));
    }
    url = next_page(response.headers);
    if (!url.empty() && !url.starts_with(endpoint_ + "/")) break;  // the token stays with the hub
  }
  return files;
}

std::string HubApi::file_url(const std::string& commit, const std::string& path) const {
  return fmt::format("{}/{}/resolve/{}/{}", endpoint_, name_.id(), commit, path);
}

}  // namespace torii::text

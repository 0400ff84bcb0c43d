#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/hash.h"
#include "base/json.h"
#include "support/http_server.h"

namespace torii::testing {

/// The paths of the Hugging Face hub that a download uses, on the loopback: one model, whose large
/// file (model.safetensors) lies at another host ("localhost"), as the real one's do.
class FakeHub {
 public:
  static constexpr const char* kCommit = "0123456789abcdef0123456789abcdef01234567";
  /// May change an answer on its way; called from the server's threads.
  using Fault = std::function<void(const HttpRequest&, HttpAnswer&)>;

  FakeHub(std::string id, std::map<std::string, std::string> files, Fault fault = {})
      : id_(std::move(id)),
        files_(std::move(files)),
        fault_(std::move(fault)),
        cdn_([this](const HttpRequest& request) { return checked(request, blob(request)); }),
        hub_([this](const HttpRequest& request) { return checked(request, answer(request)); }) {}

  [[nodiscard]] std::string endpoint() const { return hub_.url(); }
  [[nodiscard]] std::vector<HttpRequest> requests() const { return hub_.requests(); }
  [[nodiscard]] std::vector<HttpRequest> cdn_requests() const { return cdn_.requests(); }
  /// Asks for "Authorization: Bearer <token>" from now on.
  void require(std::string token) { token_ = std::move(token); }

 private:
  static bool is_large(const std::string& path) { return path.ends_with(".safetensors"); }
  static std::string sha256_of(const std::string& bytes) { return sha256_hex(bytes); }
  static std::string blob_of(const std::string& bytes) {
    return git_blob_hex(std::as_bytes(std::span(bytes)));
  }

  HttpAnswer checked(const HttpRequest& request, HttpAnswer answer) const {
    if (fault_) fault_(request, answer);
    return answer;
  }

  static HttpAnswer missing(const char* code) {
    return {.status = 404, .headers = {{"X-Error-Code", code}}, .body = "{\"error\":\"x\"}"};
  }

  HttpAnswer answer(const HttpRequest& request) const {
    const std::string path = request.target.substr(0, request.target.find('?'));
    if (!token_.empty() && request.header("authorization") != "Bearer " + token_) {
      return {.status = 401, .headers = {{"X-Error-Code", "GatedRepo"}}};
    }
    const std::string api = "/api/models/" + id_;
    const std::string raw = "/" + id_ + "/resolve/" + kCommit + "/";
    if (path == api + "/revision/main" || path == api + "/revision/refs%2Fpr%2F1" ||
        path == api + "/revision/" + kCommit) {
      return {.body = Json::object().set("id", id_).set("sha", kCommit).dump()};
    }
    if (path.starts_with(api + "/revision/")) return missing("RevisionNotFound");
    if (path == api + "/tree/" + kCommit) return {.body = tree().dump()};
    if (!path.starts_with(raw)) return missing("RepoNotFound");
    const auto file = files_.find(path.substr(raw.size()));
    if (file == files_.end()) return missing("EntryNotFound");
    if (!is_large(file->first)) return ranged_answer(request, file->second, etag(file->second));
    return {.status = 302,
            .headers = {{"Location", "http://localhost:" + std::to_string(cdn_.port()) + "/blob/" +
                                         file->first + "?signature=secret"},
                        {"X-Repo-Commit", kCommit},
                        {"X-Linked-Size", std::to_string(file->second.size())},
                        {"X-Linked-Etag", "\"" + sha256_of(file->second) + "\""}}};
  }

  HttpAnswer blob(const HttpRequest& request) const {
    const std::string path = request.target.substr(0, request.target.find('?'));
    const auto file = files_.find(path.substr(std::string("/blob/").size()));
    if (file == files_.end()) return {.status = 403};
    return ranged_answer(request, file->second, etag(file->second));
  }

  static std::string etag(const std::string& bytes) { return "\"" + blob_of(bytes) + "\""; }

  [[nodiscard]] Json tree() const {
    Json list = Json::array();
    list.push(Json::object().set("type", "directory").set("path", "1_Pooling").set("size", 0));
    for (const auto& [path, bytes] : files_) {
      Json entry = Json::object();
      entry.set("type", "file").set("oid", blob_of(bytes)).set("path", path);
      entry.set("size", std::uint64_t{bytes.size()});
      if (is_large(path)) {
        entry.set("lfs", Json::object()
                             .set("oid", sha256_of(bytes))
                             .set("size", std::uint64_t{bytes.size()})
                             .set("pointerSize", 134));
      }
      list.push(std::move(entry));
    }
    return list;
  }

  std::string id_;
  std::map<std::string, std::string> files_;
  Fault fault_;
  std::string token_;
  HttpServer cdn_;
  HttpServer hub_;
};

}  // namespace torii::testing

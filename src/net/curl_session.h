#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/environment.h"
#include "base/reporter.h"
#include "base/result.h"
#include "net/http_client.h"
#include "net/libcurl.h"

namespace torii::net {

/// How one attempt ended: with an answer, or without.
struct CurlOutcome {
  int status = 0;
  Headers headers = {};
  std::optional<Error> error = {};
  bool repeatable = false;  ///< another attempt may succeed
  bool reached = false;     ///< a server has answered something
  std::int64_t retry_after_ms = 0;
};

/// One request as libcurl sees it.
struct CurlRequest {
  std::string url;
  Headers headers = {};
  bool head = false;
  bool compressed = false;                    ///< packed bodies are asked for and unpacked
  std::string range = {};                     ///< "100-"
  std::optional<std::string_view> body = {};  ///< sent by POST; lives as long as the request
  const char* method = nullptr;               ///< of a body, instead of POST: "PUT"
  /// Gets the body of the last answer piece by piece, with its status and headers; an error ends
  /// the transfer.
  std::function<Result<void>(std::string_view piece, const CurlOutcome& answer)> sink = {};
  std::function<void()> tick = {};  ///< called now and then while the transfer goes on
};

/// A libcurl handle with what holds for all its requests. One attempt per call; no retries.
class CurlSession {
 public:
  CurlSession(const Environment& environment, const HttpOptions& options, Reporter& reporter);
  [[nodiscard]] CurlOutcome perform(const CurlRequest& request);

 private:
  struct Free {
    const Libcurl* curl;
    void operator()(CURL* handle) const { curl->easy_cleanup(handle); }
  };
  void set_proxy(const std::string& url);
  void set_trust();
  void set_client_certificate();
  [[nodiscard]] Error untrusted(const std::string& url, const std::string& why);

  const Libcurl* curl_ = nullptr;  ///< null if there is none: why_not_ says why
  std::optional<Error> why_not_;
  std::unique_ptr<CURL, Free> handle_;
  std::string trusted_;  ///< file of certificates of the last request
  Environment environment_;
  HttpOptions options_;
  Reporter* reporter_;
};

}  // namespace torii::net

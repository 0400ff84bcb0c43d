#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/environment.h"
#include "base/reporter.h"
#include "base/result.h"

namespace torii::net {

/// Names without regard to case. Values may be secrets: no message ever shows one.
using Headers = std::vector<std::pair<std::string, std::string>>;

/// The value of the last header of that name.
[[nodiscard]] std::optional<std::string> header(const Headers& headers, std::string_view name);

/// "https://host/path": what a message may show of a URL; user, password and query are left out.
[[nodiscard]] std::string shown(std::string_view url);

struct HttpOptions {
  int connect_timeout_ms = 15'000;
  int stall_timeout_ms = 30'000;  ///< an attempt ends if no byte came for so long
  int redirects_max = 5;
  int attempts_max = 5;         ///< in all; 3 while no server answers at all
  int backoff_ms = 500;         ///< before the second attempt; doubles, half of it is random
  int backoff_max_ms = 20'000;  ///< also the longest Retry-After that is waited for
  std::uint64_t seed = 0;       ///< of the random half, so that many clients do not come at once
  bool http2 = false;           ///< HTTP/2 from the first byte on, as gRPC speaks it
  std::string trusted = {};     ///< file of certificates to trust instead of the environment's
  /// Files (PEM) by which a server that asks for it knows the client; both or none.
  std::string client_certificate = {};
  std::string client_key = {};
};

struct Response {
  int status = 0;
  Headers headers;  ///< of the last answer, after redirects
  std::string body;
};

struct Download {
  int status = 0;
  Headers headers;
  std::uint64_t size = 0;        ///< of the file now
  std::uint64_t resumed_at = 0;  ///< bytes that an earlier call had left; 0: from the start
};

/// Outgoing HTTP(S) with one reused connection. Redirects are followed (never from https to another
/// scheme, never to anything but http and https; Authorization goes to the first host only). Failed
/// connections, broken and stalled transfers and the answers 408, 429, 500, 502, 503 and 504 are
/// tried again after a growing pause. The environment map gives proxies (https_proxy, http_proxy,
/// all_proxy, no_proxy) and the file of trusted certificates (SSL_CERT_FILE, CURL_CA_BUNDLE).
/// Errors: kIo (no answer; says what to do), kInvalidArgument (no http URL), kCancelled
/// (reporter.cancelled()). An answer of any status is no error. Threads: one call at a time.
class HttpClient {
 public:
  /// `reporter` is told of repeated attempts, and asked whether to stop; it must live as long.
  HttpClient(const Environment& environment, const HttpOptions& options, Reporter& reporter);
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;
  ~HttpClient();

  /// A body above `size_max` bytes (unpacked) is kResourceExhausted.
  [[nodiscard]] Result<Response> get(const std::string& url, const Headers& headers,
                                     std::size_t size_max);
  /// POST of `body`; name its type in the headers. Tried again like the others: for questions that
  /// change nothing, and writes that may come twice.
  [[nodiscard]] Result<Response> post(const std::string& url, const Headers& headers,
                                      std::string_view body, std::size_t size_max);
  /// PUT likewise: replaces what the URL names, so it may come twice.
  [[nodiscard]] Result<Response> put(const std::string& url, const Headers& headers,
                                     std::string_view body, std::size_t size_max);
  [[nodiscard]] Result<Response> head(const std::string& url, const Headers& headers);

  struct DownloadOptions {
    std::uint64_t size_max = 0;  ///< more bytes than this are kResourceExhausted
    /// Bytes of the file so far; called a few times a second at most.
    std::function<void(std::uint64_t)> progress = {};
  };
  /// GET into a file that grows in place: `path` is a working copy, for the caller to check and
  /// rename. What an earlier call left there (even one that was killed) is continued by Range and
  /// If-Range if the server's strong ETag was kept beside it (`path`.etag), else done anew. With
  /// 200 or 206 the file is whole and synced; with any other status it is as before. Errors also:
  /// kResourceExhausted (disk full), kIo (disk).
  [[nodiscard]] Result<Download> download(const std::string& url, const Headers& headers,
                                          const std::filesystem::path& path,
                                          const DownloadOptions& options);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Removes a working copy and what was kept beside it.
void discard_download(const std::filesystem::path& path);

}  // namespace torii::net

#include "net/curl_session.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>
#include <filesystem>

#include "base/check.h"

namespace torii::net {
namespace {

struct Transfer {
  const Libcurl* curl;
  CURL* handle;
  const CurlRequest* request;
  Reporter* reporter;
  CurlOutcome* outcome;
  std::optional<Error> failure;  ///< of the sink
};

bool equal_names(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view line(data, size * count);
  if (line.starts_with("HTTP/")) {
    transfer.outcome->headers.clear();  // of a redirect, or "100 Continue"
    transfer.outcome->reached = true;
  } else if (const auto colon = line.find(':'); colon != std::string_view::npos) {
    transfer.outcome->headers.emplace_back(std::string(trimmed(line.substr(0, colon))),
                                           std::string(trimmed(line.substr(colon + 1))));
  }
  return size * count;
}

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  if (!transfer.request->sink) return size * count;
  long status = 0;
  transfer.curl->easy_getinfo(transfer.handle, CURLINFO_RESPONSE_CODE, &status);
  transfer.outcome->status = static_cast<int>(status);
  auto taken = transfer.request->sink({data, size * count}, *transfer.outcome);
  if (taken.ok()) return size * count;
  transfer.failure = std::move(taken).error();
  return size * count == 0 ? 1 : 0;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& transfer = *static_cast<Transfer*>(user);
  if (transfer.request->tick) transfer.request->tick();
  return transfer.reporter->cancelled() ? 1 : 0;
}

bool may_be_repeated(CURLcode code) {
  constexpr std::array kCodes = {CURLE_COULDNT_RESOLVE_PROXY,
                                 CURLE_COULDNT_RESOLVE_HOST,
                                 CURLE_COULDNT_CONNECT,
                                 CURLE_OPERATION_TIMEDOUT,
                                 CURLE_GOT_NOTHING,
                                 CURLE_SEND_ERROR,
                                 CURLE_RECV_ERROR,
                                 CURLE_PARTIAL_FILE,
                                 CURLE_HTTP2,
                                 CURLE_HTTP2_STREAM,
                                 CURLE_SSL_CONNECT_ERROR};
  return std::ranges::find(kCodes, code) != kCodes.end();
}

bool may_be_repeated(int status) {
  constexpr std::array kStatuses = {408, 429, 500, 502, 503, 504};
  return std::ranges::find(kStatuses, status) != kStatuses.end();
}

Error error_of(CURLcode code, const char* detail, const char* meaning, const std::string& url) {
  const std::string where = shown(url);
  const std::string why = *detail != '\0' ? detail : meaning;
  switch (code) {
    case CURLE_URL_MALFORMAT:
      return invalid("{}: this is no URL ({})", where, why);
    case CURLE_UNSUPPORTED_PROTOCOL:
      return make_error(ErrorCode::kIo,
                        "{}: it leads to another scheme than http and https, or away from https; "
                        "refused ({})",
                        where, why);
    case CURLE_TOO_MANY_REDIRECTS:
      return make_error(ErrorCode::kIo, "{}: too many redirects; is the address right?", where);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return make_error(ErrorCode::kIo,
                        "{}: the host is not known here ({}); check the network, and https_proxy "
                        "if there is a proxy",
                        where, why);
    case CURLE_SSL_CERTPROBLEM:
      return invalid(
          "{}: the client's certificate and key cannot be used ({}); expected two PEM "
          "files that belong together, the key without a password",
          where, why);
    default:
      return make_error(ErrorCode::kIo, "{}: no complete answer ({})", where, why);
  }
}

std::string value_of(const Environment& environment, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto found = environment.find(name);
    if (found != environment.end() && !found->second.empty()) return found->second;
  }
  return {};
}

// Whether "2024-03-01 00:00:00 GMT" is over; false for anything else.
bool is_past(std::string_view time) {
  std::tm parts{};
  const std::string text(trimmed(time));
  if (::strptime(text.c_str(), "%Y-%m-%d %H:%M:%S", &parts) == nullptr) return false;
  return ::timegm(&parts) < std::time(nullptr);
}

struct HeaderList {
  const Libcurl* curl;
  curl_slist* list = nullptr;
  ~HeaderList() { curl->slist_free_all(list); }
};

}  // namespace

std::optional<std::string> header(const Headers& headers, std::string_view name) {
  const auto found = std::find_if(headers.rbegin(), headers.rend(), [&](const auto& entry) {
    return equal_names(entry.first, name);
  });
  if (found == headers.rend()) return std::nullopt;
  return found->second;
}

std::string shown(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::string(url);
  const auto host = scheme + 3;
  const auto path = std::min(url.find('/', host), url.size());
  const auto at = url.substr(0, path).rfind('@');
  if (at == std::string_view::npos || at < host) return std::string(url);
  return std::string(url.substr(0, host)) + std::string(url.substr(at + 1));
}

CurlSession::CurlSession(const Environment& environment, const HttpOptions& options,
                         Reporter& reporter)
    : environment_(environment), options_(options), reporter_(&reporter) {
  const auto library = libcurl();
  if (!library.ok()) {
    why_not_ = library.error();
    return;
  }
  curl_ = *library;
  handle_ = {curl_->easy_init(), Free{curl_}};
  TORII_CHECK(handle_ != nullptr, "a libcurl handle");
}

// libcurl would read the process's environment; ours is the map.
void CurlSession::set_proxy(const std::string& url) {
  std::string proxy = url.starts_with("https:")
                          ? value_of(environment_, {"https_proxy", "HTTPS_PROXY"})
                          : value_of(environment_, {"http_proxy"});
  if (proxy.empty()) proxy = value_of(environment_, {"all_proxy", "ALL_PROXY"});
  curl_->easy_setopt(handle_.get(), CURLOPT_PROXY, proxy.c_str());
  curl_->easy_setopt(handle_.get(), CURLOPT_NOPROXY,
                     value_of(environment_, {"no_proxy", "NO_PROXY"}).c_str());
}

void CurlSession::set_trust() {
  std::string file = options_.trusted;
  if (file.empty()) file = value_of(environment_, {"SSL_CERT_FILE", "CURL_CA_BUNDLE"});
  // Where other systems than the one we were built on keep theirs.
  for (const char* usual :
       {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"}) {
    std::error_code ignored;
    if (!file.empty()) break;
    if (std::filesystem::exists(usual, ignored)) file = usual;
  }
  if (!file.empty()) curl_->easy_setopt(handle_.get(), CURLOPT_CAINFO, file.c_str());
  trusted_ = file;
}

void CurlSession::set_client_certificate() {
  if (options_.client_certificate.empty()) return;
  curl_->easy_setopt(handle_.get(), CURLOPT_SSLCERT, options_.client_certificate.c_str());
  curl_->easy_setopt(handle_.get(), CURLOPT_SSLKEY, options_.client_key.c_str());
}

// Why a certificate was refused: looks at it again, without trusting it and without sending
// anything, since the library does not tell an old one from a stranger's.
Error CurlSession::untrusted(const std::string& url, const std::string& why) {
  CURL* handle = handle_.get();
  curl_->easy_reset(handle);
  curl_->easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_->easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_->easy_setopt(handle, CURLOPT_CONNECT_ONLY, 1L);
  curl_->easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 0L);
  curl_->easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);
  curl_->easy_setopt(handle, CURLOPT_CERTINFO, 1L);
  curl_->easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(options_.connect_timeout_ms));
  set_proxy(url);
  curl_certinfo* chain = nullptr;
  if (curl_->easy_perform(handle) == CURLE_OK) {
    curl_->easy_getinfo(handle, CURLINFO_CERTINFO, &chain);
  }
  std::string expired;
  constexpr std::string_view kUntil = "Expire date:";  // GnuTLS: "Expire Date:"
  for (int i = 0; chain != nullptr && i < chain->num_of_certs && expired.empty(); ++i) {
    for (const curl_slist* line = chain->certinfo[i]; line != nullptr; line = line->next) {
      const std::string_view text(line->data);
      if (equal_names(text.substr(0, kUntil.size()), kUntil) &&
          is_past(text.substr(kUntil.size()))) {
        expired = trimmed(text.substr(kUntil.size()));
      }
    }
  }
  curl_->easy_reset(handle);
  if (!expired.empty()) {
    return make_error(ErrorCode::kIo,
                      "{}: the server's certificate has expired ({}); whoever runs the server has "
                      "to renew it",
                      shown(url), expired);
  }
  return make_error(ErrorCode::kIo,
                    "{}: the server's certificate cannot be trusted ({}); it is checked by {}: {}",
                    shown(url), why, trusted_.empty() ? "no file" : trusted_,
                    options_.trusted.empty()
                        ? "if your company has an authority of its own, name its file in "
                          "SSL_CERT_FILE"
                        : "is that the authority that signed it, and is the host's name right?");
}

CurlOutcome CurlSession::perform(const CurlRequest& request) {
  CurlOutcome outcome;
  if (curl_ == nullptr) {
    outcome.error = why_not_;
    return outcome;
  }
  CURL* handle = handle_.get();
  curl_->easy_reset(handle);  // keeps the connection
  Transfer transfer{curl_, handle, &request, reporter_, &outcome, std::nullopt};
  HeaderList headers{curl_};
  // A body goes with its head: waiting for leave (100 Continue) costs a round trip.
  if (request.body) headers.list = curl_->slist_append(headers.list, "Expect:");
  for (const auto& [name, value] : request.headers) {
    headers.list = curl_->slist_append(headers.list, (name + ": " + value).c_str());
  }
  std::array<char, CURL_ERROR_SIZE> detail{};
  curl_->easy_setopt(handle, CURLOPT_ERRORBUFFER, detail.data());
  curl_->easy_setopt(handle, CURLOPT_URL, request.url.c_str());
  curl_->easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_->easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR,
                     request.url.starts_with("https:") ? "https" : "http,https");
  curl_->easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
  curl_->easy_setopt(handle, CURLOPT_MAXREDIRS, static_cast<long>(options_.redirects_max));
  curl_->easy_setopt(handle, CURLOPT_HTTPHEADER, headers.list);
  curl_->easy_setopt(handle, CURLOPT_USERAGENT, "torii");
  curl_->easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_->easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(options_.connect_timeout_ms));
  curl_->easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_->easy_setopt(handle, CURLOPT_LOW_SPEED_TIME,
                     static_cast<long>(std::max(1, options_.stall_timeout_ms / 1000)));
  if (options_.http2) {
    const bool tls = request.url.starts_with("https:");
    // A second call on one connection meets what gRPC's servers still say about the first.
    curl_->easy_setopt(handle, CURLOPT_FORBID_REUSE, 1L);
    curl_->easy_setopt(
        handle, CURLOPT_HTTP_VERSION,
        static_cast<long>(tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE));
  }
  if (request.head) curl_->easy_setopt(handle, CURLOPT_NOBODY, 1L);
  if (request.method != nullptr) {
    curl_->easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method);
  }
  if (request.body) {
    curl_->easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request.body->size()));
    curl_->easy_setopt(handle, CURLOPT_POSTFIELDS,
                       request.body->empty() ? "" : request.body->data());
  }
  if (request.compressed) curl_->easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, "");
  if (!request.range.empty()) curl_->easy_setopt(handle, CURLOPT_RANGE, request.range.c_str());
  curl_->easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
  curl_->easy_setopt(handle, CURLOPT_HEADERDATA, &transfer);
  curl_->easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
  curl_->easy_setopt(handle, CURLOPT_WRITEDATA, &transfer);
  curl_->easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_->easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_->easy_setopt(handle, CURLOPT_XFERINFODATA, &transfer);
  set_proxy(request.url);
  set_trust();
  set_client_certificate();

  CURLcode code = curl_->easy_perform(handle);
  if (code == CURLE_SSL_CONNECT_ERROR && !options_.client_certificate.empty() &&
      std::string_view(detail.data()).find("key or certificate") != std::string_view::npos) {
    code = CURLE_SSL_CERTPROBLEM;  // GnuTLS keeps the two apart by words alone
  }
  if (transfer.failure) {
    outcome.error = std::move(transfer.failure);
    return outcome;
  }
  if (reporter_->cancelled()) {
    outcome.error = make_error(ErrorCode::kCancelled, "{}: interrupted", shown(request.url));
    return outcome;
  }
  if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE) {
    const std::string why = detail[0] != '\0' ? detail.data() : curl_->easy_strerror(code);
    outcome.error = untrusted(request.url, why);
    return outcome;
  }
  if (code != CURLE_OK) {
    outcome.error = error_of(code, detail.data(), curl_->easy_strerror(code), request.url);
    outcome.repeatable = may_be_repeated(code);
    return outcome;
  }
  long status = 0;
  curl_->easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  outcome.status = static_cast<int>(status);
  outcome.repeatable = may_be_repeated(outcome.status);
  curl_off_t wait_s = 0;
  curl_->easy_getinfo(handle, CURLINFO_RETRY_AFTER, &wait_s);
  outcome.retry_after_ms = std::clamp<curl_off_t>(wait_s, 0, 3600) * 1000;
  return outcome;
}

}  // namespace torii::net

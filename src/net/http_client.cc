#include "net/http_client.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>

#include "base/random.h"
#include "net/curl_session.h"
#include "net/growing_file.h"

namespace torii::net {
namespace {

constexpr int kAttemptsWithoutServer = 3;
/// So much progress makes the attempts before it forgotten; the file's size bounds the rest.
constexpr std::uint64_t kProgressBytes = std::uint64_t{1} << 20;
constexpr auto kSlice = std::chrono::milliseconds(50);
constexpr int kOk = 200;
constexpr int kPartial = 206;
constexpr int kRangeNotSatisfiable = 416;

/// The strong tag of a whole answer, good for If-Range; empty if there is none.
std::string strong_etag(const Headers& headers) {
  std::string tag = header(headers, "ETag").value_or("");
  return tag.starts_with('"') && tag.size() < kEtagBytesMax ? tag : std::string();
}

/// The first byte that "bytes 100-199/200" speaks of.
std::optional<std::uint64_t> first_byte(const Headers& headers) {
  const std::string range = header(headers, "Content-Range").value_or("");
  constexpr std::string_view kUnit = "bytes ";
  if (!range.starts_with(kUnit)) return std::nullopt;
  std::uint64_t first = 0;
  const char* end = range.data() + range.size();
  const auto parsed = std::from_chars(range.data() + kUnit.size(), end, first);
  if (parsed.ec != std::errc{} || parsed.ptr == end || *parsed.ptr != '-') return std::nullopt;
  return first;
}

}  // namespace

struct HttpClient::State {
  CurlSession session;
  HttpOptions options;
  Reporter* reporter;
  Random random;

  /// False if the user asked to stop.
  bool pause(int attempt, std::int64_t retry_after_ms) {
    const std::int64_t doubled = std::int64_t{options.backoff_ms} << std::min(attempt, 20);
    const std::int64_t longest = std::min<std::int64_t>(doubled, options.backoff_max_ms);
    auto wait =
        static_cast<std::int64_t>(static_cast<double>(longest) * (0.5 + 0.5 * random.uniform()));
    wait = std::max(wait, std::min<std::int64_t>(retry_after_ms, options.backoff_max_ms));
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(wait);
    while (std::chrono::steady_clock::now() < until) {
      if (reporter->cancelled()) return false;
      std::this_thread::sleep_for(kSlice);
    }
    return !reporter->cancelled();
  }

  /// GET, or POST of a body, or `method`.
  Result<Response> ask(const std::string& url, const Headers& headers,
                       std::optional<std::string_view> body, std::size_t size_max,
                       const char* method = nullptr);

  /// Attempts until an answer that will not get better. `prepare` makes the request of an attempt;
  /// `progressed`: whether the last one brought something worth going on for.
  Result<CurlOutcome> persist(const std::function<Result<CurlRequest>()>& prepare,
                              const std::function<bool()>& progressed) {
    for (int attempt = 0;; ++attempt) {
      TORII_TRY(const CurlRequest request, prepare());
      CurlOutcome outcome = session.perform(request);
      if (progressed()) attempt = 0;
      const int most = outcome.reached ? options.attempts_max
                                       : std::min(options.attempts_max, kAttemptsWithoutServer);
      if (!outcome.repeatable || attempt + 1 >= most) {
        if (outcome.error) return *std::move(outcome.error);
        return outcome;
      }
      reporter->note(fmt::format(
          "{}; trying again",
          outcome.error ? outcome.error->message
                        : fmt::format("{}: status {}", shown(request.url), outcome.status)));
      if (!pause(attempt, outcome.retry_after_ms)) {
        return make_error(ErrorCode::kCancelled, "{}: interrupted", shown(request.url));
      }
    }
  }
};

HttpClient::HttpClient(const Environment& environment, const HttpOptions& options,
                       Reporter& reporter)
    : state_(new State{CurlSession(environment, options, reporter), options, &reporter,
                       Random(options.seed)}) {}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

Result<Response> HttpClient::get(const std::string& url, const Headers& headers,
                                 std::size_t size_max) {
  return state_->ask(url, headers, std::nullopt, size_max);
}

Result<Response> HttpClient::post(const std::string& url, const Headers& headers,
                                  std::string_view body, std::size_t size_max) {
  return state_->ask(url, headers, body, size_max);
}

Result<Response> HttpClient::put(const std::string& url, const Headers& headers,
                                 std::string_view body, std::size_t size_max) {
  return state_->ask(url, headers, body, size_max, "PUT");
}

Result<Response> HttpClient::State::ask(const std::string& url, const Headers& headers,
                                        std::optional<std::string_view> body, std::size_t size_max,
                                        const char* method) {
  Response response;
  const auto prepare = [&]() -> Result<CurlRequest> {
    response.body.clear();
    CurlRequest request{
        .url = url, .headers = headers, .compressed = true, .body = body, .method = method};
    request.sink = [&](std::string_view piece, const CurlOutcome&) -> Result<void> {
      if (response.body.size() + piece.size() > size_max) {
        return make_error(ErrorCode::kResourceExhausted,
                          "{}: the answer is longer than the limit of {} bytes", shown(url),
                          size_max);
      }
      response.body += piece;
      return {};
    };
    return request;
  };
  TORII_TRY(CurlOutcome outcome, persist(prepare, [] { return false; }));
  response.status = outcome.status;
  response.headers = std::move(outcome.headers);
  return response;
}

Result<Response> HttpClient::head(const std::string& url, const Headers& headers) {
  const auto prepare = [&]() -> Result<CurlRequest> {
    return CurlRequest{.url = url, .headers = headers, .head = true};
  };
  TORII_TRY(CurlOutcome outcome, state_->persist(prepare, [] { return false; }));
  return Response{.status = outcome.status, .headers = std::move(outcome.headers), .body = {}};
}

Result<Download> HttpClient::download(const std::string& url, const Headers& headers,
                                      const std::filesystem::path& path,
                                      const DownloadOptions& options) {
  GrowingFile file(path);
  TORII_TRY_VOID(file.open());
  const std::uint64_t resumed_at = file.etag().empty() ? 0 : file.size();
  std::uint64_t before = 0;  // bytes when the attempt began
  bool begun = false;        // the head of this attempt's answer was looked at
  bool misfit = false;       // a rest came that does not continue what is there

  const auto begin = [&](const CurlOutcome& answer) -> Result<void> {
    begun = true;
    if (answer.status == kOk) return file.restart(strong_etag(answer.headers));
    misfit = first_byte(answer.headers) != file.size();
    if (!misfit) return {};
    return make_error(ErrorCode::kIo, "{}: the server sent another part than was asked for",
                      shown(url));
  };
  const auto take = [&](std::string_view piece, const CurlOutcome& answer) -> Result<void> {
    if (answer.status != kOk && answer.status != kPartial) return {};
    if (!begun) TORII_TRY_VOID(begin(answer));
    if (file.size() + piece.size() > options.size_max) {
      return make_error(ErrorCode::kResourceExhausted,
                        "{}: the answer is longer than the limit of {} bytes", shown(url),
                        options.size_max);
    }
    return file.append(piece);
  };
  const auto prepare = [&]() -> Result<CurlRequest> {
    begun = false;
    before = file.size();
    CurlRequest request{.url = url, .headers = headers};
    if (file.size() > 0 && !file.etag().empty()) {
      request.range = fmt::format("{}-", file.size());
      request.headers.emplace_back("If-Range", file.etag());
    }
    request.sink = take;
    request.tick = [&] {
      if (options.progress) options.progress(file.size());
    };
    return request;
  };
  const auto progressed = [&] { return file.size() > before + kProgressBytes; };

  auto outcome = state_->persist(prepare, progressed);
  // What is there cannot be continued after all: once more, from the start.
  if (misfit || (outcome.ok() && outcome->status == kRangeNotSatisfiable && file.size() > 0)) {
    misfit = false;
    TORII_TRY_VOID(file.restart(""));
    outcome = state_->persist(prepare, progressed);
  }
  if (!outcome.ok()) return std::move(outcome).error();
  Download result{.status = outcome->status, .headers = std::move(outcome->headers)};
  if (result.status == kOk || result.status == kPartial) {
    if (!begun) TORII_TRY_VOID(begin(*outcome));  // an empty body
    TORII_TRY_VOID(file.finish());
    result.resumed_at = result.status == kPartial ? resumed_at : 0;
  }
  result.size = file.size();
  return result;
}

void discard_download(const std::filesystem::path& path) {
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  std::filesystem::remove(etag_path(path), ignored);
}

}  // namespace torii::net

#include "blob/s3_requests.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "base/random.h"

namespace torii::blob {
namespace {

// Waits that double, each between half and all of its length, so that many processes that met
// the same fault do not come back at the same moment.
class Retries final : public arrow::fs::S3RetryStrategy {
 public:
  explicit Retries(const S3Settings& settings)
      : attempts_(settings.attempts),
        first_wait_ms_(settings.first_wait_s * 1000),
        random_(static_cast<std::uint64_t>(::getpid())) {}

  bool ShouldRetry(const AWSErrorDetail& error, std::int64_t retried) override {
    return retried + 1 < attempts_ && error.should_retry;
  }

  std::int64_t CalculateDelayBeforeNextRetry(const AWSErrorDetail&, std::int64_t retried) override {
    const double doubled = first_wait_ms_ * static_cast<double>(1 << std::min(retried, 20L));
    const std::scoped_lock lock(mutex_);
    return static_cast<std::int64_t>(std::min(doubled, 5000.0) * (0.5 + 0.5 * random_.uniform()));
  }

 private:
  int attempts_;
  double first_wait_ms_;
  std::mutex mutex_;
  Random random_;  // guarded by mutex_
};

// The library lives once in a process, whatever we would like.
struct Library {
  std::mutex mutex;
  bool started = false;                                // guarded by mutex
  std::vector<std::pair<S3Settings, S3>> connections;  // guarded by mutex
};

Library& library() {
  static auto* const only = new Library;  // never destroyed: see end_process()
  return *only;
}

// The library's own end waits for requests that hang, and it meets static objects that were made
// after it and are gone by then: it crashed so. Nothing of ours is left to do at this point, so the
// process ends here, with what it was about to return and all streams written.
void end_process(int exit_code, void*) {
  std::fflush(nullptr);
  ::_exit(exit_code);
}

arrow::fs::S3Options options_of(const S3Settings& settings) {
  arrow::fs::S3Options options;
  if (settings.anonymous()) {
    options.ConfigureAnonymousCredentials();
  } else {
    options.ConfigureAccessKey(settings.access_key, settings.secret_key, settings.session_token);
  }
  options.region = settings.region;
  options.endpoint_override = settings.endpoint;
  options.scheme = settings.scheme;
  options.tls_ca_file_path = settings.ca_file;
  options.connect_timeout = settings.connect_timeout_s;
  options.request_timeout = settings.stall_timeout_s;
  options.retry_strategy = std::make_shared<Retries>(settings);
  // Parts go one after the other, and a small object in a single request.
  options.background_writes = false;
  options.allow_delayed_open = true;
  return options;
}

bool has(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

std::string who(const S3Settings& settings) {
  return settings.anonymous()
             ? "no credentials are set: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
             : "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN) and what "
               "they may do with this bucket";
}

}  // namespace

Result<S3> connect(const S3Settings& settings, const S3Name& name) {
  Library& own = library();
  const std::scoped_lock lock(own.mutex);
  const auto failed = [&](const arrow::Status& status) {
    return s3_error(status, name, settings, "connect", nullptr);
  };
  if (!own.started) {
    arrow::fs::S3GlobalOptions global{arrow::fs::S3LogLevel::Off};
    if (auto status = arrow::fs::InitializeS3(global); !status.ok()) return failed(status);
    ::on_exit(end_process, nullptr);
    own.started = true;
  }
  for (const auto& [known, connection] : own.connections) {
    if (known == settings) return connection;
  }
  arrow::fs::S3Options options = options_of(settings);
  if (options.region.empty()) {
    const auto region = within<arrow::Result<std::string>>(
        settings.total_timeout_s,
        [bucket = name.bucket](const auto&) { return arrow::fs::ResolveS3BucketRegion(bucket); });
    if (!region.has_value()) return s3_timeout(name, settings, "ask for the bucket's region");
    if (!region->ok()) {
      return with_context(failed(region->status()), "the bucket's region (AWS_REGION is not set)");
    }
    options.region = **region;
  }
  // In the library this waits for a request that hangs, also one of another connection.
  const auto made = within<arrow::Result<S3>>(settings.total_timeout_s, [options](const auto&) {
    return arrow::fs::S3FileSystem::Make(options);
  });
  if (!made.has_value()) return s3_timeout(name, settings, "connect");
  if (!made->ok()) return failed(made->status());
  own.connections.emplace_back(settings, **made);
  return **made;
}

Error s3_timeout(const S3Name& name, const S3Settings& settings, std::string_view action) {
  return make_error(ErrorCode::kIo,
                    "{}: cannot {}: {} gave no full answer within {} s; try again, or allow more "
                    "time with TORII_S3_TIMEOUT_S",
                    name.text(), action, settings.place(), settings.total_timeout_s);
}

Error s3_error(const arrow::Status& status, const S3Name& name, const S3Settings& settings,
               std::string_view action, const S3& s3) {
  const std::string text = settings.redacted(status.message());
  const std::string place = settings.place();
  if (has(text,
          {"SIGNATURE_DOES_NOT_MATCH", "INVALID_ACCESS_KEY_ID", "ACCESS_DENIED",
           "INVALID_CLIENT_TOKEN_ID", "UNRECOGNIZED_CLIENT", "INVALID_SIGNATURE",
           "MISSING_AUTHENTICATION_TOKEN", "ExpiredToken", "HTTP status 403", "HTTP status 401"})) {
    return make_error(ErrorCode::kIo, "{}: cannot {}: {} refused it (access denied); {}",
                      name.text(), action, place, who(settings));
  }
  if (has(text, {"Path does not exist", "NO_SUCH_KEY", "NO_SUCH_BUCKET", "RESOURCE_NOT_FOUND",
                 "Bucket '", "HTTP status 404"})) {
    bool no_bucket = has(text, {"NO_SUCH_BUCKET"});
    if (!no_bucket && s3 != nullptr) {
      using Info = arrow::Result<arrow::fs::FileInfo>;
      const auto bucket =
          within<Info>(settings.total_timeout_s,
                       [s3, of = name.bucket](const auto&) { return s3->GetFileInfo(of); });
      no_bucket =
          bucket.has_value() && bucket->ok() && (*bucket)->type() == arrow::fs::FileType::NotFound;
    }
    return no_bucket ? make_error(ErrorCode::kNotFound, "{}: {} has no bucket '{}'", name.text(),
                                  place, name.bucket)
                     : make_error(ErrorCode::kNotFound, "{}: no such object in bucket '{}' of {}",
                                  name.text(), name.bucket, place);
  }
  if (has(text, {"the configured region", "PermanentRedirect", "HTTP status 301"})) {
    return make_error(ErrorCode::kIo,
                      "{}: cannot {}: the bucket is in another region than {}; set "
                      "AWS_REGION to the bucket's: {}",
                      name.text(), action, settings.region, text);
  }
  if (has(text, {"NETWORK_CONNECTION", "curlCode", "REQUEST_TIMEOUT"})) {
    const std::size_t detail = text.find("curlCode");
    if (has(text, {"curlCode: 60", "curlCode: 77"})) {
      return make_error(ErrorCode::kIo,
                        "{}: cannot {}: the certificate of {} is not trusted; if it is the right "
                        "server, name the file with its authority in AWS_CA_BUNDLE",
                        name.text(), action, place);
    }
    return make_error(ErrorCode::kIo,
                      "{}: cannot {}: {} cannot be reached, or broke off, in {} attempts ({}); "
                      "check the network and AWS_ENDPOINT_URL",
                      name.text(), action, place, settings.attempts,
                      detail == std::string::npos ? text : text.substr(detail));
  }
  if (has(text, {"SLOW_DOWN", "SERVICE_UNAVAILABLE", "INTERNAL_FAILURE", "THROTTLING",
                 "HTTP status 5"})) {
    return make_error(ErrorCode::kIo,
                      "{}: cannot {}: {} failed in all of {} attempts; try again later ({})",
                      name.text(), action, place, settings.attempts, text);
  }
  return make_error(ErrorCode::kIo, "{}: cannot {}: {}: {}", name.text(), action, place, text);
}

}  // namespace torii::blob

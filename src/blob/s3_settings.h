#pragma once

#include <string>
#include <string_view>

#include "base/environment.h"
#include "base/result.h"

namespace torii::blob {

/// Where an S3 store is and who asks it, read from the environment map alone.
struct S3Settings {
  std::string endpoint;  ///< "host:port"; empty = Amazon's own
  std::string scheme = "https";
  std::string region;      ///< empty = the store is asked for the bucket's
  std::string access_key;  ///< empty = nobody: only what everybody may read
  std::string secret_key;
  std::string session_token;
  std::string ca_file;  ///< certificates to trust in https

  int attempts = 8;  ///< of a request, the first included
  double connect_timeout_s = 5;
  double stall_timeout_s = 20;  ///< without a byte
  double total_timeout_s =
      120;                    ///< of one request of at most 16 MiB, all attempts and waits included
  double first_wait_s = 0.1;  ///< before the second attempt; doubles, up to 5 s, with jitter

  [[nodiscard]] bool operator==(const S3Settings&) const = default;
  [[nodiscard]] bool anonymous() const { return access_key.empty(); }
  /// "http://127.0.0.1:9000" or "Amazon S3 in eu-west-1", for messages.
  [[nodiscard]] std::string place() const;
  /// `text` with every secret of these settings replaced by "***".
  [[nodiscard]] std::string redacted(std::string text) const;
};

/// Reads AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, else the profile
/// AWS_PROFILE (or "default") of AWS_SHARED_CREDENTIALS_FILE (or $HOME/.aws/credentials), else
/// nobody; AWS_REGION, AWS_DEFAULT_REGION; AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL; AWS_CA_BUNDLE
/// (else SSL_CERT_FILE, else where distributions keep the file); AWS_MAX_ATTEMPTS;
/// TORII_S3_TIMEOUT_S (total_timeout_s; the other times never exceed it). Errors: kInvalidArgument
/// naming the variable.
[[nodiscard]] Result<S3Settings> s3_settings(const Environment& environment);

}  // namespace torii::blob

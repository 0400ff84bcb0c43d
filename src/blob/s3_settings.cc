#include "blob/s3_settings.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <system_error>

#include "base/file.h"

namespace torii::blob {
namespace {

std::string value_of(const Environment& environment, std::string_view name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

// The keys of one [profile] of a credentials file; lines that are none are passed over, as the
// tools that write such files do.
std::map<std::string, std::string, std::less<>> profile_of(std::string_view file,
                                                           std::string_view profile) {
  std::map<std::string, std::string, std::less<>> keys;
  bool inside = false;
  while (!file.empty()) {
    const std::size_t end = std::min(file.find('\n'), file.size());
    const std::string_view line = trimmed(file.substr(0, end));
    file.remove_prefix(std::min(end + 1, file.size()));
    if (line.starts_with('[') && line.ends_with(']')) {
      inside = trimmed(line.substr(1, line.size() - 2)) == profile;
    } else if (const std::size_t equals = line.find('=');
               inside && equals != std::string_view::npos && line[0] != '#') {
      keys[std::string(trimmed(line.substr(0, equals)))] = trimmed(line.substr(equals + 1));
    }
  }
  return keys;
}

Result<void> read_profile(const Environment& environment, S3Settings& settings) {
  const std::string named = value_of(environment, "AWS_PROFILE");
  std::string path = value_of(environment, "AWS_SHARED_CREDENTIALS_FILE");
  const std::string home = value_of(environment, "HOME");
  const bool asked_for = !named.empty() || !path.empty();
  if (path.empty() && !home.empty()) path = home + "/.aws/credentials";
  if (path.empty()) return {};
  const auto file = read_file(path, std::size_t{1} << 20);
  if (!file.ok()) {
    if (file.error().code == ErrorCode::kNotFound && !asked_for) return {};
    return with_context(file.error(), "S3 credentials");
  }
  const std::string profile = named.empty() ? "default" : named;
  const auto keys = profile_of(*file, profile);
  const auto key = [&](std::string_view name) {
    const auto found = keys.find(name);
    return found == keys.end() ? std::string() : found->second;
  };
  settings.access_key = key("aws_access_key_id");
  settings.secret_key = key("aws_secret_access_key");
  settings.session_token = key("aws_session_token");
  if (settings.region.empty()) settings.region = key("region");
  if (!named.empty() && settings.access_key.empty()) {
    return invalid("{}: profile [{}] (AWS_PROFILE) has no aws_access_key_id", path, profile);
  }
  if (settings.access_key.empty() != settings.secret_key.empty()) {
    return invalid("{}: profile [{}] needs both aws_access_key_id and aws_secret_access_key", path,
                   profile);
  }
  return {};
}

Result<void> read_endpoint(const Environment& environment, S3Settings& settings) {
  std::string name = "AWS_ENDPOINT_URL_S3";
  std::string url = value_of(environment, name);
  if (url.empty()) url = value_of(environment, name = "AWS_ENDPOINT_URL");
  if (url.empty()) return {};
  std::string_view rest = url;
  const std::size_t scheme_end = rest.find("://");
  if (scheme_end != std::string_view::npos) {
    settings.scheme = std::string(rest.substr(0, scheme_end));
    rest.remove_prefix(scheme_end + 3);
  }
  while (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find('@') != std::string_view::npos) {
    return invalid("{}: holds user or password; expected http://host:port or https://host", name);
  }
  const bool plain = !rest.empty() && rest.find_first_of("/?# \t\"'") == std::string_view::npos &&
                     (settings.scheme == "http" || settings.scheme == "https");
  if (!plain) {
    return invalid("{}: found '{}'; expected http://host:port or https://host", name, url);
  }
  settings.endpoint = std::string(rest);
  return {};
}

// The client was built for another distribution and would look where that one keeps them.
Result<void> find_certificates(const Environment& environment, S3Settings& settings) {
  std::error_code ignored;
  for (const std::string_view name : {"AWS_CA_BUNDLE", "SSL_CERT_FILE"}) {
    settings.ca_file = value_of(environment, name);
    if (settings.ca_file.empty()) continue;
    if (std::filesystem::exists(settings.ca_file, ignored)) return {};
    return make_error(ErrorCode::kNotFound, "{}: there is no file {}", name, settings.ca_file);
  }
  for (const char* place :
       {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"}) {
    if (!std::filesystem::exists(place, ignored)) continue;
    settings.ca_file = place;
    break;
  }
  return {};
}

template <class Number>
Result<void> read_number(const Environment& environment, const std::string& name, Number low,
                         Number high, Number& to) {
  const std::string text = value_of(environment, name);
  if (text.empty()) return {};
  Number value{};
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size() ||
      !(value >= low && value <= high)) {
    return invalid("{}: expected a number from {} to {}, found '{}'", name, low, high, text);
  }
  to = value;
  return {};
}

}  // namespace

std::string S3Settings::place() const {
  if (!endpoint.empty()) return scheme + "://" + endpoint;
  return region.empty() ? "Amazon S3" : "Amazon S3 in " + region;
}

std::string S3Settings::redacted(std::string text) const {
  for (const std::string& secret : {secret_key, session_token}) {
    if (secret.size() < 4) continue;
    for (std::size_t at; (at = text.find(secret)) != std::string::npos;) {
      text.replace(at, secret.size(), "***");
    }
  }
  return text;
}

Result<S3Settings> s3_settings(const Environment& environment) {
  S3Settings settings;
  settings.region = value_of(environment, "AWS_REGION");
  if (settings.region.empty()) settings.region = value_of(environment, "AWS_DEFAULT_REGION");
  settings.access_key = value_of(environment, "AWS_ACCESS_KEY_ID");
  settings.secret_key = value_of(environment, "AWS_SECRET_ACCESS_KEY");
  settings.session_token = value_of(environment, "AWS_SESSION_TOKEN");
  if (settings.access_key.empty() != settings.secret_key.empty()) {
    return invalid("{} is set and {} is not; S3 needs both, or neither for public data",
                   settings.access_key.empty() ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID",
                   settings.access_key.empty() ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY");
  }
  if (settings.access_key.empty()) {
    settings.session_token.clear();
    TORII_TRY_VOID(read_profile(environment, settings));
  }
  TORII_TRY_VOID(read_endpoint(environment, settings));
  if (settings.scheme == "https") TORII_TRY_VOID(find_certificates(environment, settings));
  // A store of one's own takes any region, but a request must name one to be signed.
  if (settings.region.empty() && !settings.endpoint.empty()) settings.region = "us-east-1";
  TORII_TRY_VOID(read_number(environment, "AWS_MAX_ATTEMPTS", 1, 100, settings.attempts));
  TORII_TRY_VOID(
      read_number(environment, "TORII_S3_TIMEOUT_S", 0.1, 86400.0, settings.total_timeout_s));
  settings.connect_timeout_s = std::min(settings.connect_timeout_s, settings.total_timeout_s);
  settings.stall_timeout_s = std::min(settings.stall_timeout_s, settings.total_timeout_s);
  return settings;
}

}  // namespace torii::blob

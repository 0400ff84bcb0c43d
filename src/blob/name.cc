#include "blob/name.h"

#include <algorithm>
#include <cctype>

#include "blob/blob.h"

namespace torii::blob {
namespace {

constexpr std::string_view kS3 = "s3://";
constexpr std::string_view kFile = "file://";

// "gs" of "gs://bucket/key"; empty if there is no scheme.
std::string_view scheme_of(std::string_view name) {
  const std::size_t end = name.find("://");
  if (end == std::string_view::npos || end == 0) return {};
  const auto is_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '-' || c == '.';
  };
  const std::string_view scheme = name.substr(0, end);
  return std::all_of(scheme.begin(), scheme.end(), is_word) ? scheme : std::string_view{};
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> percent_decoded(std::string_view text, std::string_view name) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const int high = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0 || (high == 0 && low == 0)) {
      return invalid(
          "{}: a '%' without two hexadecimal digits behind it; write a '%' itself as %25", name);
    }
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

bool is_bucket_name(std::string_view bucket) {
  const auto is_allowed = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_';
  };
  return bucket.size() >= 3 && bucket.size() <= 255 &&
         std::all_of(bucket.begin(), bucket.end(), is_allowed);
}

}  // namespace

bool is_remote(std::string_view name) {
  return name.starts_with(kS3);
}

Result<S3Name> parse_s3_name(std::string_view name) {
  const std::string_view rest = name.substr(kS3.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  S3Name result{std::string(rest.substr(0, slash)),
                std::string(rest.substr(std::min(slash + 1, rest.size())))};
  if (result.bucket.find('@') != std::string::npos) {
    // What stands before the @ may be a secret: it is not repeated.
    return invalid(
        "s3://...@{}: credentials do not belong into the name; set AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY and write s3://bucket/key",
        result.bucket.substr(result.bucket.rfind('@') + 1));
  }
  if (!is_bucket_name(result.bucket)) {
    return invalid(
        "{}: '{}' is no name of a bucket (3 or more letters, digits, '-', '.'); expected "
        "s3://bucket/key",
        name, result.bucket);
  }
  if (result.key.starts_with('/') || result.key.find("//") != std::string::npos) {
    return invalid("{}: the key has an empty part ('//'); expected s3://bucket/folder/object",
                   name);
  }
  return result;
}

Result<std::filesystem::path> parse_local_name(std::string_view name) {
  if (name.empty()) return invalid("the name of a file is empty");
  if (name.find('\0') != std::string_view::npos) {
    return invalid("the name of a file holds a zero byte");
  }
  if (name.starts_with(kFile)) {
    const std::string_view path = name.substr(kFile.size());
    if (!path.starts_with('/')) {
      return invalid("{}: expected file:///absolute/path (three slashes)", name);
    }
    TORII_TRY(std::string decoded, percent_decoded(path, name));
    return std::filesystem::path(std::move(decoded));
  }
  if (const std::string_view scheme = scheme_of(name); !scheme.empty()) {
    return invalid(
        "{}: '{}://' is not understood; expected a path, file:///path or s3://bucket/key", name,
        scheme);
  }
  return std::filesystem::path(name);
}

}  // namespace torii::blob

#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace torii::blob {

/// "s3://bucket/key" in its parts. `key` may be empty (the bucket itself).
struct S3Name {
  std::string bucket;
  std::string key;

  [[nodiscard]] std::string text() const { return "s3://" + bucket + "/" + key; }
};

/// Errors: kInvalidArgument (no bucket, a bucket's name that no store allows, user:password@,
/// a key with an empty part).
[[nodiscard]] Result<S3Name> parse_s3_name(std::string_view name);

/// The path of a local name; file:/// is taken off and its %XX are decoded. Errors:
/// kInvalidArgument for an empty name and for another scheme ("gs://...").
[[nodiscard]] Result<std::filesystem::path> parse_local_name(std::string_view name);

}  // namespace torii::blob

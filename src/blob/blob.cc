#include "blob/blob.h"

#include "blob/local.h"
#include "blob/name.h"
#include "blob/s3.h"

namespace torii::blob {

Result<std::unique_ptr<Object>> open(const std::string& name, const Environment& environment) {
  if (is_remote(name)) {
    TORII_TRY(const S3Name object, parse_s3_name(name));
    TORII_TRY(const S3Settings settings, s3_settings(environment));
    return open_s3(object, settings);
  }
  TORII_TRY(const auto path, parse_local_name(name));
  return open_local(path);
}

Result<std::vector<Entry>> list(const std::string& folder, const Environment& environment) {
  if (is_remote(folder)) {
    TORII_TRY(const S3Name name, parse_s3_name(folder));
    TORII_TRY(const S3Settings settings, s3_settings(environment));
    return list_s3(name, settings);
  }
  TORII_TRY(const auto path, parse_local_name(folder));
  return list_local(path);
}

Result<bool> put(const std::string& name, std::span<const std::byte> bytes, Existing existing,
                 const Environment& environment) {
  if (is_remote(name)) {
    TORII_TRY(const S3Name object, parse_s3_name(name));
    TORII_TRY(const S3Settings settings, s3_settings(environment));
    return put_s3(object, bytes, existing, settings);
  }
  TORII_TRY(const auto path, parse_local_name(name));
  return put_local(path, bytes, existing);
}

Result<bool> remove(const std::string& name, const Environment& environment) {
  if (is_remote(name)) {
    TORII_TRY(const S3Name object, parse_s3_name(name));
    TORII_TRY(const S3Settings settings, s3_settings(environment));
    return remove_s3(object, settings);
  }
  TORII_TRY(const auto path, parse_local_name(name));
  return remove_local(path);
}

}  // namespace torii::blob

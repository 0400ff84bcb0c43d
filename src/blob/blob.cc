#include "blob/blob.h"

#include "blob/local.h"
#include "blob/name.h"

namespace torii::blob {
namespace {

Error no_s3(const std::string& name) {
  return make_error(ErrorCode::kUnsupported, "{}: this build reads local files only", name);
}

}  // namespace

Result<std::unique_ptr<Object>> open(const std::string& name, const Environment&) {
  if (is_remote(name)) return no_s3(name);
  TORII_TRY(const auto path, parse_local_name(name));
  return open_local(path);
}

Result<std::vector<Entry>> list(const std::string& folder, const Environment&) {
  if (is_remote(folder)) return no_s3(folder);
  TORII_TRY(const auto path, parse_local_name(folder));
  return list_local(path);
}

Result<bool> put(const std::string& name, std::span<const std::byte> bytes, Existing existing,
                 const Environment&) {
  if (is_remote(name)) return no_s3(name);
  TORII_TRY(const auto path, parse_local_name(name));
  return put_local(path, bytes, existing);
}

}  // namespace torii::blob

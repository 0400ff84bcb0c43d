#pragma once

#include "blob/blob.h"
#include "blob/name.h"
#include "blob/s3_settings.h"

// Objects of an S3 store behind blob.h; same contracts. Nothing of the S3 library runs, no thread
// and no socket, before the first call.
namespace torii::blob {

[[nodiscard]] Result<std::unique_ptr<Object>> open_s3(const S3Name& name,
                                                      const S3Settings& settings);
[[nodiscard]] Result<std::vector<Entry>> list_s3(const S3Name& folder, const S3Settings& settings);
[[nodiscard]] Result<bool> put_s3(const S3Name& name, std::span<const std::byte> bytes,
                                  Existing existing, const S3Settings& settings);

[[nodiscard]] Result<bool> remove_s3(const S3Name& name, const S3Settings& settings);

}  // namespace torii::blob

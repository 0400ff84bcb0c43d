#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/environment.h"
#include "base/result.h"

/// Bytes by name: local files ("shop/items.parquet", "file:///shop/items.parquet") and objects in
/// an S3 store ("s3://bucket/key"). A name means the same to every verb.
namespace torii::blob {

/// An object or file below a folder.
struct Entry {
  std::string name;  ///< as it is opened: "shop/part-0.parquet", "s3://bucket/shop/part-0.parquet"
  std::uint64_t size = 0;  ///< bytes
};

/// An open object, read in ranges. Threads: const calls may run concurrently.
class Object {
 public:
  virtual ~Object() = default;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  /// Fills `out` from `offset`; offset + out.size() <= size(). Errors: kIo (disk, network),
  /// kCorrupt if the object became shorter since it was opened.
  [[nodiscard]] virtual Result<void> read(std::uint64_t offset, std::span<std::byte> out) const = 0;
  /// kCorrupt if the object was written to since it was opened. A reader calls it once, behind its
  /// last read(): only then do all ranges surely belong to one object. Costs one request (S3).
  [[nodiscard]] virtual Result<void> check_unchanged() const = 0;
};

/// Whether `name` is one of a remote store ("s3://...").
[[nodiscard]] bool is_remote(std::string_view name);

/// `environment` holds credentials and the endpoint of s3:// names (see s3_settings.h). A request
/// that fails for a reason that passes is tried again with growing waits, a bounded number of times
/// and for a bounded time: a store that hangs is an error, never a wait without end. Errors:
/// kNotFound, kIo (disk, network, permission, wrong credentials), kInvalidArgument (a name that is
/// none, a folder). No message holds a secret.
[[nodiscard]] Result<std::unique_ptr<Object>> open(const std::string& name,
                                                   const Environment& environment);

/// All files below a folder, at any depth, ordered by name (bytes); hidden ones too; links to files
/// count, links to folders below it are not followed. A file is its own only entry.
/// At most kEntriesMax (kResourceExhausted beyond). Errors as open().
inline constexpr std::size_t kEntriesMax = 1'000'000;
[[nodiscard]] Result<std::vector<Entry>> list(const std::string& folder,
                                              const Environment& environment);

/// What put() does with an object of that name that is there already.
enum class Existing { kReplace, kKeep };

/// Writes the whole object: a reader sees the old bytes or the new ones, never a part; durable on
/// return. Missing folders are created, as in a store of objects, which has none. S3: above 10 MB
/// in parts. Returns whether it was written: false if kKeep met an object of that name. For files
/// the system decides, so of two writers one wins; Arrow's S3 client cannot ask the store to
/// decide, so there kKeep looks first and writes then, and of two writers at the same moment the
/// last one stays: use it for names that say what is in them (a hash), where both write the same.
[[nodiscard]] Result<bool> put(const std::string& name, std::span<const std::byte> bytes,
                               Existing existing, const Environment& environment);

/// Takes an object or file away, for good on return; false if there is none of that name. Errors:
/// kIo, kInvalidArgument (a name that is none, a folder).
[[nodiscard]] Result<bool> remove(const std::string& name, const Environment& environment);

}  // namespace torii::blob

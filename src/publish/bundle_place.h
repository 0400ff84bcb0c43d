#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/environment.h"
#include "base/result.h"

// Where the bundles of publications lie: PLACE/<id>/, each under the SHA-256 of its manifest, so
// that the same bundle is there once, whatever the tenants and versions that name it. PLACE is a
// folder or "s3://bucket/folder".
namespace torii::publish {

/// 64 lower-case hexadecimal digits.
[[nodiscard]] bool is_bundle_id(std::string_view text);

/// 'bundles' beside the file of "sqlite:FILE" and in the folder of "feast:REPO", absolute; nullopt
/// for other stores.
[[nodiscard]] std::optional<std::string> default_bundle_place(std::string_view store_uri);

/// `configured` (publish.bundles), or the default place of the store. Error kInvalidArgument if
/// there is none.
[[nodiscard]] Result<std::string> bundle_place(const std::string& configured,
                                               std::string_view store_uri);

/// Copies the bundle in `folder`, whose id is `id`, to the place and returns its name there. One
/// that is there already and whole stays as it is. A reader sees the whole bundle or none: a folder
/// takes its name at the end; of objects the manifest is written last. Errors: kCorrupt (the bundle
/// is not what its id says), those of blob::put() and write_folder_durably().
[[nodiscard]] Result<std::string> copy_bundle(const std::filesystem::path& folder,
                                              const std::string& id, const std::string& place,
                                              const Environment& environment);

/// The bundle `id` at `uri` as a folder of this machine: uri itself if it is one, else a copy in
/// `cache`/<id> (which must exist), taken once. Its manifest is checked against the id and every
/// part against the manifest. Errors: kNotFound, kCorrupt (naming the part), kIo.
[[nodiscard]] Result<std::filesystem::path> fetch_bundle(const std::string& uri,
                                                         const std::string& id,
                                                         const std::filesystem::path& cache,
                                                         const Environment& environment);

/// Ids of the bundles in a folder of this machine that were written before `written_before_ms`:
/// a publisher copies first and commits then. Whatever else lies there is none. A place that does
/// not exist has none, and objects of a remote one, which tell no time, are not listed.
[[nodiscard]] Result<std::vector<std::string>> bundles_at(const std::string& place,
                                                          std::int64_t written_before_ms);

/// Removes PLACE/<id> if it is a bundle and nothing else; false if it is not. The manifest goes
/// first, so that what a kill leaves is none any more.
[[nodiscard]] Result<bool> remove_bundle(const std::string& place, const std::string& id,
                                         const Environment& environment);

}  // namespace torii::publish

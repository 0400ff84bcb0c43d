#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace torii::model {

/// 2: training_pairs.safetensors; 1 had a sample of the rows in its provenance instead.
inline constexpr int kBundleVersion = 2;
inline constexpr const char* kBundleFormat = "torii-bundle";
inline constexpr const char* kManifestFile = "bundle.json";
inline constexpr std::size_t kManifestMax = std::size_t{1} << 30;  ///< bytes
inline constexpr const char* kTowersFile = "towers.safetensors";
inline constexpr const char* kItemsFile = "items.safetensors";
inline constexpr const char* kUsersFile = "users.safetensors";
inline constexpr const char* kPairsFile = "training_pairs.safetensors";

/// The manifest as it lies on disk: the tree, indented, with a last member "manifest_sha256" over
/// every byte before that line, so that no byte of the file can change unseen.
/// `manifest` is an object that has members, "manifest_sha256" not among them.
[[nodiscard]] std::string seal_manifest(const Json& manifest);

/// Checks the seal, then the format and its version. Errors: kCorrupt, kUnsupported (newer
/// version). `name` stands in messages.
[[nodiscard]] Result<Json> unseal_manifest(std::string_view text, const std::string& name);

/// One file of a bundle beside the manifest.
struct BundlePart {
  std::string name;
  std::uint64_t size = 0;
  std::string sha256;
};
[[nodiscard]] Result<BundlePart> measure_part(const std::filesystem::path& folder,
                                              const std::string& name);
/// Size and hash of the file against the manifest's. Error: kCorrupt, naming the part.
[[nodiscard]] Result<void> verify_part(const std::filesystem::path& folder, const BundlePart& part);
[[nodiscard]] Json parts_to_json(const std::vector<BundlePart>& parts);
/// Every name must be one of those above, none twice, towers and items present.
[[nodiscard]] Result<std::vector<BundlePart>> parts_from_json(const Json& manifest,
                                                              const std::string& name);

/// Names in `folder` that are no file of a bundle, sorted; empty if it cannot be read.
[[nodiscard]] std::vector<std::string> foreign_files(const std::filesystem::path& folder);

/// True if `folder` holds a bundle and nothing else: it may be replaced by another one.
[[nodiscard]] bool is_bundle_folder(const std::filesystem::path& folder);

}  // namespace torii::model

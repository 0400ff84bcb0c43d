#include "model/bundle_manifest.h"

#include <algorithm>
#include <array>
#include <system_error>

#include "base/check.h"
#include "base/file.h"
#include "base/hash.h"

namespace torii::model {
namespace {

constexpr std::string_view kSealBefore = "  \"manifest_sha256\": \"";
constexpr std::string_view kSealAfter = "\"\n}\n";
constexpr std::size_t kDigits = 64;
constexpr std::size_t kSealSize = kSealBefore.size() + kDigits + kSealAfter.size();
constexpr std::array<const char*, 4> kPartNames = {kTowersFile, kItemsFile, kUsersFile, kPairsFile};

}  // namespace

std::string seal_manifest(const Json& manifest) {
  TORII_CHECK(manifest.is_object() && !manifest.as_object().empty(), "a manifest has members");
  std::string text = manifest.dump(2);
  constexpr std::string_view kEnd = "\n}";
  TORII_CHECK(text.ends_with(kEnd), "an indented object ends in a line of its own");
  text.replace(text.size() - kEnd.size(), kEnd.size(), ",\n");
  const std::string hash = sha256_hex(text);
  text += kSealBefore;
  text += hash;
  text += kSealAfter;
  return text;
}

Result<Json> unseal_manifest(std::string_view text, const std::string& name) {
  const auto broken = [&](std::string_view why) {
    return make_error(ErrorCode::kCorrupt, "{}: {}; restore the bundle from a copy or train again",
                      name, why);
  };
  if (text.size() < kSealSize) return broken("too short for a manifest");
  const std::string_view body = text.substr(0, text.size() - kSealSize);
  const std::string_view seal = text.substr(body.size());
  const std::string_view digits = seal.substr(kSealBefore.size(), kDigits);
  if (!seal.starts_with(kSealBefore) || !seal.ends_with(kSealAfter)) {
    return broken("the line with manifest_sha256 is missing at the end");
  }
  if (sha256_hex(body) != digits) return broken("the content does not match its manifest_sha256");
  auto json = Json::parse(text, name);
  if (!json.ok()) return broken(json.error().message);
  if (json->string_at("format") != kBundleFormat) return broken("this is no bundle of torii");
  const auto version = json->int_at("version");
  if (!version.has_value() || *version < 1) return broken("the format version is missing");
  if (*version > kBundleVersion) {
    return make_error(ErrorCode::kUnsupported,
                      "{}: bundle format version {} is newer than what this torii reads (up to "
                      "{}); use a newer torii, or train the bundle again with this one",
                      name, *version, kBundleVersion);
  }
  return json;
}

Result<BundlePart> measure_part(const std::filesystem::path& folder, const std::string& name) {
  TORII_TRY(const MappedFile file, MappedFile::open(folder / name));
  return BundlePart{.name = name, .size = file.bytes().size(), .sha256 = sha256_hex(file.bytes())};
}

Result<void> verify_part(const std::filesystem::path& folder, const BundlePart& part) {
  const std::string name = (folder / part.name).string();
  auto found = measure_part(folder, part.name);
  if (!found.ok() && found.error().code == ErrorCode::kNotFound) {
    return make_error(ErrorCode::kCorrupt, "{}: the manifest names this part, but it is missing",
                      name);
  }
  if (!found.ok()) return std::move(found).error();
  if (found->size != part.size) {
    return make_error(ErrorCode::kCorrupt, "{}: expected {} bytes, found {}", name, part.size,
                      found->size);
  }
  if (found->sha256 != part.sha256) {
    return make_error(ErrorCode::kCorrupt, "{}: expected SHA-256 {}, found {}", name, part.sha256,
                      found->sha256);
  }
  return {};
}

Json parts_to_json(const std::vector<BundlePart>& parts) {
  Json list = Json::array();
  for (const BundlePart& part : parts) {
    list.push(
        Json(Json::Object{{"name", part.name}, {"size", part.size}, {"sha256", part.sha256}}));
  }
  return list;
}

Result<std::vector<BundlePart>> parts_from_json(const Json& manifest, const std::string& name) {
  const auto broken = [&](std::string_view why) {
    return make_error(ErrorCode::kCorrupt, "{}: parts: {}", name, why);
  };
  const Json* list = manifest.find("parts");
  if (list == nullptr || !list->is_array()) return broken("expected a list");
  std::vector<BundlePart> parts;
  for (const Json& entry : list->as_array()) {
    const auto part_name = entry.string_at("name");
    const auto size = entry.int_at("size");
    const auto hash = entry.string_at("sha256");
    if (!part_name || !size || *size < 0 || !hash) return broken("expected name, size and sha256");
    const auto is_it = [&](const char* known) { return *part_name == known; };
    if (std::none_of(kPartNames.begin(), kPartNames.end(), is_it)) {
      return broken(fmt::format("'{}' is no part of a bundle", *part_name));
    }
    for (const BundlePart& other : parts) {
      if (other.name == *part_name) return broken(fmt::format("'{}' is there twice", *part_name));
    }
    parts.push_back({*part_name, static_cast<std::uint64_t>(*size), *hash});
  }
  for (const char* needed : {kTowersFile, kItemsFile}) {
    const auto is_it = [&](const BundlePart& part) { return part.name == needed; };
    if (std::none_of(parts.begin(), parts.end(), is_it)) {
      return broken(fmt::format("'{}' is missing", needed));
    }
  }
  return parts;
}

std::vector<std::string> foreign_files(const std::filesystem::path& folder) {
  std::vector<std::string> foreign;
  std::error_code error;
  for (auto entry = std::filesystem::directory_iterator(folder, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const auto is_it = [&](const char* known) { return name == known; };
    if (name != kManifestFile && std::none_of(kPartNames.begin(), kPartNames.end(), is_it)) {
      foreign.push_back(name);
    }
  }
  std::sort(foreign.begin(), foreign.end());
  return foreign;
}

bool is_bundle_folder(const std::filesystem::path& folder) {
  auto text = read_file(folder / kManifestFile, kManifestMax);
  if (!text.ok()) return false;
  auto json = Json::parse(*text, kManifestFile);
  if (!json.ok() || json->string_at("format") != kBundleFormat) return false;
  return foreign_files(folder).empty();
}

}  // namespace torii::model

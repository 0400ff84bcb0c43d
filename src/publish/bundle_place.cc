#include "publish/bundle_place.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <span>
#include <system_error>

#include "base/file.h"
#include "base/hash.h"
#include "blob/blob.h"
#include "model/bundle.h"
#include "model/bundle_manifest.h"
#include "store/feast_store.h"

namespace torii::publish {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kManifestMax = std::size_t{1} << 30;
constexpr std::size_t kPieceBytes = std::size_t{8} << 20;

std::string joined(const std::string& place, std::string_view name) {
  std::string path = place;
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return fmt::format("{}/{}", path, name);
}

// What a bundle in a folder of this machine consists of, all of it checked.
Result<std::vector<model::BundlePart>> check_bundle(const fs::path& folder, const std::string& id) {
  const fs::path path = folder / model::kManifestFile;
  TORII_TRY(const std::string text, read_file(path, kManifestMax));
  if (sha256_hex(text) != id) {
    return make_error(ErrorCode::kCorrupt, "{}: expected the bundle {}, found {}", path.string(),
                      id, sha256_hex(text));
  }
  TORII_TRY(const Json manifest, model::unseal_manifest(text, path.string()));
  TORII_TRY(auto parts, model::parts_from_json(manifest, path.string()));
  for (const model::BundlePart& part : parts) {
    TORII_TRY_VOID(model::verify_part(folder, part));
  }
  return parts;
}

Result<void> copy_one(const fs::path& from, const fs::path& to) {
  std::error_code failure;
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, failure);
  if (!failure) return {};
  const bool full = failure == std::errc::no_space_on_device || failure.value() == EDQUOT;
  return make_error(full ? ErrorCode::kResourceExhausted : ErrorCode::kIo, "{}: cannot copy {}: {}",
                    to.string(), from.string(), failure.message());
}

// Into PLACE/<id>, a folder of this machine.
Result<void> copy_to_folder(const fs::path& from, const std::string& id, const fs::path& to,
                            const std::vector<model::BundlePart>& parts) {
  std::error_code failure;
  fs::create_directories(to.parent_path(), failure);
  if (failure) {
    return make_error(ErrorCode::kIo, "{}: the folder cannot be made: {}",
                      to.parent_path().string(), failure.message());
  }
  return write_folder_durably(
      to, model::is_bundle_folder, [&](const fs::path& temporary) -> Result<void> {
        for (const model::BundlePart& part : parts) {
          TORII_TRY_VOID(copy_one(from / part.name, temporary / part.name));
        }
        TORII_TRY_VOID(copy_one(from / model::kManifestFile, temporary / model::kManifestFile));
        TORII_TRY([[maybe_unused]] const auto copied, check_bundle(temporary, id));
        return {};
      });
}

Result<void> put_file(const fs::path& from, const std::string& name,
                      const Environment& environment) {
  TORII_TRY(const MappedFile file, MappedFile::open(from));
  TORII_TRY([[maybe_unused]] const bool written,
            blob::put(name, file.bytes(), blob::Existing::kReplace, environment));
  return {};
}

Result<std::string> read_object(const std::string& name, std::size_t size_max,
                                const Environment& environment) {
  TORII_TRY(const auto object, blob::open(name, environment));
  if (object->size() > size_max) {
    return make_error(ErrorCode::kCorrupt, "{}: {} bytes, more than any manifest has", name,
                      object->size());
  }
  std::string text(object->size(), '\0');
  TORII_TRY_VOID(object->read(0, std::as_writable_bytes(std::span(text))));
  TORII_TRY_VOID(object->check_unchanged());
  return text;
}

// One object into a file, piece by piece.
Result<void> get_file(const std::string& name, const fs::path& to, const Environment& environment) {
  TORII_TRY(const auto object, blob::open(name, environment));
  return write_durably_with(to, [&](const fs::path& temporary) -> Result<void> {
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(temporary.c_str(), "wb"),
                                                         std::fclose);
    if (!file) {
      return make_error(ErrorCode::kIo, "{}: {}", temporary.string(), errno_text(errno));
    }
    std::vector<std::byte> piece(std::min<std::uint64_t>(kPieceBytes, object->size()));
    for (std::uint64_t at = 0; at < object->size(); at += piece.size()) {
      piece.resize(std::min<std::uint64_t>(piece.size(), object->size() - at));
      TORII_TRY_VOID(object->read(at, piece));
      if (std::fwrite(piece.data(), 1, piece.size(), file.get()) != piece.size()) {
        const bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
        return make_error(full ? ErrorCode::kResourceExhausted : ErrorCode::kIo, "{}: {}",
                          to.string(), errno_text(errno));
      }
    }
    if (std::fclose(file.release()) != 0) {
      return make_error(ErrorCode::kIo, "{}: {}", to.string(), errno_text(errno));
    }
    return object->check_unchanged();
  });
}

std::int64_t written_ms(const fs::path& path) {
  std::error_code ignored;
  const auto time = fs::last_write_time(path, ignored);
  const auto system = std::chrono::file_clock::to_sys(time);
  return std::chrono::duration_cast<std::chrono::milliseconds>(system.time_since_epoch()).count();
}

}  // namespace

bool is_bundle_id(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::optional<std::string> default_bundle_place(std::string_view store_uri) {
  std::error_code ignored;
  if (store::is_feast(store_uri)) {
    fs::path place(store::feast_place(store_uri));
    if (place.extension() == ".yaml" || place.extension() == ".yml") place = place.parent_path();
    if (place.empty()) place = ".";
    return (fs::absolute(place, ignored) / "bundles").lexically_normal().string();
  }
  constexpr std::string_view kScheme = "sqlite:";
  if (!store_uri.starts_with(kScheme)) return std::nullopt;
  std::string_view file = store_uri.substr(kScheme.size());
  if (file.starts_with("//")) file.remove_prefix(2);
  const fs::path absolute = fs::absolute(fs::path(file), ignored);
  return (absolute.parent_path() / "bundles").lexically_normal().string();
}

Result<std::string> bundle_place(const std::string& configured, std::string_view store_uri) {
  if (blob::is_remote(configured)) return configured;
  if (!configured.empty()) {  // servers look it up from elsewhere
    std::error_code ignored;
    return fs::absolute(fs::path(configured), ignored).lexically_normal().string();
  }
  if (auto place = default_bundle_place(store_uri)) return *std::move(place);
  return invalid(
      "publish.bundles is missing: where this store's servers find bundles; name a folder or "
      "s3://bucket/folder, for example --set publish.bundles=s3://shop/bundles");
}

Result<std::string> copy_bundle(const fs::path& folder, const std::string& id,
                                const std::string& place, const Environment& environment) {
  TORII_TRY(const auto parts, check_bundle(folder, id));
  const std::string name = joined(place, id);
  if (!blob::is_remote(place)) {
    if (check_bundle(name, id).ok()) return name;
    TORII_TRY_VOID(copy_to_folder(folder, id, name, parts));
    return name;
  }
  const std::string manifest = joined(name, model::kManifestFile);
  const auto there = read_object(manifest, kManifestMax, environment);
  if (there.ok() && sha256_hex(*there) == id) return name;
  if (!there.ok() && there.error().code == ErrorCode::kIo) return there.error();
  for (const model::BundlePart& part : parts) {
    TORII_TRY_VOID(put_file(folder / part.name, joined(name, part.name), environment));
  }
  TORII_TRY_VOID(put_file(folder / model::kManifestFile, manifest, environment));
  return name;
}

Result<fs::path> fetch_bundle(const std::string& uri, const std::string& id, const fs::path& cache,
                              const Environment& environment) {
  if (!blob::is_remote(uri)) {
    TORII_TRY([[maybe_unused]] const auto parts, check_bundle(uri, id));
    return fs::path(uri);
  }
  const fs::path folder = cache / id;
  if (check_bundle(folder, id).ok()) return folder;
  const auto fill = [&](const fs::path& temporary) -> Result<void> {
    const std::string manifest = joined(uri, model::kManifestFile);
    TORII_TRY_VOID(get_file(manifest, temporary / model::kManifestFile, environment));
    TORII_TRY(const std::string text, read_file(temporary / model::kManifestFile, kManifestMax));
    TORII_TRY(const Json tree, model::unseal_manifest(text, manifest));
    TORII_TRY(const auto parts, model::parts_from_json(tree, manifest));
    for (const model::BundlePart& part : parts) {
      TORII_TRY_VOID(get_file(joined(uri, part.name), temporary / part.name, environment));
    }
    TORII_TRY([[maybe_unused]] const auto checked, check_bundle(temporary, id));
    return {};
  };
  TORII_TRY_VOID(write_folder_durably(
      folder, [](const fs::path&) { return true; }, fill));
  return folder;
}

Result<std::vector<std::string>> bundles_at(const std::string& place,
                                            std::int64_t written_before_ms) {
  std::vector<std::string> ids;
  if (blob::is_remote(place)) return ids;
  std::error_code failure;
  if (!fs::exists(place, failure)) return ids;
  for (const auto& entry : fs::directory_iterator(place, failure)) {
    const std::string id = entry.path().filename().string();
    if (!is_bundle_id(id) || !model::is_bundle_folder(entry.path())) continue;
    if (written_ms(entry.path()) < written_before_ms) ids.push_back(id);
  }
  if (failure) {
    return make_error(ErrorCode::kIo, "{}: cannot list it: {}", place, failure.message());
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

Result<bool> remove_bundle(const std::string& place, const std::string& id,
                           const Environment& environment) {
  if (!is_bundle_id(id)) return false;
  const std::string name = joined(place, id);
  const std::string manifest = joined(name, model::kManifestFile);
  const auto text = read_object(manifest, kManifestMax, environment);
  if (!text.ok() && text.error().code == ErrorCode::kNotFound) return false;
  if (!text.ok()) return text.error();
  TORII_TRY(const Json tree, model::unseal_manifest(*text, manifest));
  TORII_TRY(const auto parts, model::parts_from_json(tree, manifest));
  if (!blob::is_remote(place) && !model::is_bundle_folder(name)) return false;
  TORII_TRY([[maybe_unused]] const bool gone, blob::remove(manifest, environment));
  for (const model::BundlePart& part : parts) {
    TORII_TRY([[maybe_unused]] const bool removed,
              blob::remove(joined(name, part.name), environment));
  }
  if (!blob::is_remote(place)) {
    std::error_code ignored;
    fs::remove(name, ignored);
  }
  return true;
}

}  // namespace torii::publish

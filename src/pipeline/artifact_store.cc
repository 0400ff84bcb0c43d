#include "pipeline/artifact_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"
#include "base/hash.h"
#include "blob/blob.h"
#include "pipeline/object_file.h"

namespace torii::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPieceBytes = std::size_t{4} << 20;
constexpr std::string_view kListFormat = "torii-folder-1";

// All that is in a folder, as paths relative to it; ordered, so that equal folders are equal lists.
Result<std::vector<fs::path>> walk(const fs::path& folder, std::string_view what) {
  std::vector<fs::path> paths;
  std::error_code failure;
  for (fs::recursive_directory_iterator entry(folder, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    if (entry->is_symlink(failure) || !(entry->is_regular_file() || entry->is_directory())) {
      return invalid("{}: '{}' is neither file nor folder; write what it leads to", what,
                     entry->path().lexically_relative(folder).string());
    }
    paths.push_back(entry->path().lexically_relative(folder));
    if (paths.size() > blob::kEntriesMax) {
      return make_error(ErrorCode::kResourceExhausted,
                        "{}: more than {} files; pack them into fewer", what, blob::kEntriesMax);
    }
  }
  if (failure) return make_error(ErrorCode::kIo, "{}: {}", what, failure.message());
  std::ranges::sort(paths);
  return paths;
}

// Calls `piece` with all bytes of an object, in order.
template <class Piece>
Result<void> read_object(const std::string& name, const Environment& environment,
                         const Piece& piece) {
  TORII_TRY(const auto object, blob::open(name, environment));
  std::vector<std::byte> buffer(std::min<std::uint64_t>(kPieceBytes, object->size()));
  for (std::uint64_t at = 0; at < object->size();) {
    const std::span<std::byte> part = std::span(buffer).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), object->size() - at)));
    TORII_TRY_VOID(object->read(at, part));
    TORII_TRY_VOID(piece(std::span<const std::byte>(part)));
    at += part.size();
  }
  return object->check_unchanged();
}

Result<void> write_all(int file, std::span<const std::byte> bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(file, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return disk_error(path, "write it", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
  }
  return {};
}

}  // namespace

Result<ArtifactStore> ArtifactStore::open(std::string root, Environment environment) {
  while (root.size() > 1 && root.ends_with('/')) root.pop_back();
  if (root.empty()) return invalid("the artifact store has no name; expected a folder or s3://...");
  if (!blob::is_remote(root)) {
    if (root.find("://") != std::string::npos && !root.starts_with("file://")) {
      return invalid("artifact store '{}': expected a folder or s3://bucket/prefix", root);
    }
    if (root.starts_with("file://")) root = root.substr(7);
    std::error_code failure;
    fs::create_directories(root, failure);
    if (failure) {
      return make_error(ErrorCode::kIo, "artifact store '{}': {}", root, failure.message());
    }
    root = fs::absolute(root).lexically_normal().string();
  }
  return ArtifactStore(std::move(root), std::move(environment));
}

std::string ArtifactStore::name_of(const std::string& sha256) const {
  return fmt::format("{}/objects/{}/{}", root_, sha256.substr(0, 2), sha256);
}

Result<StoredArtifact> ArtifactStore::put_file(const fs::path& local) const {
  if (!blob::is_remote(root_)) {
    TORII_TRY(auto added, add_object(fs::path(root_) / "objects", local,
                                     [&](const std::string& sha256) { return name_of(sha256); }));
    if (added) {
      StoredArtifact stored{.uri = name_of(added->sha256), .sha256 = added->sha256};
      stored.bytes = added->bytes;
      stored.files = 1;
      return stored;
    }
  }
  // A store of objects asks for the name before the bytes, so they are read twice.
  TORII_TRY(const MappedFile file, MappedFile::open(local));
  StoredArtifact stored{.uri = "", .sha256 = sha256_hex(file.bytes())};
  stored.uri = name_of(stored.sha256);
  stored.bytes = file.bytes().size();
  stored.files = 1;
  TORII_TRY([[maybe_unused]] const bool written,
            blob::put(stored.uri, file.bytes(), blob::Existing::kKeep, environment_));
  return stored;
}

Result<StoredArtifact> ArtifactStore::put(const fs::path& local, std::string_view what) const {
  std::error_code failure;
  const fs::file_status status = fs::symlink_status(local, failure);
  if (status.type() == fs::file_type::not_found) {
    return make_error(ErrorCode::kNotFound,
                      "{} was not written; the command must write to ${{outputs.NAME}}", what);
  }
  if (fs::is_regular_file(status)) return put_file(local);
  if (!fs::is_directory(status)) return invalid("{}: expected a file or a folder", what);
  TORII_TRY(const std::vector<fs::path> paths, walk(local, what));
  Json entries = Json::array();
  StoredArtifact folder{.uri = "", .sha256 = "", .is_folder = true};
  for (const fs::path& path : paths) {
    Json entry = Json::object();
    entry.set("path", path.generic_string());
    if (!fs::is_directory(local / path)) {
      TORII_TRY(const StoredArtifact stored, put_file(local / path));
      entry.set("sha256", stored.sha256).set("bytes", stored.bytes);
      folder.bytes += stored.bytes;
      ++folder.files;
    }
    entries.push(std::move(entry));
  }
  const std::string list =
      Json::object().set("format", kListFormat).set("entries", std::move(entries)).dump();
  folder.sha256 = sha256_hex(list);
  folder.uri = name_of(folder.sha256);
  TORII_TRY([[maybe_unused]] const bool written,
            blob::put(folder.uri, std::as_bytes(std::span(list.data(), list.size())),
                      blob::Existing::kKeep, environment_));
  return folder;
}

Result<void> ArtifactStore::get_file(const std::string& sha256, const fs::path& local) const {
  const std::string name = name_of(sha256);
  const int file = ::open(local.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode_t{0644});
  if (file < 0) return disk_error(local, "create it", errno);
  Sha256 hash;
  const Result<void> done = read_object(name, environment_, [&](std::span<const std::byte> piece) {
    hash.update(piece);
    return write_all(file, piece, local);
  });
  ::close(file);
  if (!done.ok()) return done.error();
  if (to_hex(hash.finish()) != sha256) {
    return make_error(ErrorCode::kCorrupt,
                      "{}: the content is not what was stored; remove it and run again", name);
  }
  return {};
}

Result<Json> ArtifactStore::read_list(const std::string& sha256) const {
  std::string text;
  TORII_TRY_VOID(read_object(
      name_of(sha256), environment_, [&](std::span<const std::byte> piece) -> Result<void> {
        text.append(reinterpret_cast<const char*>(piece.data()), piece.size());
        return {};
      }));
  if (sha256_hex(text) != sha256) {
    return make_error(ErrorCode::kCorrupt, "{}: the content is not what was stored",
                      name_of(sha256));
  }
  TORII_TRY(Json list, Json::parse(text, name_of(sha256)));
  const Json* entries = list.find("entries");
  if (list.string_at("format") != kListFormat || entries == nullptr || !entries->is_array()) {
    return make_error(ErrorCode::kCorrupt, "{}: it is no list of a folder", name_of(sha256));
  }
  return *entries;
}

Result<void> ArtifactStore::get(const StoredArtifact& artifact, const fs::path& local) const {
  if (!artifact.is_folder) return get_file(artifact.sha256, local);
  TORII_TRY(const Json entries, read_list(artifact.sha256));
  std::error_code failure;
  fs::create_directory(local, failure);
  for (const Json& entry : entries.as_array()) {
    const fs::path path = entry.string_at("path").value_or("");
    if (path.empty() || path.is_absolute() || std::ranges::find(path, "..") != path.end()) {
      return make_error(ErrorCode::kCorrupt, "{}: the path '{}' leads out of it", artifact.uri,
                        path.string());
    }
    if (const auto sha256 = entry.string_at("sha256")) {
      TORII_TRY_VOID(get_file(*sha256, local / path));
    } else {
      fs::create_directory(local / path, failure);
    }
    if (failure) return make_error(ErrorCode::kIo, "{}: {}", local.string(), failure.message());
  }
  return {};
}

Result<std::optional<StoredArtifact>> ArtifactStore::file_of(const StoredArtifact& folder,
                                                             std::string_view path) const {
  if (!folder.is_folder) return std::optional<StoredArtifact>{};
  TORII_TRY(const Json entries, read_list(folder.sha256));
  for (const Json& entry : entries.as_array()) {
    const auto sha256 = entry.string_at("sha256");
    if (!sha256 || entry.string_at("path") != path) continue;
    StoredArtifact file{.uri = name_of(*sha256), .sha256 = *sha256, .files = 1};
    file.bytes = static_cast<std::uint64_t>(entry.int_at("bytes").value_or(0));
    return std::optional(std::move(file));
  }
  return std::optional<StoredArtifact>{};
}

Result<bool> ArtifactStore::has_object(const std::string& sha256, std::uint64_t bytes) const {
  const auto object = blob::open(name_of(sha256), environment_);
  if (object.ok()) return (*object)->size() == bytes;
  if (object.error().code == ErrorCode::kNotFound) return false;
  return object.error();
}

Result<bool> ArtifactStore::has(const StoredArtifact& artifact) const {
  if (!artifact.is_folder) return has_object(artifact.sha256, artifact.bytes);
  const auto entries = read_list(artifact.sha256);
  if (!entries.ok()) {
    if (entries.error().code != ErrorCode::kIo) return false;
    return entries.error();
  }
  for (const Json& entry : entries->as_array()) {
    const auto sha256 = entry.string_at("sha256");
    if (!sha256) continue;
    const auto bytes = static_cast<std::uint64_t>(entry.int_at("bytes").value_or(-1));
    TORII_TRY(const bool is_there, has_object(*sha256, bytes));
    if (!is_there) return false;
  }
  return true;
}

Result<void> ArtifactStore::check_writable() const {
  if (!blob::is_remote(root_)) return {};
  constexpr std::string_view kMark = "torii-artifacts-1\n";
  auto written = blob::put(root_ + "/torii-artifacts", std::as_bytes(std::span(kMark)),
                           blob::Existing::kReplace, environment_);
  if (!written.ok()) {
    return with_context(written.error(), fmt::format("artifact store {}", root_));
  }
  return {};
}

Result<StoredArtifact> fingerprint(const std::string& location, const Environment& environment) {
  StoredArtifact found{.uri = location, .sha256 = ""};
  Sha256 hash;
  const bool is_local = location.find("://") == std::string::npos &&
                        (location.find(':') == std::string::npos || fs::exists(location));
  if (!is_local && !location.starts_with("file://") && !blob::is_remote(location)) {
    found.sha256 = sha256_hex(location);
    found.exact = false;
    return found;
  }
  TORII_TRY(const std::vector<blob::Entry> entries, blob::list(location, environment));
  if (entries.empty() && blob::is_remote(location)) {  // here an empty folder is something
    return make_error(ErrorCode::kNotFound, "{}: there is nothing", location);
  }
  for (const blob::Entry& entry : entries) found.bytes += entry.size;
  found.files = entries.size();
  found.is_folder = entries.size() != 1 || entries.front().name != location;
  found.exact = found.bytes <= kExactBytesMax;
  for (const blob::Entry& entry : entries) {
    // Names count from the location on: the same content elsewhere is the same.
    const std::size_t common = entry.name.starts_with(location) ? location.size() : 0;
    hash.update(fmt::format("{}\n{}\n", entry.name.substr(common), entry.size));
    if (!found.exact) continue;
    TORII_TRY_VOID(
        read_object(entry.name, environment, [&](std::span<const std::byte> piece) -> Result<void> {
          hash.update(piece);
          return {};
        }));
  }
  found.sha256 = to_hex(hash.finish());
  return found;
}

}  // namespace torii::pipeline

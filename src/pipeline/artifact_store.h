#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/environment.h"
#include "base/json.h"
#include "base/result.h"

namespace torii::pipeline {

/// Bytes that a step made or read, as the lineage knows them.
struct StoredArtifact {
  std::string uri;     ///< an object of the store, or the location as the step was given it
  std::string sha256;  ///< fingerprint of the content
  std::uint64_t bytes = 0;
  std::uint64_t files = 0;
  bool is_folder = false;
  /// Whether equal fingerprints mean equal content. False for what can only be looked at from
  /// outside (a database): steps that read it are not cached.
  bool exact = true;
};

/// Where artifacts shared by copy are kept: a folder or s3://bucket/prefix. Objects are named by
/// their SHA-256 and never change, so what is there is whole, and equal content is kept once. A
/// folder is an object that lists the objects of its files. Threads: const, concurrent.
class ArtifactStore {
 public:
  /// `root` without a slash at its end. Errors: kInvalidArgument (no such place).
  [[nodiscard]] static Result<ArtifactStore> open(std::string root, Environment environment);

  /// Copies a file or folder in; durable on return. `what` stands in messages ("output 'model'").
  /// Errors: kNotFound (the step did not write it), kInvalidArgument (a link that leads out of it,
  /// a device), kIo, kResourceExhausted.
  [[nodiscard]] Result<StoredArtifact> put(const std::filesystem::path& local,
                                           std::string_view what) const;
  /// Copies one out to `local`, whose folder must exist and which must not. Errors: kNotFound,
  /// kCorrupt (content and name do not fit), kIo, kResourceExhausted.
  [[nodiscard]] Result<void> get(const StoredArtifact& artifact,
                                 const std::filesystem::path& local) const;
  /// Whether all of it is there still, with the right sizes. Errors: kIo, when the store cannot be
  /// asked: that is no answer.
  [[nodiscard]] Result<bool> has(const StoredArtifact& artifact) const;
  /// Whether it can be written to: better known before hours of work than after. Writes a small
  /// object to a store in S3; a folder was made by open(). Errors: kIo, kNotFound (no bucket).
  [[nodiscard]] Result<void> check_writable() const;
  /// A file of a folder by its path in it, without copying; nullopt: there is none. Errors: those
  /// of get().
  [[nodiscard]] Result<std::optional<StoredArtifact>> file_of(const StoredArtifact& folder,
                                                              std::string_view path) const;

  [[nodiscard]] const std::string& root() const { return root_; }

 private:
  ArtifactStore(std::string root, Environment environment)
      : root_(std::move(root)), environment_(std::move(environment)) {}
  [[nodiscard]] std::string name_of(const std::string& sha256) const;
  [[nodiscard]] Result<StoredArtifact> put_file(const std::filesystem::path& local) const;
  [[nodiscard]] Result<void> get_file(const std::string& sha256,
                                      const std::filesystem::path& local) const;
  [[nodiscard]] Result<bool> has_object(const std::string& sha256, std::uint64_t bytes) const;
  [[nodiscard]] Result<Json> read_list(const std::string& sha256) const;

  std::string root_;
  Environment environment_;
};

/// What lies at a location: a file or folder here, s3://, or anything else (a database), which only
/// its address stands for (not exact). Up to kExactBytesMax are read and hashed; of more, and then
/// not exact, names and sizes count. Errors: kNotFound, kIo.
inline constexpr std::uint64_t kExactBytesMax = std::uint64_t{256} << 20;
[[nodiscard]] Result<StoredArtifact> fingerprint(const std::string& location,
                                                 const Environment& environment);

}  // namespace torii::pipeline

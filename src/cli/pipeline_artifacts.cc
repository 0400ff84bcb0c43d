#include "cli/pipeline_artifacts.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <span>

#include "blob/blob.h"

namespace torii::cli {
namespace {

constexpr std::uint64_t kRunDocumentBytesMax = std::uint64_t{16} << 20;

}  // namespace

Result<RunArtifacts> RunArtifacts::open(pipeline::LineageStore& lineage,
                                        const pipeline::RunRecord& run,
                                        const Environment& environment) {
  RunArtifacts made(run, environment);
  TORII_TRY(made.all_, lineage.artifacts(run.id));
  TORII_TRY(made.tasks_, lineage.tasks(run.id));
  return made;
}

std::string RunArtifacts::name_of(const pipeline::ArtifactRecord& artifact) const {
  const auto task = std::ranges::find(tasks_, artifact.task, &pipeline::TaskRecord::name);
  return (task == tasks_.end() ? artifact.task : task->step) + "." + artifact.name;
}

std::map<std::string, std::vector<pipeline::ArtifactRecord>> RunArtifacts::outputs() const {
  std::map<std::string, std::vector<pipeline::ArtifactRecord>> found;
  for (const pipeline::ArtifactRecord& one : all_) {
    if (one.role != pipeline::ArtifactRecord::Role::kOutput || one.is_value) continue;
    found[name_of(one)].push_back(one);
  }
  return found;
}

// Looked for first: opening one makes it.
Result<pipeline::ArtifactStore> RunArtifacts::store() const {
  if (!blob::is_remote(run_.store) && !std::filesystem::exists(run_.store)) {
    return make_error(ErrorCode::kNotFound, "run {} keeps its artifacts in {}{}, which is not here",
                      run_.id, run_.store, run_.host.empty() ? "" : " of " + run_.host);
  }
  return pipeline::ArtifactStore::open(run_.store, *environment_);
}

Result<Json> RunArtifacts::document(const pipeline::ArtifactRecord& artifact,
                                    const std::string& path) const {
  std::string place = artifact.stored.uri;
  if (!path.empty() && artifact.by_location) {
    place += "/" + path;
  } else if (!path.empty()) {
    TORII_TRY(const pipeline::ArtifactStore kept, store());
    TORII_TRY(const auto file, kept.file_of(artifact.stored, path));
    if (!file) {
      return make_error(ErrorCode::kNotFound, "{}.{}: there is no {} in it", artifact.task,
                        artifact.name, path);
    }
    place = file->uri;
  }
  TORII_TRY(const auto object, blob::open(place, *environment_));
  if (object->size() > kRunDocumentBytesMax) {
    return invalid("{}.{}: {} bytes, more than a document of a run has", artifact.task,
                   artifact.name, object->size());
  }
  std::string text(object->size(), '\0');
  TORII_TRY_VOID(object->read(0, std::as_writable_bytes(std::span(text))));
  return Json::parse(text, artifact.task + "." + artifact.name);
}

Result<std::optional<std::string>> RunArtifacts::sha256_of(const pipeline::ArtifactRecord& artifact,
                                                           const std::string& path) const {
  if (artifact.by_location || !artifact.stored.is_folder) return std::optional<std::string>{};
  TORII_TRY(const pipeline::ArtifactStore kept, store());
  TORII_TRY(const auto file, kept.file_of(artifact.stored, path));
  if (!file) return std::optional<std::string>{};
  return std::optional(file->sha256);
}

}  // namespace torii::cli

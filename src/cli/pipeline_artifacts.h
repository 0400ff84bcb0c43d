#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/environment.h"
#include "base/json.h"
#include "base/result.h"
#include "pipeline/lineage_store.h"

namespace torii::cli {

/// What a run made, to be looked into: its artifacts in their store, or at their locations.
class RunArtifacts {
 public:
  [[nodiscard]] static Result<RunArtifacts> open(pipeline::LineageStore& lineage,
                                                 const pipeline::RunRecord& run,
                                                 const Environment& environment);
  [[nodiscard]] const std::vector<pipeline::ArtifactRecord>& all() const { return all_; }
  [[nodiscard]] const std::vector<pipeline::TaskRecord>& tasks() const { return tasks_; }
  /// "STEP.OUTPUT" of an artifact; tasks of a fan-out share it.
  [[nodiscard]] std::string name_of(const pipeline::ArtifactRecord& artifact) const;
  /// Outputs that are no values, by "STEP.OUTPUT".
  [[nodiscard]] std::map<std::string, std::vector<pipeline::ArtifactRecord>> outputs() const;
  /// The JSON document that an artifact is, or, of a folder, that lies in it as `path`. Errors:
  /// kNotFound (it is gone, or the store is of another machine), kInvalidArgument (it is none, or
  /// has more than 16 MiB), kIo.
  [[nodiscard]] Result<Json> document(const pipeline::ArtifactRecord& artifact,
                                      const std::string& path = "") const;
  /// SHA-256 of a file of a folder that is shared by copy; nullopt: there is none.
  [[nodiscard]] Result<std::optional<std::string>> sha256_of(
      const pipeline::ArtifactRecord& artifact, const std::string& path) const;

 private:
  RunArtifacts(pipeline::RunRecord run, const Environment& environment)
      : run_(std::move(run)), environment_(&environment) {}
  [[nodiscard]] Result<pipeline::ArtifactStore> store() const;

  pipeline::RunRecord run_;
  const Environment* environment_;
  std::vector<pipeline::ArtifactRecord> all_ = {};
  std::vector<pipeline::TaskRecord> tasks_ = {};
};

}  // namespace torii::cli

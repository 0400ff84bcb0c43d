#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/flags.h"
#include "cli/pipeline_source.h"
#include "cli/session.h"
#include "pipeline/lineage_store.h"
#include "pipeline/runner.h"

namespace torii::cli {

/// Where lineage, logs and work folders are unless --home says it.
inline constexpr const char* kPipelineHome = "torii-runs";

/// What is run, and where.
struct PipelineRunFlags {
  PipelineFlags source;
  std::string store;
  std::string home = kPipelineHome;
  std::string lineage;
  std::string resume;
  std::string from;
  std::string cpus;
  std::string memory;
  bool no_cache = false;
  bool follow = false;
};

/// Those that are not about one run alone: --store, --home, --lineage, --cpus, --memory,
/// --no-cache, --follow.
void declare_run(Verb& verb, PipelineRunFlags& flags);
/// Runs it to its end, under the id `id` (empty: a new one).
[[nodiscard]] Result<pipeline::RunReport> run_pipeline(Session& session,
                                                       const PipelineRunFlags& flags,
                                                       const std::string& id);
/// The error of a run that failed, with how to go on.
[[nodiscard]] Error with_way_on(const pipeline::RunReport& report, const PipelineRunFlags& flags);

// Each adds verbs below `torii pipeline`.
void add_pipeline_run(Verb& pipeline, CommonFlags& common);      // run, cancel
void add_pipeline_history(Verb& pipeline, CommonFlags& common);  // runs, logs
void add_pipeline_lineage(Verb& pipeline, CommonFlags& common);
void add_pipeline_diff(Verb& pipeline, CommonFlags& common);
void add_pipeline_schedule(Verb& pipeline, CommonFlags& common);

/// --home and --lineage.
void declare_home(Verb& verb, std::string& home, std::string& lineage);
/// What has run: that of --lineage, or of a home that exists. Errors: kNotFound.
[[nodiscard]] Result<pipeline::LineageStore> open_lineage(const Session& session,
                                                          const std::string& home,
                                                          const std::string& lineage);
/// A text with URIs in it, which may be shown and kept: "postgres://me@host/shop".
[[nodiscard]] std::string without_passwords(std::string text);

/// "2024-03-01 12:30:45" (UTC), or "-" for 0.
[[nodiscard]] std::string time_text(std::int64_t ms);
/// Of a run as the lineage has it: "interrupted" if nobody runs it.
[[nodiscard]] Result<std::string> status_now(pipeline::LineageStore& lineage,
                                             const std::string& home,
                                             const pipeline::RunRecord& run);
[[nodiscard]] Json run_json(const pipeline::RunRecord& run, const std::string& status);
[[nodiscard]] Json artifact_json(const pipeline::ArtifactRecord& artifact);
[[nodiscard]] Json task_json(const pipeline::TaskRecord& task);

}  // namespace torii::cli

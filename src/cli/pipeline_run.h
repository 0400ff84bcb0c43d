#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/flags.h"
#include "cli/session.h"
#include "pipeline/lineage_store.h"

namespace torii::cli {

// Each adds verbs below `torii pipeline`.
void add_pipeline_run(Verb& pipeline, CommonFlags& common);      // run, cancel
void add_pipeline_history(Verb& pipeline, CommonFlags& common);  // runs, logs, lineage, diff

/// Where lineage, logs and work folders are unless --home says it.
inline constexpr const char* kPipelineHome = "torii-runs";
void declare_home(Verb& verb, std::string& home);
/// The lineage of a home that exists. Errors: kNotFound.
[[nodiscard]] Result<pipeline::LineageStore> open_lineage(const std::string& home);

/// "2024-03-01 12:30:45" (UTC), or "-" for 0.
[[nodiscard]] std::string time_text(std::int64_t ms);
/// Of a run as the lineage has it: "interrupted" if nobody runs it.
[[nodiscard]] std::string status_now(const std::string& home, const pipeline::RunRecord& run);
[[nodiscard]] Json run_json(const pipeline::RunRecord& run, const std::string& status);
[[nodiscard]] Json task_json(const pipeline::TaskRecord& task);

}  // namespace torii::cli

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "cli/judging.h"
#include "cli/scoring.h"
#include "cli/session.h"
#include "store/store.h"

namespace torii::cli {

struct GateRequest {
  store::Store* store = nullptr;
  std::string tenant;
  std::string data_folder;
  const OpenBundle* published = nullptr;
  const OpenBundle* fit = nullptr;  ///< null: none is at hand; only where the gate does not matter
  std::string fit_path;
  std::filesystem::path scratch;  ///< for bundles that are fetched
  bool force = false;
};

struct GateOutcome {
  Judgement judgement;                ///< its data, loaded once, is what is published
  Json document;                      ///< what the publication keeps of it
  std::uint64_t current_version = 0;  ///< that was judged beside
};

/// Loads the data and judges the fit by publish/gate.h as publish.gate wants it. A refusal is
/// kCheckFailed, told with the comparison. With `force` (or gate: report, off) it always passes if
/// the data can be read; a judgement that cannot be made is kept as "error".
[[nodiscard]] Result<GateOutcome> pass_gate(Session& session, const GateRequest& request);

}  // namespace torii::cli

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "cli/judging.h"
#include "cli/scoring.h"
#include "cli/session.h"
#include "store/store.h"

namespace torii::cli {

/// A bundle to be published, and the fit that is judged for it; the same unless it is a refit.
struct JudgedBundles {
  OpenBundle published;
  std::optional<OpenBundle> other_fit;
  std::string fit_path;
  std::string fit_id;
  [[nodiscard]] const OpenBundle* fit() const {
    if (other_fit) return &*other_fit;
    return fit_id == published.bundle.id ? &published : nullptr;
  }
};
struct BundlesToJudge {
  std::string bundle;  ///< --bundle
  std::string fit;     ///< --fit; needed for a refit unless nothing is judged
  std::string data;    ///< --data
  bool force = false;
};
/// Errors also: kInvalidArgument (a refit without its fit, a fit without a refit, another's fit).
[[nodiscard]] Result<JudgedBundles> open_judged_bundles(Session& session,
                                                        const BundlesToJudge& named);

/// A folder for what is fetched or put together on the way: that of text vectors, else the
/// system's temporary one.
[[nodiscard]] std::filesystem::path scratch_folder(const Session& session);

inline constexpr const char* kMustBeatNothing = "nothing";  ///< of --must-beat
void declare_must_beat(Verb& verb, std::string& field);

struct GateRequest {
  store::Store* store = nullptr;  ///< null: nothing is in service to be judged beside
  std::string tenant;
  std::string data_folder;
  const OpenBundle* published = nullptr;
  const OpenBundle* fit = nullptr;  ///< null: none is at hand; only where the gate does not matter
  std::string fit_path;
  std::filesystem::path scratch;  ///< for bundles that are fetched
  bool force = false;
  std::string must_beat = kMustBeatNothing;
  bool publishes = true;  ///< what a refusal says: whether something would have been published
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

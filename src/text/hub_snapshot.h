#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/reporter.h"
#include "base/result.h"
#include "text/hub_name.h"
#include "text/model_source.h"

namespace torii::text {

/// The commit of a complete copy below `root` (<cache>/models/<owner>/<model>): `revision` itself,
/// or what it stood for when it was downloaded (refs/<revision>).
[[nodiscard]] std::optional<std::string> find_snapshot(const std::filesystem::path& root,
                                                       const std::string& revision);

/// Downloads what an encoder needs into `root`/<commit> and returns the commit. See
/// resolve_model(). While it is under way files lie in `root`/<commit>.part; `root`/.lock is held.
[[nodiscard]] Result<std::string> download_snapshot(const HubName& name,
                                                    const std::filesystem::path& root,
                                                    const ModelPlaces& places, Reporter& reporter);

}  // namespace torii::text

#pragma once

#include <memory>
#include <string>

#include "base/reporter.h"
#include "base/result.h"
#include "cli/config.h"
#include "cli/session.h"
#include "data/split.h"
#include "features/spec.h"

namespace torii::cli {

/// The configuration of a training that repeats the one of a bundle on more rows: its settings and
/// preset, as many epochs as were best there, and config.refit filled.
/// on: "all", or "train+valid", which leaves the test part of the bundle's split untouched. Errors:
/// kInvalidArgument for another word, and for a bundle that has nothing to repeat (imported
/// weights) or was trained on all rows already.
[[nodiscard]] Result<std::unique_ptr<Config>> refit_config(Session& session,
                                                           const std::string& path,
                                                           const std::string& on,
                                                           const std::string& data_folder);

/// The split with the rows that the refit adds.
[[nodiscard]] data::Split refit_split(const Refit& refit, const data::Dataset& dataset,
                                      data::Split split);

/// Which columns are read, and how: "users.age numeric, items.title text".
[[nodiscard]] std::string columns_text(const features::Spec& spec);

/// A refit is worth what its bundle was judged to be only if it reads the same columns: warns else.
void warn_of_other_columns(Reporter& reporter, const Refit& refit, const features::Spec& spec);

}  // namespace torii::cli

#pragma once

#include <string>

#include "cli/session.h"
#include "data/interactions.h"
#include "evaluate/evaluate.h"
#include "evaluate/task.h"

namespace torii::cli {

/// The sample people of the report (report/people.h: the best, the typical and the worst list): who
/// they are, what they rated best and what the model offers. Films of the held-out part that are
/// among the offers are marked: the person did watch them.
[[nodiscard]] std::string people_text(const Session& session, const data::Dataset& dataset,
                                      const evaluate::Task& task, const evaluate::Report& report);

}  // namespace torii::cli

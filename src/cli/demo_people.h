#pragma once

#include <string>

#include "base/metric.h"
#include "cli/scoring.h"
#include "cli/session.h"
#include "data/split.h"
#include "evaluate/evaluate.h"

namespace torii::cli {

/// Three people of MovieLens: who they are, what they rated best and what the model offers. Films
/// of the held-out part that are among the offers are marked: the person did watch them.
[[nodiscard]] std::string people_text(const Session& session, const data::Dataset& dataset,
                                      const data::Split& split, const evaluate::Task& task,
                                      const Embedded& embedded, Metric metric, ThreadPool& pool);

}  // namespace torii::cli

#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "pipeline/faults.h"
#include "pipeline/graph.h"

namespace torii::pipeline {

/// The exit step says its name itself and has neither inputs nor outputs.
enum class StepForm { kStep, kExit };

[[nodiscard]] Step read_step(const std::string& name, const Json& value,
                             const StepSettings& defaults, StepForm form, Faults& faults);
[[nodiscard]] Word read_word(const Json& value, std::string_view where, Faults& faults);

/// "gate.verdict == pass", "params.k > 3": the right side is a text, a number, true or false.
/// Errors: kInvalidArgument, without file and line.
[[nodiscard]] Result<Condition> parse_condition(std::string_view text);

}  // namespace torii::pipeline

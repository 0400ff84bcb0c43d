#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/faults.h"
#include "pipeline/graph.h"

// The checks behind Graph::make(), apart so that each is small.
namespace torii::pipeline {

/// Names, references, types, placeholders, what is unused, settings: everything but cycles.
void check_graph(const GraphData& data, Faults& faults);
/// Of one step, what it says of itself: names, resources, retries, variables, volumes, labels.
void check_settings(const Step& step, Faults& faults);
/// A fault for a name that no registry has: capitals, spaces, a tag that is none.
void check_image(const std::string& image, const std::string& where, std::uint32_t line,
                 Faults& faults);
/// That the placeholders of a step lead somewhere, and its inputs and outputs are in its command.
void check_words(const GraphData& data, const Step& step, Faults& faults);
/// Inputs, after, fan-out and condition: they lead somewhere, and the types fit.
void check_references(const GraphData& data, const Step& step, Faults& faults);

/// For each step the indices of those that it waits for, ascending; unknown names are left out.
[[nodiscard]] std::vector<std::vector<std::size_t>> needs_of(const std::vector<Step>& steps);
/// A fault that names the way round if there is a cycle.
[[nodiscard]] std::vector<std::size_t> order_of(const GraphData& data,
                                                const std::vector<std::vector<std::size_t>>& needs,
                                                Faults& faults);

/// Lower-case letters, digits and '-' (a DNS label), and no longer than 50.
[[nodiscard]] bool is_step_name(std::string_view name);
/// A lower-case letter, then lower-case letters, digits and '_'; no longer than 50.
[[nodiscard]] bool is_port_name(std::string_view name);
/// " (did you mean 'x'?)" or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       const std::vector<std::string>& known);
/// Whether a value is one of the type; integers are numbers too.
[[nodiscard]] bool is_of(const Json& value, ParameterType type);

}  // namespace torii::pipeline

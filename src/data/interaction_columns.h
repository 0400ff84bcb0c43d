#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/bad_rows.h"
#include "data/interactions.h"
#include "data/table.h"

// One function for each optional column of the interactions table. `where` names file and column
// in errors, which mean that no value of the column can be what is wanted; single values that are
// not are told to `bad`. Findings are counted under texts that start with "interactions: ".
namespace torii::data {

using Findings = std::map<std::string, std::uint64_t>;

/// ms since 1970 UTC, Interactions::kNoTime for null. Numbers are seconds, ms, us or ns: the
/// largest magnitude decides (below 1e11 seconds, 1e14 ms, 1e17 us); the finding says which.
[[nodiscard]] Result<std::vector<std::int64_t>> read_times(const Column& column,
                                                           const std::string& where,
                                                           Findings& findings, BadRows& bad);

/// Integers or whole numbers, as numbers or texts; the row's own number where it is null.
[[nodiscard]] Result<std::vector<std::int64_t>> read_positions(const Column& column,
                                                               const std::string& where,
                                                               BadRows& bad);

/// Finite numbers, as numbers or texts; NaN for null.
[[nodiscard]] Result<std::vector<float>> read_amounts(const Column& column,
                                                      const std::string& where, BadRows& bad);

/// Kinds of interactions as codes into `names`, whose first is "" (null) and whose others ascend.
struct Types {
  std::vector<std::string> names;
  std::vector<std::uint8_t> codes;
};
/// Error for more than 255 different types.
[[nodiscard]] Result<Types> read_types(const Column& column, const std::string& where);

/// The places of the rows in the order of (time, position, row). Both lists have the same length.
/// Linear in rows: radix passes over the bits in which the values differ.
[[nodiscard]] std::vector<std::uint32_t> order_in_time(std::span<const std::int64_t> times,
                                                       std::span<const std::int64_t> positions);

}  // namespace torii::data

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/interactions.h"
#include "evaluate/slices.h"

namespace torii::evaluate {

/// A column by whose values the result is divided: "users.gender", "items.genres",
/// "interactions.type".
struct SegmentColumn {
  enum class Side : std::uint8_t { kUsers, kItems, kType };
  std::string name;
  Side side = Side::kUsers;
  std::string column;                    ///< without the side
  const data::Column* values = nullptr;  ///< of the dense users or items; null for kType
  /// Between the values of one text ("Action|Comedy"); empty: a text is one value.
  std::string separator = {};
};
/// `text` as in evaluate.segments. Borrows from `dataset`. Errors (kInvalidArgument): no such side
/// or column (names the nearest and what there is), or a column of vectors.
[[nodiscard]] Result<SegmentColumn> find_segment(std::string_view text,
                                                 const data::Dataset& dataset);

/// The judged users, or relevant pairs, divided by the values of one column:
///   texts, yes/no, lists   by value; a row with several values stands in each of their groups
///   numbers, timestamps    by value if there are few different ones, else in four bins of about
///                          equal size, named after the smallest and the largest value in them
///   interactions.type      by the types of the rows that made a pair relevant
/// The largest kSegmentGroupsMax groups are listed (numbers in their order, others by users), each
/// with at least kUsersMin users. What is smaller is judged together as "(other)", and not at all
/// if that has too few users too. "(none)": no value.
struct SegmentTable {
  std::string name;           ///< "users.gender"
  std::uint64_t values = 0;   ///< different values or bins, "(none)" among them
  std::uint64_t omitted = 0;  ///< values that stand in no group, for lack of users
  std::vector<Slice> groups;
};
inline constexpr std::size_t kSegmentGroupsMax = 12;
[[nodiscard]] SegmentTable make_segment(const SegmentColumn& column, const Judged& judged,
                                        ThreadPool& pool);

}  // namespace torii::evaluate

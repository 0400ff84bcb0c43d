#pragma once

#include <span>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "data/table.h"
#include "features/spec.h"

namespace torii::features {

/// How JSON objects become rows.
struct JsonRowsOptions {
  /// Members that the spec does not name: refused (a request that means the model's columns), or
  /// not looked at (attributes of a shop that has more of them).
  enum class Others { kRefuse, kIgnore } others = Others::kRefuse;
  /// A value of another type: refused, or as null.
  enum class Misfits { kRefuse, kIgnore } misfits = Misfits::kRefuse;
  /// kLeaveOut: rows without any text, for where no encoder is at hand.
  enum class Texts { kTake, kLeaveOut } texts = Texts::kTake;
  std::string what = "feature";  ///< what a member is called in messages
  std::string owner = "users";   ///< whose columns they are
};

/// One row for each object, with its members as columns of the types that `spec` was learned from:
///   number: a number; yes/no: true or false; timestamp: ISO 8601, or ms since 1970 as an integer;
///   text: a text, or a list of texts where the spec has a separator; list of texts: both.
/// Null, and a member that is missing, are null. All rows of what encode() reads are there, whether
/// any object has a member or not. Errors (kInvalidArgument, naming the member): one that the spec
/// does not name, a value of another type, a row that is no object.
[[nodiscard]] Result<data::Table> json_rows(const EntitySpec& spec,
                                            std::span<const Json* const> rows,
                                            const JsonRowsOptions& options = {});

}  // namespace torii::features

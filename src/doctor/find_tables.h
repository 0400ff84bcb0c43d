#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "data/interactions.h"

namespace torii::doctor {

/// The tables of a shop, whatever they are called.
struct FoundTables {
  data::DataOptions options;         ///< paths, id and other columns, delimiter
  std::vector<std::string> why;      ///< one line for each choice, for people
  std::vector<std::string> others;   ///< files that were not taken, with the reason
  std::vector<std::string> columns;  ///< of the interactions
};

/// Recognises interactions, users and items among the files (a folder stands for the tables in it):
/// interactions by columns for a user and an item, the others by an id column whose values occur in
/// the interactions. Of several candidates the one that explains most counts: interactions by the
/// columns torii understands, then by rows; users and items by the share of ids that join. Reads
/// headers, and id columns of candidates. Errors: kNotFound for a path that does not exist,
/// kInvalidArgument if nothing looks like interactions (lists what was seen).
[[nodiscard]] Result<FoundTables> find_tables(const std::vector<std::string>& paths);

}  // namespace torii::doctor

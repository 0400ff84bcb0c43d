#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/id_index.h"
#include "base/matrix.h"
#include "data/table.h"

namespace torii::cli {

/// Columns of the tables that verbs write. Ids are texts in all of them, whatever they were in the
/// source: lists of ids and single ids then join with each other.
[[nodiscard]] data::Column id_column(std::string name, const IdIndex& ids);
/// One list of rows.cols() floats per row.
[[nodiscard]] data::Column vector_column(std::string name, ConstFloatView rows);

}  // namespace torii::cli

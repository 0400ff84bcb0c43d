#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "data/table.h"
#include "data/table_source.h"

namespace torii {
class ThreadPool;
}

namespace torii::data {

/// Whether a column says nothing of its type: all its values are null (or it has none).
[[nodiscard]] bool is_all_null(const Column& column);

/// Every value as text_at() writes it; a text column as it is.
[[nodiscard]] Column as_text(Column column);

/// The rows of columns of one type and name, one behind the other; at least one column. All-null
/// columns may have any type. One column is moved, not copied.
[[nodiscard]] Column concatenate(std::vector<Column> pieces);

/// Columns of the same name in different files that do not go together.
struct Conflict {
  std::string column;
  std::size_t first = 0, second = 0;  ///< places of the parts
  ColumnType first_type = ColumnType::kString, second_type = ColumnType::kString;
};
/// One for each such column; types are as in read_table().
[[nodiscard]] std::vector<Conflict> conflicts(const std::vector<PartTable>& parts);

/// The rows of all parts with the columns of all parts, in order of appearance; there must be no
/// conflicts. A column that one part had to leave out is left out of all.
[[nodiscard]] PartTable unify(std::vector<PartTable> parts, ThreadPool* pool);

}  // namespace torii::data

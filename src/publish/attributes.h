#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "data/table.h"
#include "publish/options.h"

// Rows of the data as JSON, as a service shows and filters them.
namespace torii::publish {

/// Columns whose texts hold several values, with what stands between them.
using Separators = std::vector<std::pair<std::string, std::string>>;

/// Writes rows of one table. Borrows it.
class RowWriter {
 public:
  RowWriter(const data::Table& table, Separators separators);
  /// {"title": "Plain oak mug", "price": 12.5, "tags": ["eco", "oak"], "created":
  /// "2025-01-01T00:00:00Z"}: the columns in their order; nulls, and lists without a value, are
  /// left out; several values are lists.
  [[nodiscard]] Json row(std::size_t number) const;

 private:
  struct Field {
    const data::Column* column = nullptr;
    std::string separator;
  };
  std::vector<Field> fields_;
};

/// "a|b| c" -> "a", "b", "c": pieces without blanks at their ends, empty ones left out.
[[nodiscard]] std::vector<std::string> split_values(std::string_view text,
                                                    std::string_view separator);

/// Publication::roles: {"title": "title", "categories": ["category"], ...}; what there is not is
/// left out. `columns` names them, or they are found by name ("title", "name"; "category",
/// "genres"; "in_stock", "available"; "hidden"; "price"; "brand"; in any case). Error
/// kInvalidArgument: a named one is not in the table.
[[nodiscard]] Result<Json> find_roles(const data::Table& items, const RoleColumns& columns);

}  // namespace torii::publish

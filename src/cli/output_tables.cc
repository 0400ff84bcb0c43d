#include "cli/output_tables.h"

#include <utility>

namespace torii::cli {

data::Column id_column(std::string name, const IdIndex& ids) {
  StringArray texts;
  for (std::size_t i = 0; i < ids.size(); ++i) texts.push_back(ids[i]);
  data::Column column;
  column.name = std::move(name);
  column.type = data::ColumnType::kString;
  column.values = std::move(texts);
  return column;
}

data::Column vector_column(std::string name, ConstFloatView rows) {
  data::FloatLists lists;
  lists.values.assign(rows.data, rows.data + rows.size());
  for (std::size_t row = 1; row <= rows.rows; ++row) lists.offsets.push_back(row * rows.cols);
  data::Column column;
  column.name = std::move(name);
  column.type = data::ColumnType::kFloatList;
  column.values = std::move(lists);
  return column;
}

}  // namespace torii::cli

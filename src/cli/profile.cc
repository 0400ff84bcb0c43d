#include "cli/profile.h"

#include <fmt/format.h>

#include "cli/layout.h"

namespace torii::cli {
namespace {

constexpr std::size_t kShortValue = 24;

const data::Column* title_column(const data::Table& items) {
  for (const char* name : {"title", "movie_title", "product_name", "name", "item_name"}) {
    const data::Column* column = items.find(name);
    if (column != nullptr && column->type == data::ColumnType::kString) return column;
  }
  return nullptr;
}

}  // namespace

std::string title_of(const data::Dataset& dataset, std::uint32_t item) {
  const data::Column* column = title_column(dataset.item_table);
  return column == nullptr ? "" : column->text_at(item);
}

std::string describe_user(const data::Dataset& dataset, std::uint32_t user) {
  std::string about;
  for (const data::Column& column : dataset.user_table.columns()) {
    const std::string value = column.is_null(user) ? "" : column.text_at(user);
    if (value.empty() || columns_of(value) > kShortValue) continue;
    about += fmt::format("{}{} {}", about.empty() ? "" : ", ", column.name, value);
  }
  return about;
}

}  // namespace torii::cli

#include "publish/attributes.h"

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "data/iso_time.h"

namespace torii::publish {
namespace {

using data::Column;
using data::ColumnType;

std::string_view trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

Json texts_of(const std::vector<std::string>& values) {
  Json list = Json::array();
  for (const std::string& value : values) list.push(value);
  return list;
}

Json value_of(const Column& column, std::size_t row, const std::string& separator) {
  switch (column.type) {
    case ColumnType::kInt64:
      return column.ints()[row];
    case ColumnType::kFloat64:
      return column.doubles()[row];
    case ColumnType::kBool:
      return column.bools()[row] != 0;
    case ColumnType::kTimestamp:
      return data::format_iso_time(column.ints()[row]);
    case ColumnType::kString: {
      std::string text = column.text_at(row);
      if (separator.empty()) return text;
      return texts_of(split_values(text, separator));
    }
    case ColumnType::kStringList: {
      Json list = Json::array();
      const data::StringLists& lists = column.string_lists();
      for (auto i = lists.offsets[row]; i < lists.offsets[row + 1]; ++i) list.push(lists.values[i]);
      return list;
    }
    case ColumnType::kFloatList: {
      Json list = Json::array();
      const data::FloatLists& lists = column.float_lists();
      for (auto i = lists.offsets[row]; i < lists.offsets[row + 1]; ++i) {
        list.push(static_cast<double>(lists.values[i]));
      }
      return list;
    }
  }
  return {};
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// The first column that has one of the names, the earlier name first.
std::optional<std::string> find_named(const data::Table& table,
                                      std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    for (const Column& column : table.columns()) {
      if (lower(column.name) == name) return column.name;
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> split_values(std::string_view text, std::string_view separator) {
  std::vector<std::string> values;
  const auto add = [&](std::string_view piece) {
    piece = trimmed(piece);
    if (!piece.empty()) values.emplace_back(piece);
  };
  if (separator.empty()) {
    add(text);
    return values;
  }
  for (;;) {
    const std::size_t end = text.find(separator);
    add(text.substr(0, end));
    if (end == std::string_view::npos) return values;
    text.remove_prefix(end + separator.size());
  }
}

RowWriter::RowWriter(const data::Table& table, Separators separators) {
  for (const Column& column : table.columns()) {
    const auto it = std::ranges::find(separators, column.name, &Separators::value_type::first);
    fields_.push_back({&column, it == separators.end() ? "" : it->second});
  }
}

Json RowWriter::row(std::size_t number) const {
  Json::Object object;
  for (const Field& field : fields_) {
    if (field.column->is_null(number)) continue;
    Json value = value_of(*field.column, number, field.separator);
    if (value.is_array() && value.as_array().empty()) continue;
    object.emplace_back(field.column->name, std::move(value));
  }
  return object;
}

Result<Json> find_roles(const data::Table& items, const RoleColumns& columns) {
  Json roles = Json::object();
  const auto one = [&](const char* role, const std::string& named,
                       std::initializer_list<std::string_view> names) -> Result<void> {
    if (!named.empty()) {
      auto found = items.column(named);
      if (!found.ok()) {
        return with_context(std::move(found).error(), fmt::format("publish.columns.{}", role));
      }
      roles.set(role, named);
    } else if (auto name = find_named(items, names)) {
      roles.set(role, *std::move(name));
    }
    return {};
  };
  TORII_TRY_VOID(
      one("title", columns.title,
          {"title", "name", "product_name", "item_name", "movie_title", "product_title"}));
  TORII_TRY_VOID(one("in_stock", columns.in_stock,
                     {"in_stock", "instock", "is_in_stock", "available", "is_available"}));
  TORII_TRY_VOID(one("hidden", columns.hidden, {"hidden", "is_hidden"}));
  TORII_TRY_VOID(one("price", columns.price, {"price", "discounted_price", "actual_price"}));
  TORII_TRY_VOID(one("brand", columns.brand, {"brand", "manufacturer", "vendor"}));
  Json categories = Json::array();
  if (columns.categories.empty()) {
    for (const Column& column : items.columns()) {
      const std::string name = lower(column.name);
      for (const char* known : {"category", "categories", "genre", "genres", "department"}) {
        if (name == known) categories.push(column.name);
      }
    }
  }
  for (const std::string& name : columns.categories) {
    auto found = items.column(name);
    if (!found.ok()) {
      return with_context(std::move(found).error(), "publish.columns.categories");
    }
    categories.push(name);
  }
  if (!categories.is_null() && !categories.as_array().empty()) {
    roles.set("categories", std::move(categories));
  }
  return roles;
}

}  // namespace torii::publish

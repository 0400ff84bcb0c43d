#include "features/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "features/infer.h"
#include "features/values.h"

namespace torii::features {
namespace {

struct Declared {
  Kind kind;
  std::string separator;
};

bool fits(const data::Column& column, Kind kind) {
  switch (kind) {
    case Kind::kNumeric:
      return column.type != data::ColumnType::kString && value_type(column).has_value() &&
             column.type != data::ColumnType::kStringList;
    case Kind::kCategorical:
      return value_type(column).has_value();
    case Kind::kText:
      return column.type == data::ColumnType::kString;
    case Kind::kSkip:
      return true;
  }
  return false;
}

const char* expected(Kind kind) {
  return kind == Kind::kText ? "text" : "integers, numbers, timestamps or yes/no";
}

// "column" or "column:separator". A column whose whole name is written wins; else the longest name
// before a colon. The separator is never empty.
std::optional<std::pair<const data::Column*, std::string>> resolve(const data::Table& table,
                                                                   const std::string& text,
                                                                   Kind kind) {
  if (const data::Column* column = table.find(text)) return {{column, ""}};
  if (kind != Kind::kCategorical || text.size() < 3) return std::nullopt;
  for (std::size_t colon = text.rfind(':', text.size() - 2);
       colon != std::string::npos && colon > 0; colon = text.rfind(':', colon - 1)) {
    if (const data::Column* column = table.find(std::string_view(text).substr(0, colon))) {
      return {{column, text.substr(colon + 1)}};
    }
  }
  return std::nullopt;
}

Result<void> collect(const data::Table& table, const std::vector<std::string>& names, Kind kind,
                     std::map<std::string, Declared, std::less<>>& declared) {
  for (const std::string& text : names) {
    const auto found = resolve(table, text, kind);
    if (!found.has_value()) {
      const std::string name = kind == Kind::kCategorical ? text.substr(0, text.rfind(':')) : text;
      TORII_TRY([[maybe_unused]] const data::Column* unused, table.column(name));
      // Only reached if the name without its separator exists: the separator is empty.
      return invalid("{}: '{}': a separator must follow the colon", table.source(), text);
    }
    const auto& [column, separator] = *found;
    if (!fits(*column, kind)) {
      return invalid("{}: column '{}': declared {}, which needs {}; found {}", table.source(),
                     column->name, kind_name(kind), expected(kind), data::type_name(column->type));
    }
    if (!separator.empty() && column->type != data::ColumnType::kString) {
      return invalid("{}: column '{}': the separator '{}' needs text; found {}", table.source(),
                     column->name, separator, data::type_name(column->type));
    }
    const auto [place, is_new] = declared.emplace(column->name, Declared{kind, separator});
    if (!is_new) {
      return invalid("{}: column '{}' is declared twice, as {} and as {}; keep one", table.source(),
                     column->name, kind_name(place->second.kind), kind_name(kind));
    }
  }
  return {};
}

// A YAML scalar: plain where that cannot be misread, else double-quoted as in JSON.
std::string yaml_text(const std::string& text) {
  const bool plain = !text.empty() && !(text[0] >= '0' && text[0] <= '9') &&
                     std::all_of(text.begin(), text.end(),
                                 [](char c) {
                                   return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                          (c >= '0' && c <= '9') || c == '_';
                                 }) &&
                     text != "true" && text != "false" && text != "null" && text != "True" &&
                     text != "False" && text != "Null" && text != "TRUE" && text != "FALSE" &&
                     text != "NULL";
  return plain ? text : Json(text).dump();
}

void append_entity(const char* name, const EntityPlan& plan, std::string& out) {
  out += fmt::format("  {}:{}\n", name, plan.empty() ? " {}" : "");
  for (const Kind kind : {Kind::kNumeric, Kind::kCategorical, Kind::kText, Kind::kSkip}) {
    bool first = true;
    for (const ColumnPlan& column : plan) {
      if (column.kind != kind) continue;
      if (std::exchange(first, false)) out += fmt::format("    {}:\n", kind_name(kind));
      const std::string text =
          column.separator.empty() ? column.column : column.column + ":" + column.separator;
      out += fmt::format("      - {}", yaml_text(text));
      if (!column.why.empty()) out += "  # " + column.why;
      out += '\n';
    }
  }
}

}  // namespace

const char* kind_name(Kind kind) {
  switch (kind) {
    case Kind::kNumeric:
      return "numeric";
    case Kind::kCategorical:
      return "categorical";
    case Kind::kText:
      return "text";
    case Kind::kSkip:
      return "skip";
  }
  return "skip";
}

void declare(DeclaredKinds& kinds, const std::string& prefix, OptionSet& set) {
  set.texts(prefix + ".numeric", &kinds.numeric,
            "Columns read as numbers (timestamps as day numbers); others are inferred.");
  set.texts(prefix + ".categorical", &kinds.categorical,
            "Columns read as categories; \"genres:|\" names a separator between several values.");
  set.texts(prefix + ".text", &kinds.text, "Columns that the text encoder reads.");
  set.texts(prefix + ".skip", &kinds.skip, "Columns that are not used.");
}

Result<EntityPlan> plan_columns(const data::Table& table, const DeclaredKinds& declared,
                                InferenceRule rule) {
  std::map<std::string, Declared, std::less<>> kinds;
  TORII_TRY_VOID(collect(table, declared.numeric, Kind::kNumeric, kinds));
  TORII_TRY_VOID(collect(table, declared.categorical, Kind::kCategorical, kinds));
  TORII_TRY_VOID(collect(table, declared.text, Kind::kText, kinds));
  TORII_TRY_VOID(collect(table, declared.skip, Kind::kSkip, kinds));

  std::vector<const data::Column*> open;
  for (const data::Column& column : table.columns()) {
    if (!kinds.contains(column.name)) open.push_back(&column);
  }
  EntityPlan inferred;
  if (rule == InferenceRule::kArticle) {
    inferred = infer_article(open);
  } else {
    for (const data::Column* column : open) inferred.push_back(infer_default(*column));
  }

  EntityPlan plan;  // in the order of the table
  auto next = inferred.begin();
  for (const data::Column& column : table.columns()) {
    const auto found = kinds.find(column.name);
    if (found == kinds.end()) {
      plan.push_back(std::move(*next++));
    } else {
      plan.push_back(ColumnPlan{.column = column.name,
                                .kind = found->second.kind,
                                .separator = found->second.separator,
                                .why = "declared"});
    }
  }
  return plan;
}

std::string plan_as_yaml(const EntityPlan& users, const EntityPlan& items) {
  std::string out = "data:\n";
  append_entity("users", users, out);
  append_entity("items", items, out);
  return out;
}

}  // namespace torii::features

#include "api/feature_table.h"

#include "base/json.h"
#include "features/json_rows.h"

namespace torii::api {
namespace {

Json to_json(const Feature::Value& value) {
  if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
    Json list = Json::array();
    for (const std::string& text : *texts) list.push(text);
    return list;
  }
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return *integer;
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  return std::get<std::string>(value);
}

}  // namespace

Result<data::Table> feature_table(const features::EntitySpec& spec,
                                  const std::vector<Feature>& features) {
  Json row = Json::object();
  for (const Feature& feature : features) {
    if (row.find(feature.name) != nullptr) {
      return invalid("feature '{}' is given twice", feature.name);
    }
    row.set(feature.name, to_json(feature.value));
  }
  const Json* rows[] = {&row};
  return features::json_rows(spec, rows);
}

}  // namespace torii::api

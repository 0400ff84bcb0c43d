#include "model/bundle_towers.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/random.h"

namespace torii::model {
namespace {

constexpr std::int64_t kExtentMax = std::int64_t{1} << 32;

bool is_counter(const Parameter& parameter) {
  return parameter.name.ends_with("num_batches_tracked");
}

std::string shape_text(const std::vector<std::size_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

std::string column_names(const auto& columns) {
  std::string names;
  for (const auto& column : columns) names += (names.empty() ? " (" : ", ") + column.column;
  return names.empty() ? names : names + ")";
}

Result<void> read_parameter(const SafetensorsFile& tensors, const std::string& where,
                            const std::string& name, const Parameter& parameter, ErrorCode code) {
  const TensorView& found = *tensors.find(name);
  if (found.shape != parameter.shape) {
    return make_error(code, "{}: tensor '{}': expected shape {}, found {}", where, name,
                      shape_text(parameter.shape), found.shape_text());
  }
  if (is_counter(parameter) && (found.dtype == DType::kI64 || found.dtype == DType::kI32)) {
    auto counter = tensors.ints(name);
    if (!counter.ok()) return Error{code, std::move(counter).error().message};
    parameter.value[0] = static_cast<float>(counter->at(0));
    return {};
  }
  auto values = tensors.floats(name);
  if (!values.ok()) return Error{code, std::move(values).error().message};
  const bool is_variance = parameter.name.ends_with("running_var");
  for (std::size_t i = 0; i < values->size(); ++i) {
    const float value = (*values)[i];
    if (!std::isfinite(value) || (is_variance && value < 0.0F)) {
      return make_error(code, "{}: tensor '{}': element {} is {}", where, name, i, value);
    }
  }
  std::ranges::copy(*values, parameter.value.begin());
  return {};
}

}  // namespace

Json shape_to_json(const TowerShape& shape) {
  Json categories = Json::array();
  for (const std::size_t codes : shape.categories) {
    categories.push(static_cast<std::uint64_t>(codes));
  }
  Json ratio = Json::array();
  for (const int part : shape.ratio) ratio.push(part);
  return Json(Json::Object{{"width", static_cast<std::uint64_t>(shape.width)},
                           {"numeric", static_cast<std::uint64_t>(shape.numeric)},
                           {"categories", std::move(categories)},
                           {"text_columns", static_cast<std::uint64_t>(shape.text_columns)},
                           {"text_width", static_cast<std::uint64_t>(shape.text_width)},
                           {"ids", static_cast<std::uint64_t>(shape.ids)},
                           {"batch_norm", shape.batch_norm},
                           {"separate_text", shape.separate_text},
                           {"ratio", std::move(ratio)}});
}

Result<TowerShape> shape_from_json(const Json& json, const std::string& name) {
  TowerShape shape;
  std::string fault;
  const auto extent = [&](const Json* value, const char* key) -> std::size_t {
    if (value != nullptr && value->is_int() && value->as_int() >= 0 &&
        value->as_int() < kExtentMax) {
      return static_cast<std::size_t>(value->as_int());
    }
    if (fault.empty()) fault = key;
    return 0;
  };
  const auto flag = [&](const char* key) {
    const auto value = json.bool_at(key);
    if (!value.has_value() && fault.empty()) fault = key;
    return value.value_or(false);
  };
  const auto list = [&](const char* key) -> Json::Array {
    const Json* value = json.find(key);
    if (value != nullptr && value->is_array()) return value->as_array();
    if (fault.empty()) fault = key;
    return {};
  };
  shape.width = extent(json.find("width"), "width");
  shape.numeric = extent(json.find("numeric"), "numeric");
  for (const Json& codes : list("categories")) {
    shape.categories.push_back(extent(&codes, "categories"));
  }
  shape.text_columns = extent(json.find("text_columns"), "text_columns");
  shape.text_width = extent(json.find("text_width"), "text_width");
  shape.ids = extent(json.find("ids"), "ids");
  shape.batch_norm = flag("batch_norm");
  shape.separate_text = flag("separate_text");
  const Json::Array ratio = list("ratio");
  for (std::size_t i = 0; i < shape.ratio.size(); ++i) {
    const std::size_t part = extent(i < ratio.size() ? &ratio[i] : nullptr, "ratio");
    shape.ratio[i] = static_cast<int>(std::min<std::size_t>(part, kRatioMax + 1));
  }
  if (fault.empty() && ratio.size() != shape.ratio.size()) fault = "ratio";
  if (fault.empty() && std::ranges::count(shape.categories, 0U) != 0) fault = "categories";
  if (fault.empty() && shape.text_columns > 0 && shape.text_width == 0) fault = "text_width";
  if (fault.empty() && !has_sound_widths(shape)) fault = "width";
  if (!fault.empty()) {
    return make_error(ErrorCode::kCorrupt, "{}: '{}' is missing or out of range", name, fault);
  }
  return shape;
}

namespace {

/// Fewer numbers than any tower of this shape has: rows of its tables and text projections. A
/// double, because what a file says may be anything.
double numbers_least(const TowerShape& shape) {
  const auto number = [](std::size_t value) { return static_cast<double>(value); };
  double least = number(shape.ids);
  for (const std::size_t codes : shape.categories) least += number(codes);
  const std::size_t projections = shape.separate_text ? shape.text_columns : 1;
  if (shape.text_columns > 0) {
    least += number(projections) * number(shape.text_width) * number(part_widths(shape).text);
  }
  return least;
}

}  // namespace

bool has_sound_widths(const TowerShape& shape) {
  if (shape.width < 3 || shape.width > kTowerWidthMax) return false;
  for (const int part : shape.ratio) {
    if (part < 1 || part > kRatioMax) return false;
  }
  const PartWidths widths = part_widths(shape);
  const auto sound = [&](bool is_there, std::size_t width) {
    return is_there ? width >= 1 && width <= shape.width : width == 0;
  };
  return sound(shape.numeric > 0, widths.numeric) &&
         sound(!shape.categories.empty(), widths.categorical) &&
         sound(shape.text_columns > 0, widths.text);
}

Result<void> check_fits(const features::EntitySpec& spec, std::size_t text_width,
                        const TowerShape& shape, const std::string& tower) {
  if (shape.numeric != spec.numeric.size()) {
    return invalid("{} tower: {} numeric columns, the spec has {}{}", tower, shape.numeric,
                   spec.numeric.size(), column_names(spec.numeric));
  }
  if (shape.categories.size() != spec.categorical.size()) {
    return invalid("{} tower: {} categorical columns, the spec has {}{}", tower,
                   shape.categories.size(), spec.categorical.size(),
                   column_names(spec.categorical));
  }
  for (std::size_t i = 0; i < spec.categorical.size(); ++i) {
    if (shape.categories[i] != spec.categorical[i].codes()) {
      return invalid("{} tower: {} categories, column '{}' of the spec has {} codes", tower,
                     shape.categories[i], spec.categorical[i].column, spec.categorical[i].codes());
    }
  }
  if (shape.text_columns != spec.text.size()) {
    return invalid("{} tower: {} text columns, the spec has {}{}", tower, shape.text_columns,
                   spec.text.size(), column_names(spec.text));
  }
  if (shape.text_columns > 0 && shape.text_width != text_width) {
    return invalid("{} tower: texts of {} numbers, the text encoder gives {}", tower,
                   shape.text_width, text_width);
  }
  return {};
}

void add_tower(const EntityTower& tower, const std::string& prefix, TowerTensors& tensors) {
  for (const Parameter& parameter : tower.parameters()) {
    if (is_counter(parameter)) {
      tensors.scalars.push_back(std::llround(parameter.value[0]));
      tensors.writer.add(prefix + parameter.name, DType::kI64, {},
                         std::as_bytes(std::span(&tensors.scalars.back(), 1)));
    } else {
      tensors.writer.add(prefix + parameter.name, parameter.shape, parameter.value);
    }
  }
}

Result<EntityTower> read_tower(const SafetensorsFile& tensors, const std::string& file,
                               const std::string& prefix, const TowerShape& shape, ErrorCode code) {
  // The projections bound a tower's memory: they must be in the file before it is built.
  const TensorView* fn1 = tensors.find(prefix + "fn1.weight");
  if (fn1 == nullptr || fn1->shape != std::vector<std::size_t>{2 * shape.width, shape.width}) {
    return make_error(code, "{}: tensor '{}fn1.weight': expected shape [{}, {}], found {}", file,
                      prefix, 2 * shape.width, shape.width,
                      fn1 == nullptr ? "none" : fn1->shape_text());
  }
  // So must the tables and text projections, of which the shape alone would say anything.
  double stored = 0.0;
  for (const auto& [name, view] : tensors.tensors()) {
    if (name.starts_with(prefix)) stored += static_cast<double>(view.size());
  }
  if (const double least = numbers_least(shape); stored < least) {
    return make_error(code,
                      "{}: the tensors '{}*' hold {} numbers, a tower of this shape has {} at "
                      "least",
                      file, prefix, stored, least);
  }
  EntityTower tower = EntityTower::blank(shape);
  std::set<std::string, std::less<>> wanted;
  std::vector<std::string> missing;
  for (const Parameter& parameter : tower.parameters()) {
    wanted.insert(prefix + parameter.name);
    // PyTorch before 0.4.1 had no such counter; nothing is computed from it here.
    if (tensors.find(prefix + parameter.name) == nullptr && !is_counter(parameter)) {
      missing.push_back(prefix + parameter.name);
    }
  }
  std::vector<std::string> unexpected;
  for (const auto& [name, view] : tensors.tensors()) {
    if (name.starts_with(prefix) && !wanted.contains(name)) unexpected.push_back(name);
  }
  if (!missing.empty() || !unexpected.empty()) {
    return make_error(code, "{}: the tensors are not those of this tower;{}{}{}{}", file,
                      missing.empty() ? "" : " missing: ", fmt::join(missing, ", "),
                      unexpected.empty() ? "" : " unexpected: ", fmt::join(unexpected, ", "));
  }
  for (const Parameter& parameter : tower.parameters()) {
    const std::string name = prefix + parameter.name;
    if (tensors.find(name) == nullptr) continue;
    TORII_TRY_VOID(read_parameter(tensors, file, name, parameter, code));
  }
  return tower;
}

}  // namespace torii::model

#include "model/bundle_import.h"

#include <algorithm>
#include <set>

#include "base/safetensors.h"
#include "model/bundle_towers.h"

namespace torii::model {
namespace {

struct OpenFile {
  std::string name;
  SafetensorsFile tensors;
};

// Where one tower's tensors are: "<prefix>fn1.weight" in `file`.
struct Place {
  const OpenFile* file = nullptr;
  std::string prefix;
};

// Everything before "user_tower." for the names that go on to "fn1.weight".
std::set<std::string> prefixes_of(const SafetensorsFile& tensors, const std::string& tower) {
  const std::string ending = tower + ".fn1.weight";
  std::set<std::string> prefixes;
  for (const auto& [name, view] : tensors.tensors()) {
    if (name.ends_with(ending)) prefixes.insert(name.substr(0, name.size() - ending.size()));
  }
  return prefixes;
}

Result<std::string> choose(const std::set<std::string>& prefixes, const std::string& file,
                           const std::optional<std::string>& wanted) {
  if (wanted.has_value()) {
    if (prefixes.contains(*wanted)) return *wanted;
  } else {
    if (prefixes.size() == 1) return *prefixes.begin();
    for (const char* preferred : {"", "final."}) {
      if (prefixes.contains(preferred)) return std::string(preferred);
    }
  }
  return invalid("{}: {} state dicts in one file, before the tower's name: '{}'; name one of them",
                 file, prefixes.size(), fmt::join(prefixes, "', '"));
}

Result<Place> find_tower(const std::vector<OpenFile>& files, const std::string& entity,
                         const std::optional<std::string>& wanted) {
  const std::string tower = entity + "_tower";
  std::vector<Place> places;
  for (const OpenFile& file : files) {
    const std::set<std::string> prefixes = prefixes_of(file.tensors, tower);
    if (!prefixes.empty()) {
      TORII_TRY(const std::string prefix, choose(prefixes, file.name, wanted));
      places.push_back({&file, prefix + tower + "."});
      continue;
    }
    const std::string base = std::filesystem::path(file.name).filename().string();
    const bool is_bare = file.tensors.find("fn1.weight") != nullptr;
    if (is_bare && base.find(entity) != std::string::npos) places.push_back({&file, ""});
  }
  if (places.size() == 1) return places[0];
  std::string names;
  for (const OpenFile& file : files) names += (names.empty() ? "" : ", ") + file.name;
  return invalid(
      "{}: expected one state dict of the {} tower ('{}.fn1.weight', or 'fn1.weight' in "
      "a file with '{}' in its name), found {}",
      names.empty() ? "no file given" : names, entity, tower, entity, places.size());
}

// Extent `axis` of a tensor, or 0 if it is not there or has fewer axes.
std::size_t extent(const Place& place, const std::string& name, std::size_t axis) {
  const TensorView* view = place.file->tensors.find(place.prefix + name);
  return view != nullptr && axis < view->shape.size() ? view->shape[axis] : 0;
}

// "project_text.weight" or "project_text.0.weight", "project_text.1.weight", ...
std::vector<std::string> numbered(const Place& place, const std::string& name) {
  if (extent(place, name + ".weight", 0) != 0) return {name + ".weight"};
  std::vector<std::string> names;
  while (true) {
    const std::string next = fmt::format("{}.{}.weight", name, names.size());
    if (extent(place, next, 0) == 0) return names;
    names.push_back(next);
  }
}

Result<TowerShape> infer_shape(const Place& place, const features::EntitySpec& spec,
                               const std::array<int, 3>& ratio) {
  TowerShape shape;
  shape.ratio = ratio;
  shape.width = extent(place, "fn1.weight", 1);
  shape.numeric = extent(place, "numeric_embed.weight", 1);
  shape.batch_norm = shape.numeric == 0 || extent(place, "numeric_norm.weight", 0) != 0;
  for (const std::string& name : numbered(place, "categorical_embed")) {
    shape.categories.push_back(extent(place, name, 0));
  }
  const std::vector<std::string> projections = numbered(place, "project_text");
  if (!projections.empty()) {
    shape.separate_text = projections[0] != "project_text.weight";
    shape.text_width = extent(place, projections[0], 1);
    // A shared projection does not tell how many columns went through it.
    shape.text_columns =
        shape.separate_text ? projections.size() : std::max<std::size_t>(spec.text.size(), 1);
  }
  shape.ids = extent(place, "id_embed.weight", 0);
  if (!has_sound_widths(shape)) {
    return invalid(
        "{}: '{}fn1.weight' of shape [{}, {}] is no layer of a tower with the ratio "
        "{}:{}:{}",
        place.file->name, place.prefix, extent(place, "fn1.weight", 0), shape.width, ratio[0],
        ratio[1], ratio[2]);
  }
  return shape;
}

Result<EntityTower> import_tower(const std::vector<OpenFile>& files, const std::string& entity,
                                 const features::EntitySpec& spec, std::size_t text_width,
                                 const StateDictOptions& options) {
  TORII_TRY(const Place place, find_tower(files, entity, options.prefix));
  TORII_TRY(const TowerShape shape, infer_shape(place, spec, options.ratio));
  if (auto fit = check_fits(spec, text_width, shape, entity); !fit.ok()) {
    return with_context(std::move(fit).error(), place.file->name);
  }
  if (shape.ids != 0) {
    return invalid(
        "{}: '{}id_embed.weight': id embeddings come without their ids and cannot be "
        "imported; remove the tensor",
        place.file->name, place.prefix);
  }
  return read_tower(place.file->tensors, place.file->name, place.prefix, shape,
                    ErrorCode::kInvalidArgument);
}

}  // namespace

Result<TwoTower> import_state_dict(const features::Spec& spec, const StateDictOptions& options) {
  std::vector<OpenFile> files;
  for (const std::filesystem::path& path : options.files) {
    TORII_TRY(auto tensors, SafetensorsFile::open(path));
    files.push_back({path.string(), std::move(tensors)});
  }
  TORII_TRY(auto user, import_tower(files, "user", spec.user, spec.text_width, options));
  TORII_TRY(auto item, import_tower(files, "item", spec.item, spec.text_width, options));
  if (user.shape().width != item.shape().width) {
    return invalid("the user tower is {} wide, the item tower {}; they must agree",
                   user.shape().width, item.shape().width);
  }
  return TwoTower{std::move(user), std::move(item), options.metric};
}

}  // namespace torii::model

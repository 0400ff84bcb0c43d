#include "model/bundle.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <optional>

#include "base/check.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/safetensors.h"
#include "model/bundle_manifest.h"
#include "model/bundle_towers.h"

namespace torii::model {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUserPrefix = "user_tower.";
constexpr const char* kItemPrefix = "item_tower.";

Error corrupt(const std::string& where, std::string_view why) {
  return make_error(ErrorCode::kCorrupt, "{}: {}", where, why);
}

// First row whose scores could overflow.
std::optional<std::size_t> find_too_long(const Matrix& embeddings) {
  for (std::size_t row = 0; row < embeddings.rows(); ++row) {
    double squares = 0.0;
    for (const float value : embeddings.row(row)) {
      squares += static_cast<double>(value) * static_cast<double>(value);
    }
    if (!(squares <= kSquaredLengthMax)) return row;
  }
  return std::nullopt;
}

// ---- writing

Result<void> check_finite(std::span<const float> values, std::string_view name) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    return make_error(ErrorCode::kDiverged, "{}: element {} is {}; nothing was written", name, i,
                      values[i]);
  }
  return {};
}

Result<void> check_finite(const Bundle& bundle) {
  for (const auto& [tower, prefix] :
       {std::pair(&bundle.model.user, kUserPrefix), std::pair(&bundle.model.item, kItemPrefix)}) {
    for (const Parameter& parameter : tower->parameters()) {
      TORII_TRY_VOID(check_finite(parameter.value, prefix + parameter.name));
    }
  }
  TORII_TRY_VOID(check_finite(bundle.item_embeddings.flat(), "item embeddings"));
  TORII_TRY_VOID(check_finite(bundle.popularity, "popularity"));
  if (const auto row = find_too_long(bundle.item_embeddings)) {
    return make_error(ErrorCode::kDiverged, "embedding of item '{}': longer than {}",
                      bundle.item_ids[*row], std::sqrt(kSquaredLengthMax));
  }
  return {};
}

void check_ours(const Bundle& bundle) {
  const TowerShape& user = bundle.model.user.shape();
  const TowerShape& item = bundle.model.item.shape();
  const std::size_t items = bundle.item_ids.size();
  TORII_CHECK(check_fits(bundle.spec.user, bundle.spec.text_width, user, "user").ok(),
              "the user tower reads what the spec encodes");
  TORII_CHECK(check_fits(bundle.spec.item, bundle.spec.text_width, item, "item").ok(),
              "the item tower reads what the spec encodes");
  TORII_CHECK(user.width == item.width && has_sound_widths(user) && has_sound_widths(item),
              "two towers of one width");
  TORII_CHECK(user.ids == bundle.user_ids.size(), "one user id per row of the id embedding");
  TORII_CHECK(item.ids == 0 || item.ids == items, "one item id per row of the id embedding");
  TORII_CHECK(bundle.item_embeddings.rows() == items &&
                  (items == 0 || bundle.item_embeddings.cols() == item.width),
              "one embedding per item");
  TORII_CHECK(bundle.popularity.size() == items, "one popularity per item");
}

// Offsets as int64: the format has no unsigned one. They are the same bytes below 2^63.
void add_ids(const IdIndex& ids, SafetensorsWriter& writer) {
  const StringArray& all = ids.all();
  writer.add("ids.offsets", DType::kI64, {all.offsets.size()},
             std::as_bytes(std::span(all.offsets)));
  writer.add("ids.bytes", DType::kU8, {all.bytes.size()}, std::as_bytes(std::span(all.bytes)));
}

Result<void> write_pairs(const fs::path& folder, std::span<const std::uint64_t> pairs) {
  TORII_CHECK(std::ranges::is_sorted(pairs), "training pairs ascend");
  SafetensorsWriter writer;
  writer.add("pairs", DType::kI64, {pairs.size()}, std::as_bytes(pairs));
  return writer.write(folder / kPairsFile);
}

Result<void> write_parts(const fs::path& folder, const Bundle& bundle) {
  TowerTensors towers;
  add_tower(bundle.model.user, kUserPrefix, towers);
  add_tower(bundle.model.item, kItemPrefix, towers);
  TORII_TRY_VOID(towers.writer.write(folder / kTowersFile));

  SafetensorsWriter items;
  add_ids(bundle.item_ids, items);
  items.add("embeddings", {bundle.item_ids.size(), bundle.model.item.shape().width},
            bundle.item_embeddings.flat());
  items.add("popularity", {bundle.popularity.size()}, bundle.popularity);
  TORII_TRY_VOID(items.write(folder / kItemsFile));

  if (bundle.user_ids.size() == 0) return {};
  SafetensorsWriter users;
  add_ids(bundle.user_ids, users);
  return users.write(folder / kUsersFile);
}

Json ids_to_json(const IdIndex& ids) {
  return Json(Json::Object{{"count", static_cast<std::uint64_t>(ids.size())},
                           {"order", ids.integers() ? "integers" : "bytes"}});
}

Result<Json> make_manifest(const fs::path& folder, const Bundle& bundle) {
  std::vector<BundlePart> parts;
  for (const char* name : {kTowersFile, kItemsFile, kUsersFile, kPairsFile}) {
    if (std::error_code ignored; !fs::exists(folder / name, ignored)) continue;
    TORII_TRY(auto part, measure_part(folder, name));
    parts.push_back(std::move(part));
  }
  return Json(Json::Object{
      {"format", kBundleFormat},
      {"version", kBundleVersion},
      {"metric", metric_name(bundle.model.metric)},
      {"items", ids_to_json(bundle.item_ids)},
      {"users", ids_to_json(bundle.user_ids)},
      {"user_tower", shape_to_json(bundle.model.user.shape())},
      {"item_tower", shape_to_json(bundle.model.item.shape())},
      {"evaluation", bundle.evaluation},
      {"provenance", bundle.provenance},
      {"settings", bundle.settings},
      {"spec", bundle.spec.to_json()},
      {"parts", parts_to_json(parts)},
  });
}

// ---- opening

Result<IdIndex> read_ids(const SafetensorsFile& tensors, const std::string& where,
                         const Json& manifest, const char* entity) {
  const Json* facts = manifest.find(entity);
  const auto count = facts != nullptr ? facts->int_at("count") : std::nullopt;
  const auto order = facts != nullptr ? facts->string_at("order") : std::nullopt;
  if (!count || !order || (*order != "integers" && *order != "bytes")) {
    return corrupt(where, fmt::format("'{}': expected count and order in the manifest", entity));
  }
  const TensorView* offsets = tensors.find("ids.offsets");
  const TensorView* bytes = tensors.find("ids.bytes");
  if (offsets == nullptr || offsets->dtype != DType::kI64 || offsets->shape.size() != 1 ||
      offsets->size() == 0 || bytes == nullptr || bytes->dtype != DType::kU8) {
    return corrupt(where, "expected tensors ids.offsets (I64) and ids.bytes (U8)");
  }
  if (static_cast<std::int64_t>(offsets->size()) - 1 != *count) {
    return corrupt(where, fmt::format("expected {} ids, found {}", *count, offsets->size() - 1));
  }
  StringArray ids;
  ids.offsets.resize(offsets->size());
  std::memcpy(ids.offsets.data(), offsets->bytes.data(), offsets->bytes.size());
  ids.bytes.resize(bytes->bytes.size());
  if (!bytes->bytes.empty()) {
    std::memcpy(ids.bytes.data(), bytes->bytes.data(), bytes->bytes.size());
  }
  if (ids.offsets.front() != 0 || ids.offsets.back() != ids.bytes.size() ||
      !std::is_sorted(ids.offsets.begin(), ids.offsets.end())) {
    return corrupt(where, "ids.offsets do not fit ids.bytes");
  }
  auto index = IdIndex::from_ordered(std::move(ids), *order == "integers");
  if (!index.ok()) return corrupt(where, index.error().message);
  return index;
}

Result<std::vector<float>> read_floats(const SafetensorsFile& tensors, const std::string& where,
                                       std::string_view name, std::size_t rows, std::size_t cols) {
  const auto extent = [](std::size_t value) { return static_cast<std::int64_t>(value); };
  std::vector<std::int64_t> shape = {extent(rows)};
  if (cols != 0) shape.push_back(extent(cols));
  auto values = tensors.floats(name, shape);
  if (!values.ok()) return corrupt(where, values.error().message);
  for (std::size_t i = 0; i < values->size(); ++i) {
    if (std::isfinite((*values)[i])) continue;
    return corrupt(where, fmt::format("tensor '{}': element {} is not finite", name, i));
  }
  return values;
}

struct ItemPart {
  IdIndex ids;
  Matrix embeddings;
  std::vector<float> popularity;
};

Result<ItemPart> read_items(const fs::path& folder, const Json& manifest, std::size_t width) {
  const std::string where = (folder / kItemsFile).string();
  TORII_TRY(const auto tensors, SafetensorsFile::open(where));
  ItemPart part;
  TORII_TRY(part.ids, read_ids(tensors, where, manifest, "items"));
  const std::size_t items = part.ids.size();
  TORII_TRY(const auto embeddings, read_floats(tensors, where, "embeddings", items, width));
  TORII_TRY(part.popularity, read_floats(tensors, where, "popularity", items, 0));
  part.embeddings = Matrix(items, width);
  std::ranges::copy(embeddings, part.embeddings.flat().begin());
  if (const auto row = find_too_long(part.embeddings)) {
    return corrupt(where, fmt::format("embedding {} is longer than can be", *row));
  }
  return part;
}

Result<std::string> read_manifest_text(const fs::path& path) {
  auto text = read_file(path / kManifestFile, kManifestMax);
  if (text.ok() || text.error().code != ErrorCode::kNotFound) return text;
  return make_error(ErrorCode::kNotFound, "{}: no bundle there ({} is missing)", path.string(),
                    kManifestFile);
}

}  // namespace

Bundle make_bundle(features::Spec spec, TwoTower model, const features::EncodedTable& items,
                   IdIndex user_ids, IdIndex item_ids, std::vector<float> popularity,
                   ThreadPool& pool) {
  TORII_CHECK(items.rows == item_ids.size(), "one row per item");
  std::vector<std::int32_t> rows;
  if (model.item.shape().ids > 0) {
    rows.resize(items.rows);
    std::iota(rows.begin(), rows.end(), 0);
  }
  Matrix embeddings = embed(model.item, items, rows, pool);
  Bundle bundle{.spec = std::move(spec),
                .model = std::move(model),
                .user_ids = std::move(user_ids),
                .item_ids = std::move(item_ids),
                .item_embeddings = std::move(embeddings),
                .popularity = std::move(popularity),
                .settings = Json::object(),
                .provenance = Json::object(),
                .evaluation = Json::object(),
                .id = {}};
  check_ours(bundle);
  return bundle;
}

std::optional<std::uint32_t> find_trained_user(const Bundle& bundle, std::string_view id) {
  const auto place = bundle.user_ids.find(id);
  if (!place) return std::nullopt;
  const auto parameters = bundle.model.user.parameters();
  const auto table = std::ranges::find_if(parameters, &Parameter::sparse);
  TORII_CHECK(table != parameters.end(), "a tower with user ids has an embedding of them");
  const std::size_t width = bundle.model.user.shape().width;
  const auto row = table->value.subspan(*place * width, width);
  const bool trained = std::ranges::any_of(row, [](float value) { return value != 0.0F; });
  return trained ? place : std::nullopt;
}

Result<void> write_bundle(const fs::path& path, Bundle& bundle,
                          std::span<const std::uint64_t> training_pairs) {
  check_ours(bundle);
  TORII_TRY_VOID(check_finite(bundle));
  std::string text;
  const auto fill = [&](const fs::path& folder) -> Result<void> {
    TORII_TRY_VOID(write_parts(folder, bundle));
    if (!training_pairs.empty()) TORII_TRY_VOID(write_pairs(folder, training_pairs));
    TORII_TRY(const Json manifest, make_manifest(folder, bundle));
    text = seal_manifest(manifest);
    return write_file_durably(folder / kManifestFile, std::string_view(text));
  };
  TORII_TRY_VOID(write_folder_durably(path, is_bundle_folder, fill));
  bundle.id = sha256_hex(text);
  return {};
}

Result<std::optional<TrainingPairs>> TrainingPairs::open(const fs::path& path) {
  TORII_TRY(const Json manifest, read_manifest(path));
  TORII_TRY(const auto parts, parts_from_json(manifest, (path / kManifestFile).string()));
  const auto part = std::ranges::find(parts, std::string_view(kPairsFile), &BundlePart::name);
  if (part == parts.end()) return std::optional<TrainingPairs>();
  TORII_TRY_VOID(verify_part(path, *part));
  const std::string where = (path / kPairsFile).string();
  TORII_TRY(auto file, SafetensorsFile::open(where));
  const TensorView* pairs = file.find("pairs");
  if (pairs == nullptr || pairs->dtype != DType::kI64 || pairs->shape.size() != 1 ||
      std::bit_cast<std::uintptr_t>(pairs->bytes.data()) % alignof(std::uint64_t) != 0) {
    return corrupt(where, "expected a tensor 'pairs' (I64) of one dimension");
  }
  // The same bytes below 2^63, and the order is that of the unsigned numbers.
  const std::span<const std::uint64_t> hashes(
      reinterpret_cast<const std::uint64_t*>(pairs->bytes.data()), pairs->size());
  if (!std::ranges::is_sorted(hashes)) return corrupt(where, "'pairs' do not ascend");
  return std::optional<TrainingPairs>(TrainingPairs(std::move(file), hashes));
}

Result<Json> read_manifest(const fs::path& path) {
  TORII_TRY(const std::string text, read_manifest_text(path));
  return unseal_manifest(text, (path / kManifestFile).string());
}

Result<Bundle> open_bundle(const fs::path& path) {
  const std::string where = (path / kManifestFile).string();
  TORII_TRY(const std::string text, read_manifest_text(path));
  TORII_TRY(const Json manifest, unseal_manifest(text, where));
  TORII_TRY(const auto parts, parts_from_json(manifest, where));
  for (const BundlePart& part : parts) TORII_TRY_VOID(verify_part(path, part));

  const Json none;
  const auto member = [&](const char* key) -> const Json& {
    const Json* found = manifest.find(key);
    return found != nullptr ? *found : none;
  };
  TORII_TRY(auto spec, features::Spec::from_json(member("spec"), where + ": spec"));
  TORII_TRY(const auto user, shape_from_json(member("user_tower"), where + ": user_tower"));
  TORII_TRY(const auto item, shape_from_json(member("item_tower"), where + ": item_tower"));
  const auto metric = parse_metric(manifest.string_at("metric").value_or(""));
  if (!metric.has_value()) return corrupt(where, "'metric' is missing or unknown");
  if (user.width != item.width) return corrupt(where, "the towers differ in width");
  for (const auto& fit : {check_fits(spec.user, spec.text_width, user, "user"),
                          check_fits(spec.item, spec.text_width, item, "item")}) {
    if (!fit.ok()) return corrupt(where, fit.error().message);
  }

  TORII_TRY(auto items, read_items(path, manifest, item.width));
  if (item.ids != 0 && item.ids != items.ids.size()) {
    return corrupt(where, "the item tower's id embedding has another number of rows than items");
  }
  IdIndex user_ids;
  const bool has_users =
      std::ranges::any_of(parts, [](const BundlePart& part) { return part.name == kUsersFile; });
  if (has_users) {
    const std::string name = (path / kUsersFile).string();
    TORII_TRY(const auto tensors, SafetensorsFile::open(name));
    TORII_TRY(user_ids, read_ids(tensors, name, manifest, "users"));
  }
  if (user.ids != user_ids.size()) {
    return corrupt(where, "the user tower's id embedding has another number of rows than users");
  }

  const std::string towers_name = (path / kTowersFile).string();
  TORII_TRY(const auto tensors, SafetensorsFile::open(towers_name));
  TORII_TRY(auto user_tower,
            read_tower(tensors, towers_name, kUserPrefix, user, ErrorCode::kCorrupt));
  TORII_TRY(auto item_tower,
            read_tower(tensors, towers_name, kItemPrefix, item, ErrorCode::kCorrupt));
  return Bundle{.spec = std::move(spec),
                .model = {std::move(user_tower), std::move(item_tower), *metric},
                .user_ids = std::move(user_ids),
                .item_ids = std::move(items.ids),
                .item_embeddings = std::move(items.embeddings),
                .popularity = std::move(items.popularity),
                .settings = member("settings"),
                .provenance = member("provenance"),
                .evaluation = member("evaluation"),
                .id = sha256_hex(text)};
}

}  // namespace torii::model

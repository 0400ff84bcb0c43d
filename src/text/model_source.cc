#include "text/model_source.h"

#include <algorithm>
#include <optional>
#include <system_error>
#include <vector>

#include "base/file.h"
#include "text/hub_name.h"
#include "text/hub_snapshot.h"

namespace torii::text {
namespace {

namespace fs = std::filesystem;

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

std::string value_of(const Environment& environment, std::string_view name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

bool is_offline(const Environment& environment) {
  std::string value = value_of(environment, "HF_HUB_OFFLINE");
  std::ranges::transform(value, value.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return value == "1" || value == "ON" || value == "YES" || value == "TRUE";
}

/// As Hugging Face's tools find their cache.
fs::path hugging_face_cache(const Environment& environment) {
  if (const auto cache = value_of(environment, "HF_HUB_CACHE"); !cache.empty()) return cache;
  if (const auto home = value_of(environment, "HF_HOME"); !home.empty()) {
    return fs::path(home) / "hub";
  }
  if (const auto cache = value_of(environment, "XDG_CACHE_HOME"); !cache.empty()) {
    return fs::path(cache) / "huggingface" / "hub";
  }
  const auto home = value_of(environment, "HOME");
  return home.empty() ? fs::path() : fs::path(home) / ".cache" / "huggingface" / "hub";
}

/// Its layout: models--owner--model/{refs/main, snapshots/<commit>/...}. It may hold a part of a
/// model only.
std::optional<ResolvedModel> find_in_hugging_face_cache(const HubName& name,
                                                        const Environment& environment) {
  const fs::path cache = hugging_face_cache(environment);
  if (cache.empty()) return std::nullopt;
  const fs::path root = cache / ("models--" + name.owner + "--" + name.model);
  std::string commit = name.revision;
  if (!is_commit(commit)) {
    const auto reference = read_file(root / "refs" / name.revision, kReferenceBytesMax);
    if (!reference.ok()) return std::nullopt;
    commit = reference->substr(0, reference->find_last_not_of(" \r\n") + 1);
    if (!is_commit(commit)) return std::nullopt;
  }
  const fs::path folder = root / "snapshots" / commit;
  std::error_code ignored;
  const auto has = [&](const char* file) { return fs::exists(folder / file, ignored); };
  if (!has("config.json") || !has("model.safetensors") ||
      !(has("tokenizer.json") || has("vocab.txt"))) {
    return std::nullopt;
  }
  return ResolvedModel{folder, name.pinned(commit)};
}

Error not_shipped(const std::string& name, const fs::path& models) {
  std::vector<std::string> shipped;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(models, ignored)) {
    shipped.push_back(entry.path().filename().string());
  }
  std::sort(shipped.begin(), shipped.end());
  return make_error(ErrorCode::kNotFound,
                    "model.text_model: no model '{}' is shipped ({}); for one of your own give its "
                    "folder, as in ./{}, for one of the hub its owner too, as in "
                    "BAAI/bge-small-en-v1.5",
                    name, shipped.empty() ? "none is" : fmt::format("{}", fmt::join(shipped, ", ")),
                    name.empty() ? "my-model" : name);
}

}  // namespace

Result<ResolvedModel> resolve_model(const std::string& name, const ModelPlaces& places,
                                    Reporter& reporter) {
  const bool is_path = name.starts_with("/") || name.starts_with("./") || name.starts_with("../");
  if (name.find('/') == std::string::npos) {
    const bool plain = !name.empty() && name != "." && name != "..";
    if (plain && is_folder(places.shipped / name))
      return ResolvedModel{places.shipped / name, name};
    return not_shipped(name, places.shipped);
  }
  if (is_folder(name)) return ResolvedModel{name, name};
  const auto hub = parse_hub_name(name);
  if (is_path || !hub) {
    return make_error(
        ErrorCode::kNotFound,
        "model.text_model: there is no folder '{}'; give the folder of a Hugging Face "
        "model, the name of a shipped one, or owner/model of one on the hub",
        name);
  }
  const fs::path cached =
      places.cache.empty() ? fs::path() : places.cache / "models" / hub->owner / hub->model;
  if (!cached.empty()) {
    if (const auto commit = find_snapshot(cached, hub->revision)) {
      return ResolvedModel{cached / *commit, hub->pinned(*commit)};
    }
  }
  if (auto found = find_in_hugging_face_cache(*hub, places.environment)) return *std::move(found);
  if (is_offline(places.environment)) {
    return make_error(
        ErrorCode::kNotFound,
        "model.text_model: '{}' is no folder here and in no cache ({}), and HF_HUB_OFFLINE forbids "
        "to download it; unset that, or give the folder of a model",
        name, cached.empty() ? "--cache=none" : cached.string());
  }
  if (cached.empty()) {
    return invalid(
        "model.text_model: '{}' would have to be downloaded and there is no cache to keep it in; "
        "give --cache=DIR instead of none, or the folder of a model",
        name);
  }
  auto commit = download_snapshot(*hub, cached, places, reporter);
  if (!commit.ok()) {
    return with_context(std::move(commit).error(),
                        fmt::format("model.text_model '{}' (no folder here, in no cache)", name));
  }
  return ResolvedModel{cached / *commit, hub->pinned(*commit)};
}

}  // namespace torii::text

#include "pipeline/model_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace torii::pipeline {
namespace {

constexpr const char* kRegistryApi = "/api/model_registry/v1alpha3";
constexpr const char* kPageSize = "100";
constexpr int kPagesMax = 10'000;

std::string registry_path(const std::string& rest) {
  return kRegistryApi + rest;
}

// The first of a list, page by page, that has the name.
Result<std::optional<Json>> find_named(ClusterApi& api, const std::string& path,
                                       const std::string& name) {
  ClusterApi::Query query = {{"pageSize", kPageSize}};
  for (int page = 0; page < kPagesMax; ++page) {
    TORII_TRY(const Json answer, api.get(path, query));
    const Json* items = answer.find("items");
    if (items != nullptr && items->is_array()) {
      for (const Json& item : items->as_array()) {
        if (item.string_at("name") == name) return std::optional<Json>(item);
      }
    }
    const std::string next = answer.string_at("nextPageToken").value_or("");
    if (next.empty()) break;
    query = {{"pageSize", kPageSize}, {"nextPageToken", next}};
  }
  return std::optional<Json>();
}

Result<std::string> id_of(const ClusterApi& api, const Json& one, const char* what) {
  const auto id = one.string_at("id");
  if (id && !id->empty()) return *id;
  return make_error(ErrorCode::kCorrupt, "{}: the answer of the registry names no id of the {}",
                    api.host(), what);
}

Json property_json(const RegistryEntry::Property& property) {
  Json json = Json::object();
  if (const auto* number = std::get_if<double>(&property)) {
    return json.set("metadataType", "MetadataDoubleValue").set("double_value", *number);
  }
  return json.set("metadataType", "MetadataStringValue")
      .set("string_value", std::get<std::string>(property));
}

// What a version there says of itself under a name; nothing if it does not.
std::optional<std::string> text_property(const Json& version, const std::string& name) {
  const Json* all = version.find("customProperties");
  const Json* one = all == nullptr ? nullptr : all->find(name);
  return one == nullptr ? std::nullopt : one->string_at("string_value");
}

// Finds the one of that name below `list`, or creates it by posting `body` to `create`.
struct Found {
  std::string id;
  Json json;
  bool is_new = false;
};
Result<Found> find_or_create(ClusterApi& api, const std::string& list, const std::string& create,
                             const std::string& name, const Json& body, const char* what) {
  TORII_TRY(std::optional<Json> there, find_named(api, list, name));
  const bool is_new = !there.has_value();
  if (is_new) {
    TORII_TRY(there, api.create(create, body));
  }
  TORII_TRY(std::string id, id_of(api, *there, what));
  return Found{std::move(id), *std::move(there), is_new};
}

Error taken(const RegistryEntry& entry, const std::string& what, const std::string& theirs,
            const std::string& ours) {
  return make_error(ErrorCode::kCheckFailed,
                    "the registry has a version {} of '{}' already, with another {}: {}; this one "
                    "has {}; nothing was changed. Give the model another --name",
                    entry.version, entry.model, what, theirs, ours);
}

}  // namespace

Result<Registered> enter_version(ClusterApi& api, const RegistryEntry& entry) {
  Registered done;
  const std::string models = registry_path("/registered_models");
  TORII_TRY(const Found model, find_or_create(api, models, models, entry.model,
                                              Json::object()
                                                  .set("name", entry.model)
                                                  .set("description", entry.model_description)
                                                  .set("customProperties", Json::object()),
                                              "model"));
  done.model_id = model.id;

  Json properties = Json::object();
  for (const auto& [name, property] : entry.properties) {
    properties.set(name, property_json(property));
  }
  TORII_TRY(const Found version,
            find_or_create(api, fmt::format("{}/{}/versions", models, model.id),
                           registry_path("/model_versions"), entry.version,
                           Json::object()
                               .set("name", entry.version)
                               .set("description", entry.description)
                               .set("author", entry.author)
                               .set("registeredModelId", model.id)
                               .set("customProperties", std::move(properties)),
                           "version"));
  done.version_id = version.id;
  done.is_new = model.is_new || version.is_new;
  if (const auto own = entry.properties.find(entry.identity);
      !version.is_new && own != entry.properties.end()) {
    const std::string ours = std::get<std::string>(own->second);
    const std::string theirs = text_property(version.json, entry.identity).value_or("none");
    if (theirs != ours) return taken(entry, entry.identity, theirs, ours);
  }

  const std::string artifacts =
      registry_path(fmt::format("/model_versions/{}/artifacts", version.id));
  for (const RegistryEntry::Artifact& one : entry.artifacts) {
    TORII_TRY(const Found artifact, find_or_create(api, artifacts, artifacts, one.name,
                                                   Json::object()
                                                       .set("artifactType", "model-artifact")
                                                       .set("name", one.name)
                                                       .set("uri", one.uri)
                                                       .set("modelFormatName", one.format)
                                                       .set("state", "LIVE"),
                                                   "artifact"));
    const std::string theirs = artifact.json.string_at("uri").value_or("");
    if (theirs != one.uri) return taken(entry, "place of its " + one.name, theirs, one.uri);
    done.artifact_ids.push_back(artifact.id);
    done.is_new = done.is_new || artifact.is_new;
  }
  return done;
}

}  // namespace torii::pipeline

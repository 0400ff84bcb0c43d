#include "feast/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/options.h"
#include "base/printable.h"

namespace torii::feast {
namespace {

// "; there are: a, b" with the nearest name first, where one is near.
template <class List>
std::string those_there(const List& list, std::string_view wanted) {
  std::vector<std::string> names;
  for (const auto& element : list) names.push_back(element.name);
  if (names.empty()) return "there are none; run `feast apply`";
  const auto near = nearest(wanted, names);
  return fmt::format("{}there are: {}", near ? fmt::format("did you mean '{}'? ", *near) : "",
                     visible(fmt::format("{}", fmt::join(names, ", "))));
}

Result<ServiceView> resolve(const Repo& repo, const FeatureService& service,
                            const Projection& projection) {
  const std::string where =
      fmt::format("{}: feature service '{}'", repo.config.file, visible(service.name));
  if (std::ranges::find(repo.registry.other_views, projection.view) !=
      repo.registry.other_views.end()) {
    return make_error(ErrorCode::kUnsupported,
                      "{}: '{}' is computed on demand or by a stream processor, which torii does "
                      "not run; give torii a service without it",
                      where, visible(projection.view));
  }
  const FeatureView* view = repo.registry.view(projection.view);
  if (view == nullptr) {
    return make_error(ErrorCode::kCorrupt,
                      "{}: its feature view '{}' is not there; run `feast apply` again", where,
                      visible(projection.view));
  }
  ServiceView resolved{.view = view,
                       .keys = {},
                       .features = {},
                       .timestamp = view->batch.column_of(view->batch.timestamp_field),
                       .created_timestamp = view->batch.created_timestamp_field};
  for (const Field& key : view->keys) {
    const auto renamed = projection.join_keys.find(key.name);
    resolved.keys.push_back({renamed == projection.join_keys.end() ? key.name : renamed->second,
                             view->batch.column_of(key.name), key.type});
  }
  for (const std::string& name : projection.features) {
    const Field* feature = view->feature(name);
    if (feature == nullptr) {
      return make_error(ErrorCode::kCorrupt,
                        "{}: feature view '{}' has no feature '{}'; run `feast apply` again", where,
                        visible(view->name), visible(name));
    }
    resolved.features.push_back({name, view->batch.column_of(name), feature->type});
  }
  return resolved;
}

// Features of the same name in several views take the view's name before them.
void tell_apart(std::vector<ServiceView>& views, const FeatureService& service) {
  std::map<std::string, int> uses;
  for (const ServiceView& view : views) {
    for (const ServiceColumn& feature : view.features) ++uses[feature.name];
  }
  for (std::size_t i = 0; i < views.size(); ++i) {
    const Projection& projection = service.projections[i];
    const std::string& shown = projection.alias.empty() ? projection.view : projection.alias;
    for (ServiceColumn& feature : views[i].features) {
      if (uses[feature.name] > 1) feature.name = fmt::format("{}__{}", shown, feature.name);
    }
  }
}

// What to put into the repository, in Python, so that the view is there.
std::string definition(std::string_view name, WrittenType type, std::string_view entity,
                       std::string_view feature) {
  const char* dtype = type == WrittenType::kVector ? "Array(Float32)" : "Array(String)";
  return fmt::format(
      "\n\n    {0} = Entity(name=\"{0}\", join_keys=[\"{0}_id\"], value_type=ValueType.STRING)\n"
      "    {1} = FeatureView(\n"
      "        name=\"{1}\",\n"
      "        entities=[{0}],\n"
      "        schema=[Field(name=\"{2}\", dtype={3})],\n"
      "        source=PushSource(name=\"{1}_push_source\",\n"
      "                          batch_source=FileSource(path=\"data/{1}.parquet\",\n"
      "                                                  timestamp_field=\"event_timestamp\")),\n"
      "        online=True,\n"
      "    )\n\n",
      entity, name, feature, dtype);
}

}  // namespace

Result<std::vector<ServiceView>> resolve_service(const Repo& repo, std::string_view name) {
  const FeatureService* service = repo.registry.service(name);
  if (service == nullptr) {
    return make_error(ErrorCode::kNotFound, "{}: no feature service '{}'; {}", repo.config.file,
                      visible(name), those_there(repo.registry.services, name));
  }
  if (service->projections.empty()) {
    return invalid("{}: feature service '{}' has no feature view", repo.config.file, visible(name));
  }
  std::vector<ServiceView> views;
  for (const Projection& projection : service->projections) {
    TORII_TRY(ServiceView view, resolve(repo, *service, projection));
    views.push_back(std::move(view));
  }
  tell_apart(views, *service);
  return views;
}

Result<WrittenView> find_written_view(const Repo& repo, std::string_view name, WrittenType type,
                                      std::string_view entity, std::string_view feature) {
  const std::string advice = definition(name, type, entity, feature);
  const FeatureView* view = repo.registry.view(name);
  if (view == nullptr) {
    return make_error(ErrorCode::kNotFound,
                      "{}: no feature view '{}', which would hold what torii publishes; add it and "
                      "run `feast apply`:{}(or name another view in publish.feast; {})",
                      repo.config.file, visible(name), advice,
                      those_there(repo.registry.views, name));
  }
  const auto wrong = [&](std::string_view expected, std::string_view found) {
    return invalid("{}: feature view '{}': expected {}, found {}; for example:{}", repo.config.file,
                   visible(name), expected, found, advice);
  };
  if (view->keys.size() != 1) {
    return wrong("one join key", fmt::format("{}", view->keys.size()));
  }
  if (view->keys.front().type != ValueType::kString) {
    return wrong("a join key of type String", type_name(view->keys.front().type));
  }
  if (view->features.size() != 1) {
    return wrong("one feature", fmt::format("{}", view->features.size()));
  }
  const Field& field = view->features.front();
  if (type == WrittenType::kVector && field.type != ValueType::kFloatList) {
    return wrong(fmt::format("'{}' of type Array(Float32)", field.name), type_name(field.type));
  }
  if (type == WrittenType::kTexts && field.type != ValueType::kStringList) {
    return wrong(fmt::format("'{}' of type Array(String)", field.name), type_name(field.type));
  }
  if (!view->online) return wrong("online=True", "online=False");
  return WrittenView{
      .view = view->name,
      .join_key = view->keys.front().name,
      .feature = field.name,
      .push_source = view->stream.kind == Source::Kind::kPush ? view->stream.name : std::string()};
}

}  // namespace torii::feast

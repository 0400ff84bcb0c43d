#include "feast/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/json.h"
#include "base/printable.h"
#include "feast/wire_parse.h"

namespace torii::feast {
namespace {

enum SourceType : std::uint8_t { kBatchFile = 1, kCustomSource = 6, kPushSource = 9 };

ValueType type_of(std::int32_t number) {
  return number > 0 && number < 256 ? static_cast<ValueType>(number) : ValueType::kInvalid;
}

Field field_of(const wire::Feature& feature) {
  return {.name = feature.name(),
          .type = type_of(feature.value_type()),
          .vector_length = feature.vector_length()};
}

std::string last_part(const std::string& name) {
  return name.substr(name.rfind('.') + 1);
}

// What a PostgreSQLSource keeps as JSON.
void read_postgres(const wire::DataSource& message, Source& source) {
  const std::string& text = message.custom_options().configuration();
  const auto parsed = Json::parse(text, "source");
  if (!parsed.ok() || !parsed->is_object()) return;
  source.table = parsed->string_at("table").value_or("");
  source.query = parsed->string_at("query").value_or("");
  if (!source.table.empty() || !source.query.empty()) source.kind = Source::Kind::kPostgres;
}

Source source_of(const wire::DataSource& message) {
  Source source{.kind = Source::Kind::kOther,
                .name = message.name(),
                .type = fmt::format("type {}", message.type()),
                .fields = {},
                .timestamp_field = message.timestamp_field(),
                .created_timestamp_field = message.created_timestamp_column(),
                .uri = {},
                .s3_endpoint = {},
                .table = {},
                .query = {}};
  for (const auto& [column, feature] : message.field_mapping()) source.fields[column] = feature;
  if (!message.class_type().empty()) source.type = last_part(message.class_type());
  if (message.type() == kBatchFile) {
    source.kind = Source::Kind::kFile;
    source.type = "file";
    source.uri = message.file_options().uri();
    source.s3_endpoint = message.file_options().s3_endpoint_override();
  } else if (message.type() == kPushSource) {
    source.kind = Source::Kind::kPush;
    source.type = "push";
  } else if (message.type() == kCustomSource && source.type == "PostgreSQLSource") {
    read_postgres(message, source);
  }
  return source;
}

template <class List>
auto* named(List& list, std::string_view name) {
  const auto at = std::ranges::lower_bound(
      list, name, {}, [](const auto& element) { return std::string_view(element.name); });
  return at != list.end() && at->name == name ? &*at : nullptr;
}

template <class List>
void order_by_name(List& list) {
  std::ranges::stable_sort(list, {},
                           [](const auto& element) -> const std::string& { return element.name; });
}

}  // namespace

std::string Source::column_of(const std::string& feature) const {
  for (const auto& [column, mapped] : fields) {
    if (mapped == feature) return column;
  }
  return feature;
}

const Field* FeatureView::feature(std::string_view feature_name) const {
  const auto at = std::ranges::find(features, feature_name, &Field::name);
  return at == features.end() ? nullptr : &*at;
}

const Entity* Registry::entity(std::string_view name) const {
  return named(entities, name);
}
const FeatureView* Registry::view(std::string_view name) const {
  return named(views, name);
}
const FeatureService* Registry::service(std::string_view name) const {
  return named(services, name);
}

struct RegistryBuilder::Parts {
  std::string where;
  Registry registry;
  std::set<std::string> projects;

  [[nodiscard]] Error corrupt(std::string_view what) const {
    return make_error(ErrorCode::kCorrupt, "{}: this is no {} of Feast; is it the registry?", where,
                      what);
  }
  // Whether a part belongs to the project; keeps the names of others for a message.
  bool is_ours(const std::string& project) {
    if (!project.empty()) projects.insert(project);
    return project.empty() || project == registry.project;
  }

  void add(const wire::Entity& message) {
    const auto& spec = message.spec();
    if (!is_ours(spec.project())) return;
    registry.entities.push_back({spec.name(), spec.join_key(), type_of(spec.value_type())});
  }

  void add(const wire::FeatureView& message) {
    const auto& spec = message.spec();
    if (!is_ours(spec.project())) return;
    FeatureView view;
    view.name = spec.name();
    view.entities = {spec.entities().begin(), spec.entities().end()};
    for (const auto& column : spec.entity_columns()) view.keys.push_back(field_of(column));
    for (const auto& feature : spec.features()) view.features.push_back(field_of(feature));
    view.ttl_s = static_cast<double>(spec.ttl().seconds()) + spec.ttl().nanos() * 1e-9;
    view.batch = source_of(spec.batch_source());
    if (!spec.has_batch_source()) view.batch.kind = Source::Kind::kNone;
    if (spec.has_stream_source()) {
      view.stream = source_of(spec.stream_source());
      // A push source brings its batch source along.
      if (spec.stream_source().has_batch_source() &&
          (view.batch.kind == Source::Kind::kNone || view.batch.kind == Source::Kind::kPush)) {
        view.batch = source_of(spec.stream_source().batch_source());
      }
    }
    view.online = spec.online();
    registry.views.push_back(std::move(view));
  }

  void add(const wire::OtherView& message) {
    if (is_ours(message.spec().project())) registry.other_views.push_back(message.spec().name());
  }

  void add(const wire::FeatureService& message) {
    const auto& spec = message.spec();
    if (!is_ours(spec.project())) return;
    FeatureService service{.name = spec.name(), .projections = {}};
    for (const auto& features : spec.features()) {
      Projection projection;
      projection.view = features.feature_view_name();
      projection.alias = features.name_alias();
      for (const auto& column : features.feature_columns()) {
        projection.features.push_back(column.name());
      }
      for (const auto& [from, to] : features.join_key_map()) projection.join_keys[from] = to;
      service.projections.push_back(std::move(projection));
    }
    registry.services.push_back(std::move(service));
  }

  template <class Message>
  Result<void> add_bytes(std::string_view bytes, std::string_view what) {
    Message message;
    if (!parse_wire(message, bytes)) return corrupt(what);
    add(message);
    return {};
  }

  // Registries of before entity columns were kept with the view know the join keys by the entities.
  Result<void> complete(FeatureView& view) const {
    if (!view.keys.empty()) return {};
    for (const std::string& name : view.entities) {
      const Entity* entity = registry.entity(name);
      if (entity == nullptr) {
        return make_error(ErrorCode::kCorrupt,
                          "{}: feature view '{}' is of the entity '{}', which is not there; run "
                          "`feast apply` again",
                          where, visible(view.name), visible(name));
      }
      view.keys.push_back({entity->join_key, entity->type});
    }
    return {};
  }
};

RegistryBuilder::RegistryBuilder(std::string project, std::string where)
    : parts_(std::make_unique<Parts>()) {
  parts_->registry.project = std::move(project);
  parts_->where = std::move(where);
}
RegistryBuilder::~RegistryBuilder() = default;

Result<void> RegistryBuilder::add_registry(std::string_view bytes) {
  wire::Registry message;
  if (!parse_wire(message, bytes)) return parts_->corrupt("registry");
  for (const auto& project : message.projects()) parts_->is_ours(project.spec().name());
  for (const auto& entity : message.entities()) parts_->add(entity);
  for (const auto& view : message.feature_views()) parts_->add(view);
  for (const auto& view : message.on_demand_feature_views()) parts_->add(view);
  for (const auto& view : message.stream_feature_views()) parts_->add(view);
  for (const auto& service : message.feature_services()) parts_->add(service);
  return {};
}
Result<void> RegistryBuilder::add_entity(std::string_view bytes) {
  return parts_->add_bytes<wire::Entity>(bytes, "entity");
}
Result<void> RegistryBuilder::add_view(std::string_view bytes) {
  return parts_->add_bytes<wire::FeatureView>(bytes, "feature view");
}
Result<void> RegistryBuilder::add_other_view(std::string_view bytes) {
  return parts_->add_bytes<wire::OtherView>(bytes, "feature view");
}
Result<void> RegistryBuilder::add_service(std::string_view bytes) {
  return parts_->add_bytes<wire::FeatureService>(bytes, "feature service");
}

void RegistryBuilder::note_project(const std::string& name) {
  if (!name.empty()) parts_->projects.insert(name);
}
void RegistryBuilder::note_projects(std::string_view bytes) {
  wire::Registry message;
  if (!parse_wire(message, bytes)) return;
  for (const auto& project : message.projects()) note_project(project.spec().name());
  for (const auto& view : message.feature_views()) note_project(view.spec().project());
}
bool RegistryBuilder::empty() const {
  const Registry& registry = parts_->registry;
  return registry.views.empty() && registry.services.empty() && registry.entities.empty();
}

Result<std::vector<std::string>> RegistryBuilder::listed(std::string_view bytes,
                                                         std::string_view where) {
  wire::Listed message;
  if (!parse_wire(message, bytes)) {
    return make_error(ErrorCode::kCorrupt, "{}: the answer is no list of Feast's objects", where);
  }
  return std::vector<std::string>(message.objects().begin(), message.objects().end());
}

Result<Registry> RegistryBuilder::finish() {
  Registry& registry = parts_->registry;
  if (empty() && !parts_->projects.contains(registry.project)) {
    if (parts_->projects.empty()) {
      return make_error(ErrorCode::kNotFound, "{}: the registry is empty; run `feast apply` first",
                        parts_->where);
    }
    return make_error(ErrorCode::kNotFound,
                      "{}: nothing of the project '{}' is there, only of {}; is `project` right in "
                      "feature_store.yaml?",
                      parts_->where, visible(registry.project),
                      visible(fmt::format("{}", fmt::join(parts_->projects, ", "))));
  }
  order_by_name(registry.entities);
  order_by_name(registry.views);
  order_by_name(registry.services);
  std::ranges::sort(registry.other_views);
  for (FeatureView& view : registry.views) TORII_TRY_VOID(parts_->complete(view));
  return std::move(registry);
}

std::string list_request(std::string_view project) {
  wire::ListRequest request;
  request.set_project(std::string(project));
  return request.SerializeAsString();
}

}  // namespace torii::feast

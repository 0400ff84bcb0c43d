#include "data/feast_repo.h"

#include <filesystem>
#include <memory>
#include <utility>

#include "base/file.h"
#include "base/reporter.h"
#include "blob/blob.h"
#include "net/grpc.h"
#include "sql/connection.h"

namespace torii::data {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kYamlMax = std::size_t{1} << 20;
constexpr std::size_t kRegistryMax = std::size_t{1} << 30;

Result<void> read_file_registry(const std::string& path, const Environment& environment,
                                feast::RegistryBuilder& builder) {
  auto opened = blob::open(path, environment);
  if (!opened.ok()) {
    if (opened.error().code != ErrorCode::kNotFound) return std::move(opened).error();
    return make_error(ErrorCode::kNotFound, "{}: there is no registry; run `feast apply` first",
                      path);
  }
  const blob::Object& object = **opened;
  if (object.size() > kRegistryMax) {
    return make_error(ErrorCode::kResourceExhausted, "{}: {} bytes are no registry of Feast", path,
                      object.size());
  }
  std::string bytes(object.size(), '\0');
  TORII_TRY_VOID(object.read(0, std::as_writable_bytes(std::span(bytes))));
  TORII_TRY_VOID(object.check_unchanged());
  return builder.add_registry(bytes);
}

Result<void> read_sql_registry(const std::string& uri, const std::string& project,
                               const Environment& environment, feast::RegistryBuilder& builder) {
  struct Kind {
    const char* table;
    const char* column;
    Result<void> (feast::RegistryBuilder::*add)(std::string_view bytes);
  };
  using Builder = feast::RegistryBuilder;
  constexpr Kind kKinds[] = {
      {"entities", "entity_proto", &Builder::add_entity},
      {"feature_views", "feature_view_proto", &Builder::add_view},
      {"feature_services", "feature_service_proto", &Builder::add_service},
      {"on_demand_feature_views", "feature_view_proto", &Builder::add_other_view},
      {"stream_feature_views", "feature_view_proto", &Builder::add_other_view},
  };
  TORII_TRY(const auto connection, sql::open(uri, environment));
  const auto each = [&](const std::string& statement, const std::vector<sql::Value>& values,
                        const auto& take) -> Result<void> {
    TORII_TRY(const auto rows, connection->prepare(statement));
    TORII_TRY_VOID(rows->start(values));
    for (;;) {
      TORII_TRY(const bool more, rows->step());
      if (!more) return {};
      TORII_TRY_VOID(take(rows->text(0)));
    }
  };
  std::size_t found = 0;
  const auto read = [&]() -> Result<void> {
    for (const Kind& kind : kKinds) {
      TORII_TRY_VOID(
          each(fmt::format("SELECT {} FROM {} WHERE project_id = $1", kind.column, kind.table),
               {project}, [&](std::string_view bytes) {
                 ++found;
                 return (builder.*kind.add)(bytes);
               }));
    }
    if (found > 0) return {};
    // Of which projects there is something, for the message.
    return each("SELECT DISTINCT project_id FROM entities", {},
                [&](std::string_view name) -> Result<void> {
                  builder.note_project(std::string(name));
                  return {};
                });
  };
  auto done = read();
  if (done.ok()) return {};
  return with_context(std::move(done).error(),
                      fmt::format("{}: registry of Feast", sql::shown_uri(uri)));
}

Result<std::string> bearer_of(const feast::RegistryPlace& place) {
  if (!place.bearer.empty() || place.bearer_file.empty()) return place.bearer;
  TORII_TRY(std::string token, read_file(place.bearer_file, kYamlMax));
  while (!token.empty() && (token.back() == '\n' || token.back() == ' ')) token.pop_back();
  return token;
}

Result<void> read_remote_registry(const feast::RegistryPlace& place, const std::string& project,
                                  const Environment& environment, feast::RegistryBuilder& builder) {
  if (!place.certificate.empty()) {
    std::error_code ignored;
    if (!fs::exists(place.certificate, ignored)) {
      return make_error(ErrorCode::kNotFound, "{}: there is no such certificate (registry: cert)",
                        place.certificate);
    }
  }
  TORII_TRY(const std::string bearer, bearer_of(place));
  Reporter quiet;
  net::GrpcClient client(
      {.address = place.path, .tls = place.tls, .certificate = place.certificate, .bearer = bearer},
      environment, {}, quiet);
  const auto call = [&](const char* method, std::string_view message) {
    return client.call(fmt::format("feast.registry.RegistryServer/{}", method), message,
                       kRegistryMax);
  };
  // The List calls are there in every version and answer for one project; what they answer need not
  // name it, and the whole registry (Proto) names it nowhere in 0.67.
  struct Kind {
    const char* method;
    Result<void> (feast::RegistryBuilder::*add)(std::string_view bytes);
  };
  using Builder = feast::RegistryBuilder;
  constexpr Kind kKinds[] = {{"ListEntities", &Builder::add_entity},
                             {"ListFeatureViews", &Builder::add_view},
                             {"ListOnDemandFeatureViews", &Builder::add_other_view},
                             {"ListStreamFeatureViews", &Builder::add_other_view},
                             {"ListFeatureServices", &Builder::add_service}};
  for (const Kind& kind : kKinds) {
    TORII_TRY(const std::string answer, call(kind.method, feast::list_request(project)));
    TORII_TRY(const auto objects, feast::RegistryBuilder::listed(answer, place.path));
    for (const std::string& object : objects) TORII_TRY_VOID((builder.*kind.add)(object));
  }
  if (!builder.empty()) return {};
  const auto whole = call("Proto", "");  // which projects there are, for the message
  if (whole.ok()) builder.note_projects(*whole);
  return {};
}

Result<fs::path> yaml_of(const std::string& place) {
  std::error_code ignored;
  const fs::path path(place);
  if (!fs::exists(path, ignored)) {
    return make_error(ErrorCode::kNotFound,
                      "{}: there is no such folder or file; expected a Feast repository or its "
                      "feature_store.yaml",
                      place);
  }
  if (!fs::is_directory(path, ignored)) return path;
  const fs::path yaml = path / "feature_store.yaml";
  if (fs::exists(yaml, ignored)) return yaml;
  return make_error(ErrorCode::kNotFound,
                    "{}: there is no feature_store.yaml in this folder; name the file if it is "
                    "called otherwise",
                    place);
}

}  // namespace

Result<feast::Repo> read_feast_repo(const std::string& place, const Environment& environment) {
  TORII_TRY(const fs::path yaml, yaml_of(place));
  TORII_TRY(const std::string text, read_file(yaml, kYamlMax));
  feast::Repo repo;
  TORII_TRY(repo.config, feast::parse_repo_config(text, yaml, environment));
  const feast::RegistryPlace& registry = repo.config.registry;
  const bool sql = registry.kind == feast::RegistryPlace::Kind::kSql;
  feast::RegistryBuilder builder(repo.config.project,
                                 sql ? sql::shown_uri(registry.path) : registry.path);
  switch (registry.kind) {
    case feast::RegistryPlace::Kind::kFile:
      TORII_TRY_VOID(read_file_registry(registry.path, environment, builder));
      break;
    case feast::RegistryPlace::Kind::kSql:
      TORII_TRY_VOID(read_sql_registry(registry.path, repo.config.project, environment, builder));
      break;
    case feast::RegistryPlace::Kind::kRemote:
      TORII_TRY_VOID(read_remote_registry(registry, repo.config.project, environment, builder));
      break;
  }
  TORII_TRY(repo.registry, builder.finish());
  return repo;
}

}  // namespace torii::data

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <ranges>
#include <string>
#include <vector>

#include "base/printable.h"
#include "cli/loading.h"
#include "cli/verbs.h"
#include "data/feast_repo.h"
#include "data/feast_tables.h"

// `torii feast`: what a Feast repository offers, and its point-in-time join.
namespace torii::cli {
namespace {

using feast::FeatureView;
using feast::Source;

struct FeastFlags {
  std::string positional;
  std::string repo;
  std::string service;
  std::string out;
};

Result<std::string> place_of(const FeastFlags& flags, const char* verb) {
  if (!flags.positional.empty() && !flags.repo.empty()) {
    return invalid("feast {}: the repository is named twice", verb);
  }
  const std::string& place = flags.repo.empty() ? flags.positional : flags.repo;
  if (!place.empty()) return place;
  return invalid("feast {}: name the repository: a folder with feature_store.yaml, or that file",
                 verb);
}

std::string registry_text(const feast::RegistryPlace& place) {
  switch (place.kind) {
    case feast::RegistryPlace::Kind::kFile:
      return place.path;
    case feast::RegistryPlace::Kind::kSql:
      return place.path.substr(0, place.path.find(':')) + " database";
    case feast::RegistryPlace::Kind::kRemote:
      return fmt::format("server {}{}", place.path, place.tls ? " (TLS)" : "");
  }
  return {};
}

std::string source_text(const Source& source) {
  switch (source.kind) {
    case Source::Kind::kNone:
      return "no source";
    case Source::Kind::kFile:
      return source.uri;
    case Source::Kind::kPostgres:
      return source.query.empty() ? fmt::format("table {}", source.table) : "a query";
    case Source::Kind::kPush:
    case Source::Kind::kOther:
      return fmt::format("{} source {}", source.type, source.name);
  }
  return {};
}

std::string fields_text(const std::vector<feast::Field>& fields) {
  std::string text;
  for (const feast::Field& field : fields) {
    text +=
        fmt::format("{}{} {}", text.empty() ? "" : ", ", field.name, feast::type_name(field.type));
  }
  return text;
}

Json fields_json(const std::vector<feast::Field>& fields) {
  Json list = Json::array();
  for (const feast::Field& field : fields) {
    list.push(Json::object().set("name", field.name).set("type", feast::type_name(field.type)));
  }
  return list;
}

Json view_json(const FeatureView& view) {
  return Json::object()
      .set("name", view.name)
      .set("keys", fields_json(view.keys))
      .set("features", fields_json(view.features))
      .set("ttl_s", view.ttl_s)
      .set("online", view.online)
      .set("source", source_text(view.batch))
      .set("timestamp_field", view.batch.timestamp_field)
      .set("push_source",
           view.stream.kind == Source::Kind::kPush ? Json(view.stream.name) : Json());
}

// What torii would take a service for: one entity's features, or interactions.
std::string role_of(const feast::Repo& repo, const feast::FeatureService& service) {
  const auto views = feast::resolve_service(repo, service.name);
  if (!views.ok()) return fmt::format("cannot be read: {}", views.error().message);
  const bool events =
      std::ranges::any_of(*views, [](const auto& view) { return view.keys.size() > 1; });
  if (events) return "interactions";
  const bool pushed = std::ranges::all_of(
      *views, [](const auto& view) { return view.view->stream.kind == Source::Kind::kPush; });
  if (pushed) return "written by `torii publish --store=feast:REPO`, or by others";
  return fmt::format("features by {}", views->front().keys.front().name);
}

// The lines for torii.yaml, where one service of each role is there.
std::string yaml_of(const feast::Repo& repo, const std::string& place) {
  std::string users, items, interactions, user_key, item_key;
  for (const feast::FeatureService& service : repo.registry.services) {
    const auto views = feast::resolve_service(repo, service.name);
    if (!views.ok() || role_of(repo, service) != "interactions") continue;
    interactions = service.name;
    for (const auto& view : *views) {
      if (view.keys.size() != 2) continue;
      for (const auto& key : view.keys) {
        (key.name.starts_with("user") || key.name.starts_with("customer") ? user_key : item_key) =
            key.name;
      }
    }
    break;
  }
  if (interactions.empty()) return {};
  for (const feast::FeatureService& service : repo.registry.services) {
    const std::string role = role_of(repo, service);
    if (users.empty() && role == "features by " + user_key) users = service.name;
    if (items.empty() && role == "features by " + item_key) items = service.name;
  }
  std::string text = fmt::format("data:\n  feast:\n    repo: {}\n", place);
  if (!users.empty()) text += fmt::format("    users: {}\n", users);
  if (!items.empty()) text += fmt::format("    items: {}\n", items);
  return text + fmt::format("    interactions: {}\n", interactions);
}

Result<void> show(Session& session, const FeastFlags& flags) {
  TORII_TRY(const std::string place, place_of(flags, "show"));
  TORII_TRY_VOID(check_config(session));
  TORII_TRY(const feast::Repo repo, data::read_feast_repo(place, session.environment()));
  const feast::RepoConfig& config = repo.config;
  std::string text =
      fmt::format("{}  project {}\n  registry  {}\n  online    {}\n  offline   {}\n",
                  session.strong(config.file), config.project, registry_text(config.registry),
                  config.online_type(), config.offline_type());
  Json views = Json::array();
  text += "\nFeature views\n";
  for (const FeatureView& view : repo.registry.views) {
    views.push(view_json(view));
    text += fmt::format(
        "  {}  by {}{}\n    {}\n    {}, time {}{}\n", session.strong(view.name),
        fields_text(view.keys), view.online ? "" : ", not online", fields_text(view.features),
        source_text(view.batch), view.batch.timestamp_field,
        view.stream.kind == Source::Kind::kPush ? fmt::format(", pushed by {}", view.stream.name)
                                                : std::string());
  }
  for (const std::string& name : repo.registry.other_views) {
    text += fmt::format("  {}  computed by Feast: torii does not read it\n", session.strong(name));
  }
  Json services = Json::array();
  text += "\nFeature services\n";
  for (const feast::FeatureService& service : repo.registry.services) {
    const std::string role = role_of(repo, service);
    std::vector<std::string> names;
    for (const auto& projection : service.projections) names.push_back(projection.view);
    text +=
        fmt::format("  {}  {}: {}\n", session.strong(service.name), fmt::join(names, ", "), role);
    Json of_service = Json::array();
    for (std::string& name : names) of_service.push(std::move(name));
    services.push(Json::object()
                      .set("name", service.name)
                      .set("views", std::move(of_service))
                      .set("role", role));
  }
  const std::string yaml = yaml_of(repo, place);
  if (!yaml.empty()) text += "\nIn torii.yaml:\n\n" + yaml;
  session.print(text);
  Json others = Json::array();
  for (const std::string& name : repo.registry.other_views) others.push(name);
  session.answer(Json::object()
                     .set("file", config.file)
                     .set("project", config.project)
                     .set("registry", registry_text(config.registry))
                     .set("online_store", config.online_type())
                     .set("offline_store", config.offline_type())
                     .set("views", std::move(views))
                     .set("other_views", std::move(others))
                     .set("services", std::move(services))
                     .set("torii_yaml", yaml.empty() ? Json() : Json(yaml)));
  return {};
}

Result<void> join(Session& session, const FeastFlags& flags) {
  TORII_TRY(const std::string place, place_of(flags, "join"));
  if (flags.service.empty()) return invalid("feast join: --service=NAME is missing");
  if (flags.out.empty()) return invalid("feast join: --out=FILE.parquet is missing");
  TORII_TRY_VOID(check_config(session));
  TORII_TRY_VOID(check_file_place(flags.out, "--out", "joined.parquet"));
  Stopwatch watch;
  TORII_TRY(const feast::Repo repo, data::read_feast_repo(place, session.environment()));
  TORII_TRY(ThreadPool * pool, session.pool());
  session.reporter().begin("join", 0, "rows");
  TORII_TRY(
      const data::Table table,
      data::join_feast_service(
          repo, flags.service,
          {.environment = &session.environment(), .pool = pool, .reporter = &session.reporter()}));
  TORII_TRY_VOID(data::write_parquet(flags.out, table));
  session.reporter().end(fmt::format("{} rows", grouped(table.rows())));
  watch.lap("join");
  session.print(fmt::format("{}  {} rows, {} columns, in {}\n", flags.out, grouped(table.rows()),
                            table.columns().size(), duration(watch.total())));
  Json columns = Json::array();
  for (const data::Column& column : table.columns()) columns.push(column.name);
  session.answer(Json::object()
                     .set("out", flags.out)
                     .set("rows", table.rows())
                     .set("columns", std::move(columns))
                     .set("seconds", watch.seconds()));
  return {};
}

void add_place(Verb& verb, FeastFlags& flags) {
  verb.positional("REPO", &flags.positional, "The repository's folder, or its feature_store.yaml.");
  verb.text("--repo", "REPO", &flags.repo, "The same as a flag.");
}

}  // namespace

void add_feast(Verb& root, CommonFlags& common) {
  Verb& parent = root.child("feast", "Looks into Feast repositories, and joins what is in them.");
  parent.usage("torii feast VERB [flags]");

  Verb& shown = parent.child("show", "Prints what a repository offers and how torii reads it.");
  auto show_flags = std::make_shared<FeastFlags>();
  shown.usage("torii feast show REPO [flags]");
  add_place(shown, *show_flags);
  declare_output(shown, common);
  shown.example("torii feast show feature_repo");
  shown.action([show_flags](Session& session) { return show(session, *show_flags); });

  Verb& joined = parent.child(
      "join", "Writes a service's events with all features as they were at each of them.");
  auto join_flags = std::make_shared<FeastFlags>();
  joined.usage("torii feast join REPO --service=NAME --out=FILE.parquet [flags]");
  add_place(joined, *join_flags);
  joined.text("--service", "NAME", &join_flags->service,
              "A feature service with one view of users and items, and views of either.");
  joined.text("--out", "FILE", &join_flags->out, "Parquet file to write: one row for each event.");
  declare_common(joined, common);
  joined.example("torii feast join feature_repo --service=training --out=joined.parquet");
  joined.action([join_flags](Session& session) { return join(session, *join_flags); });
}

}  // namespace torii::cli

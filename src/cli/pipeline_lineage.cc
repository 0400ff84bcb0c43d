#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <span>

#include "base/hash.h"
#include "blob/blob.h"
#include "cli/config.h"
#include "cli/pipeline_artifacts.h"
#include "cli/pipeline_run.h"
#include "store/store.h"

// `torii pipeline lineage`: of a run forward, of a publication back.
namespace torii::cli {
namespace {

using pipeline::ArtifactRecord;
using pipeline::RunRecord;

constexpr std::size_t kRunsSearched = 1000;
constexpr std::size_t kCachesFollowed = 100;
constexpr std::uint64_t kManifestBytesMax = std::uint64_t{64} << 20;
constexpr const char* kManifest = "bundle.json";

struct LineageFlags {
  std::string home = kPipelineHome;
  std::string lineage;
  std::string run;
  std::string store;
  std::string tenant = std::string(store::kDefaultTenant);
  std::int64_t version = 0;
};

std::string artifact_text(const ArtifactRecord& one) {
  if (one.is_value) return one.value;
  const bool is_input = one.role == ArtifactRecord::Role::kInput;
  return fmt::format(
      "{}  {} bytes  {}", one.stored.sha256.substr(0, 12), one.stored.bytes,
      without_passwords(is_input && !one.producer.empty() ? one.producer : one.stored.uri));
}

Result<void> show_run(Session& session, const LineageFlags& flags) {
  TORII_TRY(auto lineage, open_lineage(session, flags.home, flags.lineage));
  TORII_TRY(const RunRecord run, lineage.run(flags.run));
  TORII_TRY(const RunArtifacts made, RunArtifacts::open(lineage, run, session.environment()));
  TORII_TRY(const std::string status, status_now(lineage, flags.home, run));
  Json document = run_json(run, status);
  Json steps = Json::array();
  Json all = Json::array();
  for (const ArtifactRecord& one : made.all()) all.push(artifact_json(one));
  for (const pipeline::TaskRecord& task : made.tasks()) {
    steps.push(task_json(task));
    session.print(session.strong(fmt::format("{}  {}\n", task.name, task.status)));
    for (const ArtifactRecord& one : made.all()) {
      if (one.task != task.name) continue;
      session.print(fmt::format("  {} {:<20} {}\n",
                                one.role == ArtifactRecord::Role::kInput ? "<-" : "->", one.name,
                                artifact_text(one)));
    }
  }
  session.answer(document.set("tasks", std::move(steps)).set("artifacts", std::move(all)));
  return {};
}

// ---- from a publication back

Result<store::Publication> find_publication(store::Store& store, const LineageFlags& flags) {
  TORII_TRY(const auto publications, store.publications(flags.tenant));
  std::uint64_t version = static_cast<std::uint64_t>(flags.version);
  if (version == 0) {
    TORII_TRY(version, store.current_version(flags.tenant));
  }
  const auto found = std::ranges::find(publications, version, &store::Publication::version);
  if (found != publications.end()) return *found;
  if (version == 0) {
    return make_error(ErrorCode::kNotFound, "{}: nothing was published for the tenant '{}'",
                      store.shown(), flags.tenant);
  }
  std::vector<std::uint64_t> versions;
  versions.reserve(publications.size());
  for (const store::Publication& one : publications) versions.push_back(one.version);
  return make_error(ErrorCode::kNotFound, "{}: there is no version {} any more; there are: {}",
                    store.shown(), version, fmt::join(versions, ", "));
}

// The output that is the bundle of this id.
Result<std::optional<ArtifactRecord>> find_model(const RunArtifacts& made, const std::string& id) {
  for (const ArtifactRecord& one : made.all()) {
    if (one.role != ArtifactRecord::Role::kOutput || one.type != "Model") continue;
    const auto sha256 = made.sha256_of(one, kManifest);
    if (sha256.ok() && *sha256 == id) return std::optional(one);
    if (!sha256.ok() && sha256.error().code != ErrorCode::kNotFound) return sha256.error();
  }
  return std::optional<ArtifactRecord>{};
}

// The run that the publication names; else the newest before it that made its bundle.
Result<std::optional<RunRecord>> find_run(pipeline::LineageStore& lineage,
                                          const store::Publication& publication,
                                          const Environment& environment) {
  const Json* told = publication.lineage.find("pipeline");
  if (const auto id = told == nullptr ? std::nullopt : told->string_at("run")) {
    auto run = lineage.run(*id);
    if (run.ok()) return std::optional(*std::move(run));
    if (run.error().code != ErrorCode::kNotFound) return run.error();
  }
  TORII_TRY(const auto runs, lineage.runs(kRunsSearched));
  for (const RunRecord& run : runs) {
    if (run.started_ms > publication.created_ms) continue;
    TORII_TRY(const RunArtifacts made, RunArtifacts::open(lineage, run, environment));
    TORII_TRY(const auto model, find_model(made, publication.bundle_id));
    if (model) return std::optional(run);
  }
  return std::optional<RunRecord>{};
}

// Through caches to the run whose step made it.
Result<std::string> maker_of(pipeline::LineageStore& lineage, std::string run,
                             const std::string& task) {
  for (std::size_t i = 0; i < kCachesFollowed; ++i) {
    TORII_TRY(const auto tasks, lineage.tasks(run));
    const auto found = std::ranges::find(tasks, task, &pipeline::TaskRecord::name);
    if (found == tasks.end() || found->cached_from.empty()) break;
    run = found->cached_from;
  }
  return run;
}

// Settings and origin that are sealed in the bundle; null if its files are not there.
Json manifest_of(const Session& session, const store::Publication& publication) {
  const auto object = blob::open(publication.bundle_uri + "/" + kManifest, session.environment());
  if (!object.ok() || (*object)->size() > kManifestBytesMax) return {};
  std::string text((*object)->size(), '\0');
  if (!(*object)->read(0, std::as_writable_bytes(std::span(text))).ok()) return {};
  if (sha256_hex(text) != publication.bundle_id) return {};
  auto manifest = Json::parse(text, kManifest);
  return manifest.ok() ? *std::move(manifest) : Json();
}

// What came into the run: inputs from outside, and outputs of steps that read nothing of the run.
std::vector<ArtifactRecord> sources_of(const RunArtifacts& made) {
  std::vector<ArtifactRecord> sources;
  const auto reads_of_run = [&](const std::string& task) {
    return std::ranges::any_of(made.all(), [&](const ArtifactRecord& one) {
      return one.task == task && !one.producer.empty();
    });
  };
  for (const ArtifactRecord& one : made.all()) {
    const bool is_input = one.role == ArtifactRecord::Role::kInput;
    if (is_input ? !one.producer.empty() : reads_of_run(one.task)) continue;
    const bool known =
        is_input && std::ranges::any_of(sources, [&](const ArtifactRecord& other) {
          return other.stored.uri == one.stored.uri && other.stored.sha256 == one.stored.sha256;
        });
    if (!known) sources.push_back(one);
  }
  return sources;
}

Result<Json> run_part(Session& session, pipeline::LineageStore& lineage, const RunRecord& run,
                      const store::Publication& publication, const std::string& home) {
  TORII_TRY(const RunArtifacts made, RunArtifacts::open(lineage, run, session.environment()));
  TORII_TRY(const std::string status, status_now(lineage, home, run));
  Json document = run_json(run, status);
  session.print(fmt::format("run          {}  {}  {}, begun {} UTC\n", run.id, run.pipeline, status,
                            time_text(run.started_ms)));
  for (const auto& [name, value] : run.parameters) {
    session.print(fmt::format("  parameter  {} = {}\n", name, without_passwords(value)));
  }
  TORII_TRY(const auto model, find_model(made, publication.bundle_id));
  if (model) {
    TORII_TRY(const std::string maker, maker_of(lineage, run.id, model->task));
    session.print(fmt::format("  model      {}.{}  {}, made in run {}\n", model->task, model->name,
                              artifact_text(*model), maker));
    document.set("model", artifact_json(*model).set("made_in", maker));
  }
  Json sources = Json::array();
  for (const ArtifactRecord& one : sources_of(made)) {
    sources.push(artifact_json(one));
    session.print(fmt::format("  {:<10} {}.{}  {}\n", one.name == "config" ? "config" : "data",
                              one.task, one.name, artifact_text(one)));
  }
  return document.set("sources", std::move(sources));
}

Result<void> trace_back(Session& session, const LineageFlags& flags) {
  TORII_TRY_VOID(store::check_tenant(flags.tenant));
  TORII_TRY(const auto store, store::open(flags.store, session.environment(), {}));
  TORII_TRY(const store::Publication publication, find_publication(*store, flags));
  TORII_TRY(auto lineage, open_lineage(session, flags.home, flags.lineage));
  TORII_TRY(const auto run, find_run(lineage, publication, session.environment()));
  const Json manifest = manifest_of(session, publication);
  const Json* data = publication.lineage.find("data");
  session.print(
      session.strong(fmt::format("{}  version {}\n", store->shown(), publication.version)));
  session.print(fmt::format("published    {} UTC by {}\n", time_text(publication.created_ms),
                            publication.created_by));
  session.print(fmt::format("bundle       {}  {}\n", publication.bundle_id.substr(0, 12),
                            without_passwords(publication.bundle_uri)));
  if (data != nullptr) {
    session.print(fmt::format("data         {}  {} users, {} items, {} interactions\n",
                              data->string_at("fingerprint").value_or("unknown").substr(0, 12),
                              data->int_at("users").value_or(0), data->int_at("items").value_or(0),
                              data->int_at("interactions").value_or(0)));
  }
  Json document = Json::object();
  document.set("publication", Json::object()
                                  .set("store", store->shown())
                                  .set("tenant", flags.tenant)
                                  .set("version", publication.version)
                                  .set("created_ms", publication.created_ms)
                                  .set("created_by", publication.created_by)
                                  .set("bundle", publication.bundle_id)
                                  .set("fit", publication.fit_bundle_id)
                                  .set("bundle_uri", without_passwords(publication.bundle_uri))
                                  .set("gate", publication.gate)
                                  .set("lineage", publication.lineage));
  if (run) {
    TORII_TRY(Json part, run_part(session, lineage, *run, publication, flags.home));
    document.set("run", std::move(part));
  } else {
    document.set("run", Json());
    session.reporter().warn(
        "no run of this lineage published it; it was published by hand, or --home or --lineage is "
        "another one");
  }
  const Json* settings = manifest.find("settings");
  session.print(settings == nullptr
                    ? "settings     the files of the bundle are not there any more\n"
                    : "settings     sealed in the bundle; --json shows all of them\n");
  session.answer(document.set("settings", settings == nullptr ? Json() : *settings));
  return {};
}

Result<void> show_lineage(Session& session, const LineageFlags& flags) {
  TORII_TRY_VOID(check_config(session));
  if (flags.store.empty() && !flags.run.empty()) return show_run(session, flags);
  if (!flags.store.empty() && flags.run.empty()) return trace_back(session, flags);
  return invalid("pipeline lineage: name a run, or a publication by --store=URI [--version=N]");
}

}  // namespace

void add_pipeline_lineage(Verb& pipeline, CommonFlags& common) {
  auto flags = std::make_shared<LineageFlags>();
  Verb& verb = pipeline.child(
      "lineage", "Prints what each step of a run read and made, or where a publication came from.");
  verb.usage("torii pipeline lineage RUN [flags]");
  verb.usage("torii pipeline lineage --store=URI [--version=N] [flags]");
  verb.positional("RUN", &flags->run, "The run's id, or its beginning, or last.");
  verb.text("--store", "URI", &flags->store,
            "Instead of a run: the store of a publication, back to its run, model, data and "
            "settings.");
  verb.integer("--version", "N", &flags->version,
               "With --store: which one, as in the `model_version` of an answer; the current one "
               "unless told.");
  verb.text("--tenant", "NAME", &flags->tenant, "With --store: whose publication.");
  declare_home(verb, flags->home, flags->lineage);
  declare_output(verb, common);
  verb.example("torii pipeline lineage last");
  verb.example("torii pipeline lineage --store=sqlite:shop.db --version=12");
  verb.action([flags](Session& session) { return show_lineage(session, *flags); });
}

}  // namespace torii::cli

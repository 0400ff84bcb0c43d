#include <fmt/format.h>

#include <cstddef>
#include <memory>
#include <string>

#include "base/file.h"
#include "cli/cluster_access.h"
#include "cli/config.h"
#include "cli/verbs.h"
#include "model/bundle.h"
#include "pipeline/model_registry.h"

// `torii register`: enters a published model into a Kubeflow Model Registry.
namespace torii::cli {
namespace {

constexpr std::size_t kDocumentBytesMax = std::size_t{16} << 20;

struct RegisterFlags {
  std::string registry;
  std::string name = "torii";
  std::string bundle;
  std::string publication;
  std::string metrics;
  AccessFlags access;
};

// What a verb has written with --answer.
Result<Json> read_answer(const std::string& path, const char* flag) {
  auto text = read_file(path, kDocumentBytesMax);
  if (!text.ok()) return with_context(std::move(text).error(), flag);
  TORII_TRY(Json json, Json::parse(*text, path));
  if (json.is_object()) return json;
  return invalid("{}={}: expected an object as --answer writes it, found {}", flag, path,
                 json.type_name());
}

// "ndcg@10": 0.31 of the evaluation's test part, with what it was judged beside.
Result<void> add_metrics(const std::string& path, const std::string& bundle_id,
                         pipeline::RegistryEntry& entry) {
  TORII_TRY(const Json evaluation, read_answer(path, "--metrics"));
  const Json* metrics = evaluation.find("metrics");
  if (metrics == nullptr || !metrics->is_object()) {
    return invalid("--metrics={}: it has no 'metrics'; expected the answer of `torii evaluate`",
                   path);
  }
  if (const auto judged = evaluation.string_at("bundle"); judged && *judged != bundle_id) {
    return invalid("--metrics={}: they are of the bundle {}..., this is {}...", path,
                   judged->substr(0, 12), bundle_id.substr(0, 12));
  }
  for (const auto& [name, value] : metrics->as_object()) {
    if (value.is_number()) entry.properties[name] = value.as_double();
  }
  return {};
}

// Version, place and lineage out of the answer of `torii publish`.
Result<void> add_publication(const std::string& path, const model::Bundle& bundle,
                             pipeline::RegistryEntry& entry) {
  TORII_TRY(const Json publication, read_answer(path, "--publication"));
  const auto version = publication.int_at("version");
  const auto uri = publication.string_at("bundle_uri");
  const auto published = publication.string_at("bundle");
  if (!version || !uri || !published) {
    return invalid(
        "--publication={}: it has no version, bundle and bundle_uri; expected the answer of `torii "
        "publish`",
        path);
  }
  if (*published != bundle.id) {
    return invalid("--publication={}: the bundle {}... was published, this is {}...", path,
                   published->substr(0, 12), bundle.id.substr(0, 12));
  }
  entry.version = fmt::format("{}", *version);
  entry.artifacts.push_back({"bundle", *uri, "torii-bundle"});
  if (const auto encoder = publication.string_at("user_encoder")) {
    entry.artifacts.push_back({"user-encoder", *encoder, "safetensors"});
  }
  for (const char* fact : {"store", "tenant", "fit"}) {
    if (const auto text = publication.string_at(fact)) entry.properties[fact] = *text;
  }
  for (const char* fact : {"users", "items"}) {
    if (const auto count = publication.int_at(fact)) {
      entry.properties[fact] = static_cast<double>(*count);
    }
  }
  return {};
}

Result<pipeline::RegistryEntry> entry_of(const RegisterFlags& flags) {
  TORII_TRY(const model::Bundle bundle, model::open_bundle(flags.bundle));
  pipeline::RegistryEntry entry;
  entry.model = flags.name;
  entry.model_description = "Two-tower recommender, trained and published by torii.";
  entry.identity = "bundle";
  entry.properties["bundle"] = bundle.id;
  for (const char* fact : {"torii", "data", "preset", "split", "train_fingerprint"}) {
    if (const auto text = bundle.provenance.string_at(fact)) entry.properties[fact] = *text;
  }
  TORII_TRY_VOID(add_publication(flags.publication, bundle, entry));
  if (!flags.metrics.empty()) {
    TORII_TRY_VOID(add_metrics(flags.metrics, bundle.id, entry));
  }
  entry.description = fmt::format("bundle {}", bundle.id.substr(0, 12));
  return entry;
}

Result<void> run(Session& session, const RegisterFlags& flags) {
  for (const auto& [flag, value] :
       {std::pair("--registry=URL", &flags.registry), std::pair("--bundle=BUNDLE", &flags.bundle),
        std::pair("--publication=FILE", &flags.publication)}) {
    if (value->empty()) return invalid("register: {} is missing", flag);
  }
  if (flags.name.empty()) return invalid("register: --name is empty: the model's name there");
  TORII_TRY_VOID(check_config(session));
  TORII_TRY(const pipeline::RegistryEntry entry, entry_of(flags));
  pipeline::ClusterAccess access{.host = flags.registry};
  access.trusted = flags.access.ca;
  set_token(session, flags.access, kAccountToken, access);
  pipeline::ClusterApi api(session.environment(), access, session.reporter());
  TORII_TRY(const pipeline::Registered done, pipeline::enter_version(api, entry));
  session.print(fmt::format("{}  version {} {}\n", entry.model, entry.version,
                            done.is_new ? "is entered" : "was there already"));
  Json artifacts = Json::array();
  for (const std::string& id : done.artifact_ids) artifacts.push(id);
  session.answer(Json::object()
                     .set("model", entry.model)
                     .set("version", entry.version)
                     .set("model_id", done.model_id)
                     .set("version_id", done.version_id)
                     .set("artifact_ids", std::move(artifacts))
                     .set("new", done.is_new));
  return {};
}

}  // namespace

void add_register(Verb& root, CommonFlags& common) {
  Verb& verb = root.child("register", "Enters a published model into a Kubeflow Model Registry.");
  auto flags = std::make_shared<RegisterFlags>();
  verb.usage(
      "torii register --registry=URL --bundle=BUNDLE --publication=FILE [--metrics=FILE] [flags]");
  verb.text("--registry", "URL", &flags->registry, "Its address: https://HOST[:PORT][/PATH].");
  verb.text("--name", "NAME", &flags->name, "The model's name there; torii unless told.");
  verb.text("--bundle", "BUNDLE", &flags->bundle, "The bundle that was published.");
  verb.text("--publication", "FILE", &flags->publication,
            "What `torii publish --answer=FILE` wrote: version, place and store.");
  verb.text("--metrics", "FILE", &flags->metrics,
            "What `torii evaluate --answer=FILE` wrote: the metrics become properties.");
  declare_token(verb, flags->access);
  declare_output(verb, common);
  verb.example(
      "torii register --registry=https://registry.example.org --bundle=shop.bundle "
      "--publication=published.json --metrics=metrics.json");
  verb.action([flags](Session& session) { return run(session, *flags); });
}

}  // namespace torii::cli

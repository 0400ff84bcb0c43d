#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/metric.h"
#include "cli/gating.h"
#include "cli/layout.h"
#include "cli/lineage.h"
#include "cli/loading.h"
#include "cli/program_version.h"
#include "cli/publishing.h"
#include "cli/scoring.h"
#include "cli/verbs.h"
#include "publish/attributes.h"
#include "publish/bundle_place.h"
#include "publish/candidate_files.h"
#include "publish/publication.h"
#include "publish/user_encoder.h"
#include "store/store.h"

namespace torii::cli {
namespace {

struct PublishFlags {
  std::string bundle;
  std::string fit;
  std::string data;
  std::string store;
  std::string tenant = std::string(store::kDefaultTenant);
  std::string must_beat = kMustBeatNothing;
  std::vector<std::string> candidates;
  std::int64_t k = 64;
  bool force = false;
};

// Where the publication's data, model and settings come from.
Json lineage_of(const Session& session, const JudgedBundles& bundles, const data::Dataset& dataset,
                const std::optional<Json>& records, const PublishFlags& flags) {
  const Config& config = *bundles.published.config;
  Json lineage = Json::object();
  lineage.set("torii", program_version())
      .set("data", Json::object()
                       .set("fingerprint", dataset.fingerprint)
                       .set("users", dataset.users.size())
                       .set("items", dataset.items.size())
                       .set("interactions", dataset.interactions.size()))
      .set("bundle", bundles.published.bundle.provenance);
  if (records) lineage.set("records", *records);
  if (bundles.other_fit) lineage.set("fit", bundles.other_fit->bundle.provenance);
  if (const Json settings = config.set.current(); const Json* own = settings.find("publish")) {
    lineage.set("publish", *own);
  }
  if (!flags.candidates.empty()) {
    Json files = Json::array();
    for (const std::string& file : flags.candidates) files.push(file);
    lineage.set("candidates", std::move(files));
  }
  // As a step of a pipeline it is told whose: `torii pipeline lineage --store` leads back.
  const Environment& environment = session.environment();
  if (const auto run = environment.find("TORII_PIPELINE_RUN"); run != environment.end()) {
    const auto task = environment.find("TORII_PIPELINE_TASK");
    lineage.set("pipeline", Json::object()
                                .set("run", run->second)
                                .set("task", task == environment.end() ? "" : task->second));
  }
  return lineage;
}

// Records up to this are part of the data, if they are this store's.
std::uint64_t records_seq(const std::optional<Json>& records, const store::Store& store,
                          const std::string& tenant) {
  if (!records || records->string_at("store") != store.shown()) return 0;
  if (records->string_at("tenant") != tenant) return 0;
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, records->int_at("seq").value_or(0)));
}

// The bundles at the place of publications; both, so that the next gate can judge by the fit.
Result<void> copy_bundles(const Session& session, const JudgedBundles& bundles,
                          const PublishFlags& flags, const std::string& place,
                          store::Publication& info) {
  const Environment& environment = session.environment();
  TORII_TRY(info.bundle_uri,
            publish::copy_bundle(flags.bundle, bundles.published.bundle.id, place, environment));
  info.fit_bundle_uri = info.bundle_uri;
  if (bundles.fit() == nullptr) {
    info.fit_bundle_uri.clear();
  } else if (bundles.other_fit) {
    TORII_TRY(info.fit_bundle_uri,
              publish::copy_bundle(bundles.fit_path, bundles.fit_id, place, environment));
  }
  return {};
}

Result<void> check_still_current(store::Store& store, const PublishFlags& flags,
                                 std::uint64_t version_judged) {
  TORII_TRY(const std::uint64_t version, store.current_version(flags.tenant));
  if (version == version_judged || flags.force) return {};
  return make_error(ErrorCode::kCheckFailed,
                    "publish: version {} became current while this one was made, which was not "
                    "judged beside it; publish again",
                    version);
}

Result<GateOutcome> pass_publish_gate(Session& session, const PublishFlags& flags,
                                      const JudgedBundles& bundles, store::Store& store) {
  return pass_gate(session, {.store = &store,
                             .tenant = flags.tenant,
                             .data_folder = flags.data,
                             .published = &bundles.published,
                             .fit = bundles.fit(),
                             .fit_path = bundles.fit_path,
                             .scratch = scratch_folder(session),
                             .force = flags.force,
                             .must_beat = flags.must_beat});
}

// The lists of files, or lists made now, with everything else that is published.
Result<publish::Written> write_draft(Session& session, const PublishFlags& flags,
                                     const OpenBundle& published, data::Dataset& dataset,
                                     std::size_t k, store::Draft& draft) {
  TORII_TRY(ThreadPool * pool, session.pool());
  std::optional<publish::CandidateLists> lists;
  if (!flags.candidates.empty()) {
    TORII_TRY(lists, publish::read_candidate_files(flags.candidates, dataset, session.environment(),
                                                   *pool, session.reporter()));
  }
  const model::Bundle& bundle = published.bundle;
  return publish::fill_draft(draft,
                             {.bundle = &bundle,
                              .dataset = &dataset,
                              .texts = published.texts.get(),
                              .lists = lists ? &*lists : nullptr,
                              .k = k,
                              .item_separators = publish::separators_of(bundle.spec.item),
                              .user_separators = publish::separators_of(bundle.spec.user)},
                             *pool, session.reporter());
}

// What the store keeps of the model that it serves; bundles, records and lineage come to it later.
store::Publication describe_publication(const Session& session, const JudgedBundles& bundles,
                                        const GateOutcome& gate, std::size_t k) {
  const model::Bundle& bundle = bundles.published.bundle;
  store::Publication info;
  info.bundle_id = bundle.id;
  info.fit_bundle_id = bundles.fit_id;
  info.metric = metric_name(bundle.model.metric);
  info.width = bundle.item_embeddings.cols();
  info.text_width = bundle.spec.item.text.empty() ? 0 : bundle.spec.text_width;
  info.k = k;
  info.created_ms = now_ms();
  info.created_by = who(session);
  info.gate = gate.document;
  info.marks_bought = true;
  return info;
}

// Its place; empty if none is wanted.
Result<std::string> place_user_encoder(const Session& session, const OpenBundle& published,
                                       std::uint64_t version) {
  const std::string& place = published.config->publish.user_encoder;
  if (place.empty()) return std::string();
  auto encoder = publish::write_user_encoder(published.bundle, version, place,
                                             scratch_folder(session), session.environment());
  if (encoder.ok()) return encoder;
  return with_context(std::move(encoder).error(),
                      fmt::format("version {} is current, but its user encoder could not be "
                                  "written",
                                  version));
}

// What was done, for the answer.
struct PublishDone {
  std::uint64_t version = 0;
  store::Publication info;
  publish::Written written;
  std::string user_encoder;
};

Json publication_json(const PublishFlags& flags, const store::Store& store,
                      const PublishDone& done) {
  Json document = Json::object();
  document.set("store", store.shown())
      .set("tenant", flags.tenant)
      .set("version", done.version)
      .set("bundle", done.info.bundle_id)
      .set("fit", done.info.fit_bundle_id)
      .set("bundle_uri", done.info.bundle_uri)
      .set("users", done.written.users)
      .set("items", done.written.items)
      .set("entries", done.written.entries)
      .set("new_items", done.written.new_items)
      .set("records_seq", done.info.records_seq)
      .set("roles", done.info.roles);
  if (!done.user_encoder.empty()) document.set("user_encoder", done.user_encoder);
  document.set("gate", done.info.gate);
  return document;
}

Result<void> tell_published(Session& session, const PublishFlags& flags,
                            const PublishedStore& opened, const data::Dataset& dataset,
                            const PublishDone& done, const Stopwatch& watch) {
  session.print(fmt::format("{}  version {}{}: {} users, {} items, bundle {}, in {}\n",
                            opened.store->shown(), done.version,
                            flags.tenant == store::kDefaultTenant ? "" : " of " + flags.tenant,
                            grouped(done.written.users), grouped(done.written.items),
                            done.info.bundle_id.substr(0, 12), duration(watch.total())));
  session.print(views_text(opened));
  Json document = publication_json(flags, *opened.store, done);
  set_views(document, opened);
  set_findings(document, dataset);
  document.set("seconds", watch.seconds());
  if (auto kept = find_kept(opened)) return session.refuse(document, *std::move(kept));
  session.answer(document);
  return {};
}

Result<void> run(Session& session, const PublishFlags& flags) {
  if (flags.bundle.empty()) return invalid("publish: --bundle=BUNDLE is missing");
  if (flags.store.empty()) return invalid("publish: --store=URI is missing: where to publish");
  TORII_TRY_VOID(store::check_tenant(flags.tenant));
  Stopwatch watch;
  TORII_TRY(JudgedBundles bundles, open_judged_bundles(session, {.bundle = flags.bundle,
                                                                 .fit = flags.fit,
                                                                 .data = flags.data,
                                                                 .force = flags.force}));
  const Config& config = *bundles.published.config;
  TORII_TRY(const std::size_t k, check_k(session.given("--k") ? flags.k : config.publish.k));
  TORII_TRY(const std::string place, publish::bundle_place(config.publish.bundles, flags.store));
  TORII_TRY(const PublishedStore opened_store,
            open_published(session, flags.store, config.publish, scratch_folder(session)));
  store::Store& store = *opened_store.store;

  TORII_TRY(GateOutcome gate, pass_publish_gate(session, flags, bundles, store));
  data::Dataset& dataset = gate.judgement.loaded.dataset;
  find_missing_columns(session, bundles.published.bundle.spec, dataset);
  TORII_TRY(const auto records, records_of_data(session, config));
  TORII_TRY(Json roles, publish::find_roles(dataset.item_table, config.publish.columns));
  watch.lap("gate");

  TORII_TRY(const auto draft, store.begin_publication(flags.tenant));
  PublishDone done;
  TORII_TRY(done.written, write_draft(session, flags, bundles.published, dataset, k, *draft));
  watch.lap("write");

  done.info = describe_publication(session, bundles, gate, k);
  done.info.records_seq = records_seq(records, store, flags.tenant);
  done.info.lineage = lineage_of(session, bundles, dataset, records, flags);
  done.info.roles = std::move(roles);
  TORII_TRY_VOID(copy_bundles(session, bundles, flags, place, done.info));
  watch.lap("bundle");
  TORII_TRY_VOID(check_still_current(store, flags, gate.current_version));
  TORII_TRY(done.version, draft->commit(done.info));
  watch.lap("commit");
  // Should a gc have taken them for left over just before.
  TORII_TRY_VOID(copy_bundles(session, bundles, flags, place, done.info));
  TORII_TRY(done.user_encoder, place_user_encoder(session, bundles.published, done.version));
  watch.lap("check");
  return tell_published(session, flags, opened_store, dataset, done, watch);
}

}  // namespace

void add_publish(Verb& root, CommonFlags& common) {
  Verb& verb = root.child("publish", "Puts a model and its lists into service, after a gate.");
  auto flags = std::make_shared<PublishFlags>();
  verb.usage("torii publish --bundle=BUNDLE --data=DIR | --config=FILE --store=URI [flags]");
  verb.text("--bundle", "BUNDLE", &flags->bundle, "The trained model to publish.");
  verb.text("--data", "DIR", &flags->data,
            "Folder with today's tables, as for `torii train`; often one of `torii load`.");
  verb.text("--store", "URI", &flags->store,
            "sqlite:FILE, postgres://... or redis://...; an empty place is set up. feast:REPO: the "
            "online store of a Feast repository, for Feast's own clients (publish.feast).");
  verb.text("--fit", "BUNDLE", &flags->fit,
            "If the bundle is a refit: the one that it was made from, which is judged for it.");
  verb.texts("--candidates", "FILE", &flags->candidates,
             "Lists that `torii candidates` made with this bundle and data; once for each shard. "
             "Made now unless told.");
  verb.integer("--k", "N", &flags->k, "Items for each user; publish.k (64) unless told.");
  verb.text("--tenant", "NAME", &flags->tenant, "Whose shop it is; 'default' unless told.");
  declare_must_beat(verb, flags->must_beat);
  verb.flag("--force", &flags->force,
            "Publishes whatever the gate says; the publication keeps that it was forced.");
  declare_common(verb, common);
  verb.example("torii publish --bundle=shop.bundle --data=shop --store=sqlite:shop.db");
  verb.example(
      "torii publish --bundle=refit.bundle --fit=shop.bundle --data=night --store=sqlite:shop.db");
  verb.example("torii publish --bundle=shop.bundle --data=shop --store=feast:feature_repo");
  verb.action([flags](Session& session) { return run(session, *flags); });
}

}  // namespace torii::cli

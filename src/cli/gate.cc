#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>

#include "cli/gating.h"
#include "cli/layout.h"
#include "cli/publishing.h"
#include "cli/verbs.h"
#include "store/store.h"

// `torii gate`: what `torii publish` asks before it publishes, as a step of its own.
namespace torii::cli {
namespace {

struct GateFlags {
  std::string bundle;
  std::string fit;
  std::string data;
  std::string store;
  std::string tenant = std::string(store::kDefaultTenant);
  std::string must_beat = kMustBeatNothing;
};

Result<void> run(Session& session, const GateFlags& flags) {
  if (flags.bundle.empty()) return invalid("gate: --bundle=BUNDLE is missing");
  TORII_TRY_VOID(store::check_tenant(flags.tenant));
  const Stopwatch watch;
  TORII_TRY(
      const JudgedBundles bundles,
      open_judged_bundles(session, {.bundle = flags.bundle, .fit = flags.fit, .data = flags.data}));
  const Config& config = *bundles.published.config;
  const std::filesystem::path scratch = scratch_folder(session);
  PublishedStore opened;
  if (!flags.store.empty()) {
    TORII_TRY(opened, open_published(session, flags.store, config.publish, scratch));
  }
  TORII_TRY(const GateOutcome gate, pass_gate(session, {.store = opened.store.get(),
                                                        .tenant = flags.tenant,
                                                        .data_folder = flags.data,
                                                        .published = &bundles.published,
                                                        .fit = bundles.fit(),
                                                        .fit_path = bundles.fit_path,
                                                        .scratch = scratch,
                                                        .must_beat = flags.must_beat,
                                                        .publishes = false}));
  const bool judged = gate.document.find("passed") != nullptr;
  session.print(judged ? fmt::format("passed, in {}\n", duration(watch.total()))
                       : std::string("nothing was judged\n"));
  session.answer(Json::object()
                     .set("bundle", bundles.published.bundle.id)
                     .set("gate", gate.document)
                     .set("seconds", watch.total()));
  return {};
}

}  // namespace

void add_gate(Verb& root, CommonFlags& common) {
  Verb& verb =
      root.child("gate", "Judges a model as `torii publish` would, and publishes nothing.");
  auto flags = std::make_shared<GateFlags>();
  verb.usage("torii gate --bundle=BUNDLE --data=DIR | --config=FILE [--store=URI] [flags]");
  verb.text("--bundle", "BUNDLE", &flags->bundle, "The trained model to judge.");
  verb.text("--fit", "BUNDLE", &flags->fit,
            "If the bundle is a refit: the one that it was made from, which is judged for it.");
  verb.text("--data", "DIR", &flags->data,
            "Folder with today's tables, as for `torii train`; often one of `torii load`.");
  verb.text("--store", "URI", &flags->store,
            "Where the model in service is published, which is judged beside; popularity alone "
            "unless told.");
  verb.text("--tenant", "NAME", &flags->tenant, "Whose shop it is; 'default' unless told.");
  declare_must_beat(verb, flags->must_beat);
  declare_common(verb, common);
  verb.example("torii gate --bundle=shop.bundle --data=shop --store=sqlite:shop.db");
  verb.action([flags](Session& session) { return run(session, *flags); });
}

}  // namespace torii::cli

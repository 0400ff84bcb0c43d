#include <fmt/format.h>

#include <memory>
#include <utility>

#include "base/cpu.h"
#include "base/hash.h"
#include "cli/config.h"
#include "cli/layout.h"
#include "cli/loading.h"
#include "cli/refit.h"
#include "cli/training.h"
#include "cli/verbs.h"

namespace torii::cli {
namespace {

struct TrainFlags {
  std::string data;
  std::string preset = "default";
  std::string split;
  std::string out;
  std::string refit;
  std::string refit_on = "all";
  std::int64_t seed = 0;
  bool resume = false;
};

Result<std::unique_ptr<Config>> config_of(Session& session, const TrainFlags& flags) {
  if (flags.refit.empty()) {
    if (session.given("--refit-on")) return invalid("--refit-on belongs to --refit=BUNDLE");
    return load_config(session, {.preset = flags.preset, .data_folder = flags.data});
  }
  for (const char* flag : {"--preset", "--split", "--seed"}) {
    if (!session.given(flag)) continue;
    return invalid("{}: a refit takes it from the bundle; leave it out, or train without --refit",
                   flag);
  }
  return refit_config(session, flags.refit, flags.refit_on, flags.data);
}

Result<void> run(Session& session, const TrainFlags& flags) {
  if (flags.out.empty())
    return invalid("train: --out=BUNDLE is missing: where to write the bundle");
  TORII_TRY(const auto config, config_of(session, flags));
  if (session.given("--split")) {
    config->evaluate.split = flags.split;
    config->split_given = true;
  }
  if (session.given("--seed")) TORII_TRY_VOID(set_seed(*config, flags.seed));
  TORII_TRY(
      const Trained trained,
      train_bundle(session, *config, flags.refit.empty() ? flags.preset : config->refit->preset,
                   flags.out, flags.resume ? KeepCheckpoints::kResume : KeepCheckpoints::kYes));
  session.print(trained.summary);
  session.answer(trained.document);
  return {};
}

}  // namespace

void add_train(Verb& root, CommonFlags& common) {
  Verb& verb = root.child("train", "Learns both towers from your data and writes a bundle.");
  auto flags = std::make_shared<TrainFlags>();
  verb.usage("torii train --data=DIR | --config=FILE --out=BUNDLE [flags]");
  verb.text("--data", "DIR", &flags->data,
            "Folder with interactions.parquet, and users.parquet and items.parquet if there are "
            "any (CSV works too).");
  verb.text("--out", "BUNDLE", &flags->out,
            "Folder to write; a bundle of that name is replaced, anything else is refused.");
  verb.text("--preset", "NAME", &flags->preset,
            "default: features and ids, softmax over sampled negatives. article: the network, loss "
            "and optimizer of the two-tower article.");
  verb.text("--split", "SPEC", &flags->split,
            "Rows to train on: loo, time:0.8/0.1/0.1, random:0.8/0.1/0.1, cold-items, cold-users, "
            "column:NAME, none. The "
            "valid part selects the epoch; the test part is not touched. Unless told: "
            "evaluate.split of the "
            "configuration, which is random:0.8/0.1/0.1 (article: none), or none if there are too "
            "few rows "
            "for that.");
  verb.integer("--seed", "N", &flags->seed, "Same seed, data and threads: same bundle bytes.");
  verb.text(
      "--refit", "BUNDLE", &flags->refit,
      "Trains anew with the settings of this bundle and as many epochs as were best there, on "
      "the rows of --refit-on. For the model that is published after its fit was judged.");
  verb.text("--refit-on", "PARTS", &flags->refit_on,
            "all, or train+valid, which leaves the test part to be judged by; all unless told.");
  verb.flag(
      "--resume", &flags->resume,
      "Goes on from the checkpoint of a run that was stopped or killed (BUNDLE.checkpoint); from "
      "the beginning if there is none.");
  declare_common(verb, common);
  verb.example("torii train --data=shop --out=shop.bundle");
  verb.example("torii train --data=shop --out=shop.bundle --resume");
  verb.example("torii train --config=torii.yaml --preset=article --split=loo --out=article.bundle");
  verb.example("torii train --refit=shop.bundle --data=shop --out=published.bundle");
  verb.action([flags](Session& session) { return run(session, *flags); });
}

}  // namespace torii::cli

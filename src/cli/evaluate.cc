#include <fmt/format.h>

#include <memory>
#include <optional>
#include <utility>

#include "cli/judging.h"
#include "cli/layout.h"
#include "cli/loading.h"
#include "cli/overlap.h"
#include "cli/reporting.h"
#include "cli/scoring.h"
#include "cli/verbs.h"
#include "evaluate/evaluate.h"

namespace torii::cli {
namespace {

struct EvaluateFlags {
  std::string bundle;
  std::string baseline;
  std::string data;
  std::string split;
  std::string k;
  std::string part = "test";
  std::int64_t seed = 0;
  std::string report;
  bool report_ids = false;
};

Result<data::Part> parse_part(const std::string& text) {
  if (text == "test") return data::Part::kTest;
  if (text == "valid") return data::Part::kValid;
  return invalid("--part: expected test or valid, found '{}'", text);
}

// What is judged: a bundle, or a baseline by its name.
struct Judged {
  std::optional<OpenBundle> opened;
  std::unique_ptr<Config> baseline_config;
  [[nodiscard]] Config& config() { return opened ? *opened->config : *baseline_config; }
};

Result<Judged> open_judged(Session& session, const EvaluateFlags& flags) {
  if (flags.bundle.empty() == flags.baseline.empty()) {
    return invalid("evaluate: give either --bundle=BUNDLE or --baseline=NAME");
  }
  Judged judged;
  if (flags.bundle.empty()) {
    TORII_TRY_VOID(check_baseline(flags.baseline));
    TORII_TRY(judged.baseline_config, load_config(session, {.data_folder = flags.data}));
  } else {
    TORII_TRY(judged.opened, open_for_data(session, flags.bundle, flags.data, "train.seed"));
  }
  Config& config = judged.config();
  if (session.given("--split")) config.evaluate.split = flags.split;
  if (session.given("--seed")) {
    TORII_TRY_VOID(config.set.apply_assignment(fmt::format("train.seed={}", flags.seed)));
  }
  for (const std::string& name : config.evaluate.baselines) TORII_TRY_VOID(check_baseline(name));
  return judged;
}

// `embedded` is filled where there is a bundle.
Result<evaluate::Report> judge(Session& session, const Judged& judged, const Config& config,
                               const EvaluateFlags& flags, const Judgement& judgement,
                               Embedded& embedded) {
  if (judged.opened) {
    TORII_TRY(embedded, embed_data(session, *judged.opened, judgement.loaded.dataset));
    return judge_bundle(session, *judged.opened, judgement, embedded);
  }
  TORII_TRY(ThreadPool * pool, session.pool());
  return evaluate::make_baseline_report(flags.baseline, judgement.task, judgement.loaded.dataset,
                                        config.evaluate,
                                        static_cast<std::uint64_t>(config.train.seed), *pool);
}

// The report's own document, completed by what the other parts of the call know.
Json document_of(const evaluate::Report& report, const Judged& judged, const Config& config,
                 const EvaluateFlags& flags, const data::Dataset& dataset, double load_seconds,
                 double total_seconds) {
  Json document = evaluate::to_json(report);
  document.set("model", report.subject.name);
  if (judged.opened) document.set("bundle", judged.opened->bundle.id);
  document.set("split", config.evaluate.split).set("part", flags.part);
  if (!flags.report.empty()) document.set("report", flags.report);
  set_findings(document, dataset);
  Json seconds = *document.find("seconds");
  seconds.set("load", load_seconds).set("total", total_seconds);
  return document.set("seconds", std::move(seconds));
}

Result<void> run(Session& session, const EvaluateFlags& flags) {
  const Stopwatch watch;
  TORII_TRY(const data::Part target, parse_part(flags.part));
  if (flags.report_ids && flags.report.empty()) {
    return invalid("--report-ids: there is no report to show ids in; give --report=FILE");
  }
  if (!flags.report.empty()) {
    TORII_TRY_VOID(check_file_place(flags.report, "--report", "report.html"));
  }
  TORII_TRY(Judged judged, open_judged(session, flags));
  Config& config = judged.config();
  if (session.given("--k")) config.evaluate.k = {flags.k};
  TORII_TRY(const std::vector<int> ks,
            parse_ks(fmt::format("{}", fmt::join(config.evaluate.k, ","))));
  config.evaluate.k.clear();
  for (const int k : ks) config.evaluate.k.push_back(fmt::format("{}", k));
  if (config.evaluate.split == "none") {
    return invalid(
        "evaluate: split 'none' leaves no rows to judge by{}; give --split=SPEC, for example "
        "--split=loo",
        judged.opened && !session.given("--split") ? " (the bundle was trained on all rows)" : "");
  }
  TORII_TRY(Judgement judgement,
            pose_task(session, config, target,
                      judged.opened ? &judged.opened->bundle.provenance : nullptr));
  if (judged.opened) {
    find_missing_columns(session, judged.opened->bundle.spec, judgement.loaded.dataset);
  }
  const double load_seconds = watch.total();
  Embedded embedded;
  TORII_TRY(const evaluate::Report report,
            judge(session, judged, config, flags, judgement, embedded));
  session.print(fmt::format("split {}, {} part; ", config.evaluate.split, flags.part) +
                evaluate::to_text(report));
  if (!flags.report.empty()) {
    TORII_TRY_VOID(write_report(
        session, {.path = flags.report,
                  .subject = judged.opened ? bundle_name(flags.bundle) : flags.baseline,
                  .part = flags.part,
                  .config = &config,
                  .judgement = &judgement,
                  .report = &report,
                  .opened = judged.opened ? &*judged.opened : nullptr,
                  .embedded = &embedded,
                  .seconds = {{"load", load_seconds}, {"total", watch.total()}},
                  .user_ids = flags.report_ids}));
    session.print(
        fmt::format("{}  the report: one page, to be opened in any browser\n", flags.report));
  }
  session.answer(document_of(report, judged, config, flags, judgement.loaded.dataset, load_seconds,
                             watch.total()));
  return {};
}

}  // namespace

void add_evaluate(Verb& root, CommonFlags& common) {
  Verb& verb = root.child("evaluate", "Ranks all unseen items for held-out users and measures it.");
  auto flags = std::make_shared<EvaluateFlags>();
  verb.usage("torii evaluate --bundle=BUNDLE | --baseline=NAME --data=DIR | --config=FILE [flags]");
  verb.text("--bundle", "BUNDLE", &flags->bundle, "The trained model to judge.");
  verb.text("--baseline", "NAME", &flags->baseline,
            "Judge a simple method instead: popularity, item-knn.");
  verb.text("--data", "DIR", &flags->data, "Folder with the tables, as for `torii train`.");
  verb.text("--split", "SPEC", &flags->split,
            "loo, time:0.8/0.1/0.1, random:0.8/0.1/0.1 or column:NAME; the bundle's own unless "
            "told.");
  verb.text("--part", "NAME", &flags->part,
            "test (history: train and valid rows) or valid (history: train rows).");
  verb.text("--k", "LIST", &flags->k, "Lengths of the list that are judged, for example 5,10,20.");
  verb.integer("--seed", "N", &flags->seed,
               "Of random splits and of the order of equal scores; the bundle's own unless told.");
  verb.text("--report", "FILE", &flags->report,
            "Also writes a report for people: one HTML page that loads nothing.");
  verb.flag("--report-ids", &flags->report_ids,
            "Shows the ids of the sample people in the report; they are numbered unless told.");
  declare_common(verb, common);
  verb.example("torii evaluate --bundle=shop.bundle --data=shop --k=5,10,20");
  verb.example("torii evaluate --bundle=shop.bundle --data=shop --report=report.html");
  verb.example("torii evaluate --baseline=item-knn --data=shop --split=loo --json");
  verb.action([flags](Session& session) { return run(session, *flags); });
}

}  // namespace torii::cli

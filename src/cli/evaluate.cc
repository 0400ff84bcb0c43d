#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "cli/evaluation_text.h"
#include "cli/judging.h"
#include "cli/layout.h"
#include "cli/loading.h"
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
  std::string segments;
  std::vector<std::string> against;
  std::string part = "test";
  std::int64_t seed = 0;
  std::string report;
  bool report_ids = false;
};

// "a,b" -> a, b
std::vector<std::string> pieces_of(std::string_view text) {
  std::vector<std::string> pieces;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    if (comma > 0) pieces.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return pieces;
}

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
  if (session.given("--segments")) config.evaluate.segments = pieces_of(flags.segments);
  for (const std::string& name : config.evaluate.baselines) TORII_TRY_VOID(check_baseline(name));
  return judged;
}

// The bundles of --against, with what they need.
Result<std::vector<OpenBundle>> open_rivals(Session& session, const EvaluateFlags& flags) {
  std::vector<OpenBundle> rivals;
  std::set<std::string> paths = {flags.bundle};
  for (const std::string& path : flags.against) {
    if (!paths.insert(path).second) {
      return invalid("--against={}: this bundle takes part already", path);
    }
    TORII_TRY(OpenBundle rival, open_for_data(session, path, flags.data, "train.seed"));
    rivals.push_back(std::move(rival));
  }
  return rivals;
}

// Whether a bundle may be judged by these rows, and whether it reads its columns there.
Result<void> check_bundle(Session& session, const std::string& path, const OpenBundle& opened,
                          Judgement& judgement) {
  const Json& provenance = opened.bundle.provenance;
  TORII_TRY_VOID(check_unseen(session, path, provenance, judgement));
  find_missing_columns(session, opened.bundle.spec, judgement.loaded.dataset);
  return {};
}

// `embedded` is filled where there is a bundle: the report shows its lists.
Result<evaluate::Report> judge(Session& session, const Judged& judged, const Config& config,
                               const EvaluateFlags& flags, const std::vector<OpenBundle>& opened,
                               const Judgement& judgement, Embedded& embedded) {
  std::vector<BundleRanker> rivals;
  std::vector<const evaluate::Ranker*> rankers;
  for (std::size_t i = 0; i < opened.size(); ++i) {
    TORII_TRY(BundleRanker rival,
              make_bundle_ranker(session, opened[i], judgement, flags.against[i]));
    rivals.push_back(std::move(rival));
    rankers.push_back(rivals.back().ranker.get());
  }
  if (judged.opened) {
    TORII_TRY(BundleRanker subject, make_bundle_ranker(session, *judged.opened, judgement));
    auto report = judge_ranker(session, config, judgement, *subject.ranker, rankers);
    embedded = std::move(subject.embedded);
    return report;
  }
  return judge_baseline(session, config, judgement, flags.baseline, rankers);
}

// The report's own document, completed by what the other parts of the call know.
Json document_of(const evaluate::Report& report, const Judged& judged, const Config& config,
                 const EvaluateFlags& flags, const std::vector<OpenBundle>& rivals,
                 const data::Dataset& dataset, double load_seconds, double total_seconds) {
  Json document = evaluate::to_json(report);
  if (!rivals.empty()) {
    Json against = Json::object();
    for (std::size_t i = 0; i < rivals.size(); ++i) {
      against.set(flags.against[i], rivals[i].bundle.id);
    }
    document.set("against", std::move(against));
  }
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
  if (!flags.report.empty()) {
    TORII_TRY_VOID(check_not_data(flags.report, "--report", config.data));
  }
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
  TORII_TRY(const std::vector<OpenBundle> rivals, open_rivals(session, flags));
  TORII_TRY(Judgement judgement, pose_task(session, config, target));
  if (judged.opened) {
    TORII_TRY_VOID(check_bundle(session, flags.bundle, *judged.opened, judgement));
  }
  for (std::size_t i = 0; i < rivals.size(); ++i) {
    TORII_TRY_VOID(check_bundle(session, flags.against[i], rivals[i], judgement));
  }
  const double load_seconds = watch.total();
  Embedded embedded;
  TORII_TRY(const evaluate::Report report,
            judge(session, judged, config, flags, rivals, judgement, embedded));
  session.print(fmt::format("split {}, {} part; ", config.evaluate.split, flags.part) +
                evaluate::to_text(report) + evaluation_details(report));
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
  session.answer(document_of(report, judged, config, flags, rivals, judgement.loaded.dataset,
                             load_seconds, watch.total()));
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
            "loo, time:0.8/0.1/0.1, random:0.8/0.1/0.1, cold-items, cold-users or column:NAME; the "
            "bundle's own unless told.");
  verb.text("--part", "NAME", &flags->part,
            "test (history: train and valid rows) or valid (history: train rows).");
  verb.text("--k", "LIST", &flags->k, "Lengths of the list that are judged, for example 5,10,20.");
  verb.texts(
      "--against", "BUNDLE", &flags->against,
      "Another bundle that is judged on the same rows and compared user by user; may be given "
      "several times.");
  verb.text("--segments", "LIST", &flags->segments,
            "Columns by whose values the result is divided, for example "
            "users.gender,items.category,interactions.type.");
  verb.integer("--seed", "N", &flags->seed,
               "Of random splits and of the order of equal scores; the bundle's own unless told.");
  verb.text("--report", "FILE", &flags->report,
            "Also writes a report for people: one HTML page that loads nothing.");
  verb.flag("--report-ids", &flags->report_ids,
            "Shows the ids of the sample people in the report; they are numbered unless told.");
  declare_common(verb, common);
  verb.example("torii evaluate --bundle=shop.bundle --data=shop --k=5,10,20");
  verb.example("torii evaluate --bundle=shop.bundle --data=shop --report=report.html");
  verb.example("torii evaluate --bundle=new.bundle --against=old.bundle --data=shop");
  verb.example("torii evaluate --baseline=item-knn --data=shop --split=loo --json");
  verb.action([flags](Session& session) { return run(session, *flags); });
}

}  // namespace torii::cli

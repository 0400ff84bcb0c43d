#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "cli/demo_data.h"
#include "cli/demo_people.h"
#include "cli/judging.h"
#include "cli/layout.h"
#include "cli/loading.h"
#include "cli/reporting.h"
#include "cli/scoring.h"
#include "cli/training.h"
#include "cli/verbs.h"
#include "recommend/candidates.h"

namespace torii::cli {
namespace {

struct DemoFlags {
  std::string out = "demo";
  std::int64_t seed = 42;
};

// Everything is as torii has it: kinds of columns are found out, no key is set by hand.
Result<std::unique_ptr<Config>> demo_config(const Session& session, const DemoFlags& flags,
                                            const std::filesystem::path& data) {
  TORII_TRY(auto config, load_config(session, {.preset = "default", .data_folder = data.string()}));
  config->evaluate.split = "random:0.8/0.1/0.1";
  TORII_TRY_VOID(set_seed(*config, flags.seed));
  return config;
}

Result<void> prepare_data(const Session& session, const std::filesystem::path& data) {
  const std::filesystem::path source = session.shared("demo/ml-100k");
  std::error_code failure;
  if (!std::filesystem::is_directory(source, failure)) {
    return make_error(ErrorCode::kNotFound,
                      "demo: its data is not installed ({} is missing); tools/bootstrap fetches it",
                      source.string());
  }
  std::filesystem::create_directories(data, failure);
  if (failure) {
    return make_error(ErrorCode::kIo, "--out: {}: {}", data.string(), failure.message());
  }
  return write_demo_data(source, data);
}

void heading(const Session& session, const std::string& text) {
  session.print("\n" + session.strong(text) + "\n");
}

Json document_of(const DemoFlags& flags, const std::string& bundle, const evaluate::Report& report,
                 const Stopwatch& watch) {
  Json document = evaluate::to_json(report);
  Json ratios = Json::object();
  for (const evaluate::Outcome& baseline : report.baselines) {
    if (const auto times = ndcg_ratio(report, baseline.name)) ratios.set(baseline.name, *times);
  }
  document.set("ndcg@10_ratio", std::move(ratios));
  document.set("out", flags.out).set("seed", flags.seed).set("bundle", bundle);
  document.set("report", (std::filesystem::path(flags.out) / "report.html").string());
  document.set("data", Json::object().set("name", "MovieLens 100K").set("terms", kDemoTerms));
  return document.set("seconds", watch.seconds());
}

void print_end(const Session& session, const DemoFlags& flags, const evaluate::Report& report,
               const Stopwatch& watch) {
  const std::filesystem::path out(flags.out);
  heading(session, "Try it yourself");
  session.print(
      fmt::format("  torii recommend --bundle={0}/ml-100k.bundle --data={0}/data --user=42\n"
                  "  torii bundle show {0}/ml-100k.bundle\n",
                  out.string()));
  heading(session,
          fmt::format("Result after {}: {} people, ranking all {} films", duration(watch.total()),
                      grouped(report.users), grouped(report.items)));
  session.print(compact_table(session, report));
  std::string verdict;
  for (const evaluate::Outcome& baseline : report.baselines) {
    if (const auto times = ndcg_ratio(report, baseline.name)) {
      verdict += fmt::format("{}{:.2f} x {}", verdict.empty() ? "" : ", ", *times, baseline.name);
    }
  }
  if (!verdict.empty()) session.print(fmt::format("  NDCG@10 of two-tower: {}\n", verdict));
}

Result<void> run(Session& session, const DemoFlags& flags) {
  Stopwatch watch;
  const std::filesystem::path out(flags.out);
  const std::filesystem::path data = out / "data";
  const std::filesystem::path candidates = out / "candidates.parquet";
  const std::string bundle = (out / "ml-100k.bundle").string();
  const std::filesystem::path page = out / "report.html";
  constexpr const char* kOurs[] = {"data", "ml-100k.bundle", "candidates.parquet", "report.html"};
  TORII_TRY_VOID(check_tables_place(flags.out, kOurs));
  if (std::filesystem::exists(out)) {
    TORII_TRY_VOID(check_bundle_place(bundle));
    TORII_TRY_VOID(check_file_place(candidates.string()));
    TORII_TRY_VOID(check_file_place(page.string()));
  }
  session.print(session.strong("torii demo") + "\n" + wrap(kDemoTerms, 0) + "\n" + kDemoCitation +
                "\n");
  TORII_TRY_VOID(prepare_data(session, data));
  TORII_TRY(auto config, demo_config(session, flags, data));

  heading(session, "1. Learn from 80 % of the ratings, choose the epoch on 10 %");
  TORII_TRY(Trained trained, train_bundle(session, *config, "default", bundle));
  session.print(trained.summary);
  watch.lap("train");

  heading(session, "2. Judge it on the last 10 %, beside simple methods");
  evaluate::Task task =
      evaluate::make_task(trained.loaded.dataset, trained.split, data::Part::kTest);
  const Judgement judgement{std::move(trained.loaded), std::move(trained.split), data::Part::kTest,
                            std::move(task)};
  TORII_TRY(const OpenBundle opened,
            with_texts(session, std::move(trained.bundle), std::move(config)));
  const data::Dataset& dataset = judgement.loaded.dataset;
  TORII_TRY(const BundleRanker ours, make_bundle_ranker(session, opened, judgement));
  TORII_TRY(const evaluate::Report report,
            judge_ranker(session, *opened.config, judgement, *ours.ranker));
  session.print(compact_table(session, report));
  watch.lap("evaluate");

  heading(session, "3. Write the best films for everyone");
  TORII_TRY(ThreadPool * pool, session.pool());
  TORII_TRY(const recommend::CandidateCounts written,
            recommend::write_candidates(candidates, opened.bundle, dataset, opened.texts.get(),
                                        {.k = 64}, *pool, session.reporter()));
  session.print(fmt::format("{}  the best 64 films for {} people\n", candidates.string(),
                            grouped(written.users)));
  watch.lap("candidates");

  heading(session, "4. People with the best, a typical and the worst list: liked, gets");
  session.print(people_text(session, dataset, judgement.task, report));

  heading(session, "5. Write the report");
  TORII_TRY_VOID(write_report(session, {.path = page.string(),
                                        .subject = "ml-100k.bundle",
                                        .part = "test",
                                        .config = opened.config.get(),
                                        .judgement = &judgement,
                                        .report = &report,
                                        .opened = &opened,
                                        .embedded = &ours.embedded,
                                        .seconds = {}}));
  session.print(fmt::format("{}  all of this on one page: open it in a browser\n", page.string()));
  watch.lap("report");
  print_end(session, flags, report, watch);
  session.answer(document_of(flags, opened.bundle.id, report, watch));
  return {};
}

}  // namespace

void add_demo(Verb& root, CommonFlags& common) {
  Verb& verb = root.child("demo", "Trains and judges a model on 100,000 real ratings of films.");
  auto flags = std::make_shared<DemoFlags>();
  verb.usage("torii demo [--out=DIR] [--seed=N]");
  verb.text("--out", "DIR", &flags->out,
            "Folder for the data, the bundle, the candidates and the report; ./demo unless told.");
  verb.integer("--seed", "N", &flags->seed, "Of the split and the training; 42 unless told.");
  declare_common(verb, common);
  verb.action([flags](Session& session) { return run(session, *flags); });
}

}  // namespace torii::cli

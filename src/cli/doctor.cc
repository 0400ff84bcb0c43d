#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "cli/config.h"
#include "cli/doctor_forecast.h"
#include "cli/layout.h"
#include "cli/loading.h"
#include "cli/training.h"
#include "cli/verbs.h"
#include "doctor/checks.h"
#include "doctor/signal.h"
#include "train/preset.h"

namespace torii::cli {
namespace {

using doctor::Finding;
using doctor::Severity;

struct DoctorFlags {
  std::string data;
  std::string preset = "default";
  std::string split;
  bool no_forecast = false;
};

constexpr const char* kGroups[][2] = {
    {"interactions", "Interactions"}, {"times", "Times"}, {"ids", "Ids"},
    {"columns", "Columns"},           {"split", "Split"}, {"signal", "Signal"}};

std::int64_t now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::string mark(const Session& session, Severity severity) {
  if (severity == Severity::kFatal) return session.coloured(Session::Colour::kRed, "✗");
  if (severity == Severity::kWarning) return session.coloured(Session::Colour::kYellow, "!");
  return session.faint("·");
}

std::string group_of(const Finding& finding) {
  return finding.check.substr(0, finding.check.find('.'));
}

std::string finding_text(const Session& session, const Finding& finding) {
  std::string what = finding.where + ": " + finding.found;
  if (!finding.expected.empty() && finding.severity != Severity::kNote) {
    what += "; expected " + finding.expected;
  }
  std::string text =
      fmt::format("  {} {}\n", mark(session, finding.severity), wrap(visible(what), 4));
  if (!finding.action.empty()) {
    text += fmt::format("    {}\n", session.faint(wrap("→ " + visible(finding.action), 6)));
  }
  return text;
}

std::string findings_text(const Session& session, const doctor::Findings& findings) {
  std::string text;
  for (const auto& [group, title] : kGroups) {
    std::string lines;
    for (const Severity severity : {Severity::kFatal, Severity::kWarning, Severity::kNote}) {
      for (const Finding& finding : findings) {
        if (group_of(finding) == group && finding.severity == severity) {
          lines += finding_text(session, finding);
        }
      }
    }
    if (lines.empty()) {
      text += fmt::format("{} {}\n", session.coloured(Session::Colour::kGreen, "✓"), title);
    } else {
      text += fmt::format("{}\n{}", session.strong(title), lines);
    }
  }
  return text;
}

Json findings_json(const doctor::Findings& findings) {
  Json list = Json::array();
  for (const Finding& finding : findings) {
    Json entry = Json::object();
    entry.set("severity", doctor::severity_name(finding.severity))
        .set("check", finding.check)
        .set("where", finding.where)
        .set("found", finding.found)
        .set("expected", finding.expected)
        .set("action", finding.action);
    list.push(std::move(entry));
  }
  return list;
}

void append(doctor::Findings& all, doctor::Findings more) {
  std::ranges::move(more, std::back_inserter(all));
}

// The split that would be used; a finding instead if it is not possible.
std::optional<data::Split> try_split(const Config& config, const data::LoadedDataset& loaded,
                                     const data::SplitSpec& spec, doctor::Findings& findings) {
  auto split = data::make_split(loaded.dataset, loaded.extra, spec,
                                static_cast<std::uint64_t>(config.train.seed));
  if (split.ok()) return std::move(split).value();
  findings.push_back({.severity = config.split_given ? Severity::kFatal : Severity::kWarning,
                      .check = "split.impossible",
                      .where = "split",
                      .found = split.error().message,
                      .expected = "",
                      .action = config.split_given ? "choose another split"
                                                   : "train will use all rows, and nothing can be "
                                                     "judged"});
  return std::nullopt;
}

struct Examined {
  doctor::Findings findings;
  std::optional<Forecast> forecast;
  std::optional<doctor::Signal> signal;
  std::string split;
};

// The forecast comes first, while the memory is that of a training.
Result<Examined> examine(Session& session, Config& config, const data::LoadedDataset& loaded,
                         const data::SplitSpec& spec, const Plans& plans, bool with_forecast,
                         double load_seconds) {
  Examined examined;
  doctor::Findings& findings = examined.findings;
  const data::Dataset& dataset = loaded.dataset;
  std::optional<data::Split> split = try_split(config, loaded, spec, findings);
  examined.split = spec.text();
  if (split && with_forecast) {
    auto forecast = make_forecast(session, config, dataset, *split, plans, load_seconds);
    if (forecast.ok()) {
      examined.forecast = std::move(forecast).value();
    } else if (forecast.error().code == ErrorCode::kInvalidArgument) {
      findings.push_back({.severity = Severity::kFatal,
                          .check = "split.no_training",
                          .where = "training",
                          .found = forecast.error().message});
    } else {
      return std::move(forecast).error();
    }
  }
  const doctor::Patient patient{.dataset = &dataset,
                                .options = &config.data,
                                .split = split ? &*split : nullptr,
                                .user_plan = &plans.users,
                                .item_plan = &plans.items,
                                .now_ms = now_ms()};
  append(findings, doctor::check_interactions(patient));
  append(findings, doctor::check_times(patient));
  append(findings, doctor::check_ids(patient));
  append(findings, doctor::check_columns(patient));
  if (!split) return examined;
  append(findings, doctor::check_split(patient));
  TORII_TRY(ThreadPool * pool, session.pool());
  examined.signal = doctor::measure_signal({.dataset = &dataset,
                                            .split = &*split,
                                            .item_plan = &plans.items,
                                            .seed = static_cast<std::uint64_t>(config.train.seed)},
                                           *pool);
  if (examined.signal) findings.push_back(doctor::judge_signal(*examined.signal));
  return examined;
}

Json signal_json(const doctor::Signal& signal) {
  Json methods = Json::array();
  for (const doctor::SignalRatio& method : signal.methods) {
    methods.push(Json::object()
                     .set("method", method.method)
                     .set("ratio", method.ratio)
                     .set("low", method.low)
                     .set("high", method.high));
  }
  return Json::object()
      .set("users", signal.users)
      .set("users_all", signal.users_all)
      .set("rows", signal.rows)
      .set("methods", std::move(methods));
}

Result<void> run(Session& session, const DoctorFlags& flags) {
  Stopwatch watch;
  TORII_TRY(const auto config,
            load_config(session, {.preset = flags.preset, .data_folder = flags.data}));
  if (session.given("--split")) {
    config->evaluate.split = flags.split;
    config->split_given = true;
  }
  TORII_TRY(const data::SplitSpec spec, data::SplitSpec::parse(config->evaluate.split));
  TORII_TRY(const data::LoadedDataset loaded, load_data(session, *config, &spec));
  const data::Dataset& dataset = loaded.dataset;
  TORII_TRY(const Plans plans, plan_data(*config, dataset, config->inference));
  watch.lap("load");
  TORII_TRY(const Examined examined,
            examine(session, *config, loaded, spec, plans, !flags.no_forecast, watch.total()));
  watch.lap("examine");
  note_plan(session.reporter(), plans);

  const auto count = [&](Severity severity) {
    return std::ranges::count(examined.findings, severity, &Finding::severity);
  };
  const auto fatal = count(Severity::kFatal);
  session.print(findings_text(session, examined.findings));
  if (examined.forecast) {
    session.print(fmt::format("{}\n{}", session.strong("Forecast for this machine"),
                              examined.forecast->text()));
  }
  session.print(fmt::format("\n{} fatal, {} warnings, {} notes\n", fatal, count(Severity::kWarning),
                            count(Severity::kNote)));
  Json document = Json::object();
  document.set("users", dataset.users.size()).set("items", dataset.items.size());
  document.set("interactions", dataset.interactions.size()).set("split", examined.split);
  document.set("fatal", fatal).set("warnings", count(Severity::kWarning));
  document.set("findings", findings_json(examined.findings));
  document.set("plan", plan_json(plans));
  document.set("signal", examined.signal ? signal_json(*examined.signal) : Json());
  document.set("forecast", examined.forecast ? examined.forecast->to_json() : Json());
  document.set("seconds", watch.seconds());
  if (fatal == 0) {
    session.answer(document);
    return {};
  }
  const auto first = std::ranges::find(examined.findings, Severity::kFatal, &Finding::severity);
  return session.refuse(std::move(document),
                        make_error(ErrorCode::kCheckFailed, "doctor: {}: {}", visible(first->where),
                                   visible(first->found)));
}

}  // namespace

void add_doctor(Verb& root, CommonFlags& common) {
  Verb& verb = root.child("doctor", "Checks your data before a training, and forecasts its cost.");
  auto flags = std::make_shared<DoctorFlags>();
  verb.usage("torii doctor --data=DIR | --config=FILE [flags]");
  verb.text("--data", "DIR", &flags->data, "Folder with the tables, as for `torii train`.");
  verb.text("--split", "SPEC", &flags->split,
            "The split to look at: loo, time:0.8/0.1/0.1, random:0.8/0.1/0.1, column:NAME; "
            "evaluate.split of the configuration unless told.");
  verb.text("--preset", "NAME", &flags->preset,
            "Columns and forecast by this preset: default or article.");
  verb.flag("--no-forecast", &flags->no_forecast,
            "Leaves out the forecast of time and memory, for which some batches are trained.");
  declare_common(verb, common);
  verb.example("torii doctor --data=shop");
  verb.example("torii doctor --config=torii.yaml --json");
  verb.action([flags](Session& session) { return run(session, *flags); });
}

}  // namespace torii::cli

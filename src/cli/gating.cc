#include "cli/gating.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "cli/loading.h"
#include "publish/bundle_place.h"
#include "publish/gate.h"

namespace torii::cli {
namespace {

constexpr const char* kPopularity = "popularity";

Result<std::optional<store::Publication>> find_current(const GateRequest& request) {
  if (request.store == nullptr) return std::optional<store::Publication>();
  TORII_TRY(const std::uint64_t version, request.store->current_version(request.tenant));
  if (version == 0) return std::optional<store::Publication>();
  TORII_TRY(auto publications, request.store->publications(request.tenant));
  for (store::Publication& publication : publications) {
    if (publication.version == version) return std::optional(std::move(publication));
  }
  return make_error(ErrorCode::kCorrupt, "{}: version {} is current, but it is not there",
                    request.store->shown(), version);
}

// The fit of the current publication, on today's rows.
struct CurrentFit {
  OpenBundle opened;
  std::optional<model::TrainingPairs> pairs;
  BundleRanker ranker;
};
Result<CurrentFit> open_current(Session& session, const GateRequest& request,
                                const store::Publication& current, const Judgement& judgement) {
  const bool has_fit = !current.fit_bundle_uri.empty();
  TORII_TRY(const auto folder,
            publish::fetch_bundle(has_fit ? current.fit_bundle_uri : current.bundle_uri,
                                  has_fit ? current.fit_bundle_id : current.bundle_id,
                                  request.scratch, session.environment()));
  TORII_TRY(OpenBundle opened,
            open_for_data(session, folder.string(), request.data_folder, "train.seed"));
  TORII_TRY(auto pairs, model::TrainingPairs::open(folder));
  TORII_TRY(BundleRanker ranker, make_bundle_ranker(session, opened, judgement, "current"));
  return CurrentFit{std::move(opened), std::move(pairs), std::move(ranker)};
}

Result<publish::GateJudgement> judge(Session& session, const GateRequest& request,
                                     const std::optional<store::Publication>& current,
                                     const Judgement& judgement) {
  TORII_TRY_VOID(
      check_unseen(session, request.fit_path, request.fit->bundle.provenance, judgement));
  TORII_TRY(ThreadPool * pool, session.pool());
  TORII_TRY(const BundleRanker fit, make_bundle_ranker(session, *request.fit, judgement));
  publish::GateInput input;
  input.task = &judgement.task;
  input.dataset = &judgement.loaded.dataset;
  input.fit = fit.ranker.get();
  input.seed = static_cast<std::uint64_t>(request.fit->config->train.seed);
  input.must_beat_popularity = request.must_beat == kPopularity;
  std::optional<CurrentFit> current_fit;
  const bool is_other = current && current->fit_bundle_id != request.fit->bundle.id;
  if (is_other) {
    auto opened = open_current(session, request, *current, judgement);
    if (!opened.ok()) {
      return with_context(std::move(opened).error(),
                          fmt::format("the fit of the current version {}", current->version));
    }
    current_fit.emplace(std::move(opened).value());
    input.current = current_fit->ranker.ranker.get();
    if (current_fit->pairs) input.current_pairs = current_fit->pairs->hashes();
  }
  return publish::judge(input, *pool);
}

// The data with the task of the fit's split.
Result<Judgement> pose(Session& session, const GateRequest& request) {
  const Config& config = *request.fit->config;
  if (config.evaluate.split == "none") {
    return make_error(ErrorCode::kCheckFailed,
                      "{}: it was trained on all rows, which leaves none to judge by; train with "
                      "--split, and publish that bundle or a refit of it",
                      request.fit_path);
  }
  TORII_TRY(Judgement judgement, pose_task(session, config, data::Part::kTest));
  if (!judgement.task.relevant.users.empty()) return judgement;
  return make_error(ErrorCode::kCheckFailed,
                    "the test part of the split '{}' has nobody to judge by",
                    config.evaluate.split);
}

// The data alone, where nothing is judged.
Result<Judgement> load_only(Session& session, const GateRequest& request) {
  Judgement judgement;
  TORII_TRY(judgement.loaded, load_data(session, *request.published->config));
  return judgement;
}

// The error of a judgement that cannot be made.
Error cannot_judge(const GateRequest& request, Error error) {
  error.message = fmt::format("the gate cannot judge: {}", error.message);
  if (request.publishes) {
    error.message += "; --force publishes all the same, and it is recorded";
  }
  return error;
}

}  // namespace

void declare_must_beat(Verb& verb, std::string& field) {
  verb.text("--must-beat", "WHAT", &field,
            "popularity: refuses a model also if it is not clearly better than popularity; nothing "
            "unless told: it must not be worse.");
}

Result<JudgedBundles> open_judged_bundles(Session& session, const BundlesToJudge& named) {
  TORII_TRY(OpenBundle opened, open_for_data(session, named.bundle, named.data, "train.seed"));
  JudgedBundles bundles{
      .published = std::move(opened), .other_fit = {}, .fit_path = {}, .fit_id = {}};
  const model::Bundle& bundle = bundles.published.bundle;
  const auto refit_of = bundle.provenance.string_at("refit_of");
  bundles.fit_id = refit_of.value_or(bundle.id);
  if (!refit_of) {
    if (!named.fit.empty() && named.fit != named.bundle) {
      return invalid("--fit={}: {} is no refit: it is judged itself; leave --fit out", named.fit,
                     named.bundle);
    }
    bundles.fit_path = named.bundle;
    return bundles;
  }
  if (named.fit.empty()) {
    if (named.force || bundles.published.config->publish.gate == "off") return bundles;
    return invalid(
        "{}: a refit has seen the rows that it would be judged by; name the bundle that it was "
        "made from by --fit=BUNDLE ({}...)",
        named.bundle, refit_of->substr(0, 12));
  }
  TORII_TRY(OpenBundle fit, open_for_data(session, named.fit, named.data, "train.seed"));
  bundles.other_fit = std::move(fit);
  bundles.fit_path = named.fit;
  if (bundles.other_fit->bundle.id == *refit_of) return bundles;
  return invalid("--fit={}: {} is a refit of the bundle {}..., this is {}...", named.fit,
                 named.bundle, refit_of->substr(0, 12), bundles.other_fit->bundle.id.substr(0, 12));
}

std::filesystem::path scratch_folder(const Session& session) {
  std::error_code ignored;
  std::filesystem::path folder = session.cache_folder();
  if (folder.empty()) folder = std::filesystem::temp_directory_path(ignored);
  std::filesystem::create_directories(folder, ignored);
  return folder;
}

Result<GateOutcome> pass_gate(Session& session, const GateRequest& request) {
  const std::string& mode = request.published->config->publish.gate;
  const bool enforces = mode == "enforce" && !request.force;
  if (request.must_beat != kMustBeatNothing && request.must_beat != kPopularity) {
    return invalid("--must-beat={}: expected popularity or nothing", request.must_beat);
  }
  TORII_TRY(const auto current, find_current(request));
  GateOutcome outcome;
  outcome.current_version = current ? current->version : 0;
  outcome.document = Json::object();
  outcome.document.set("mode", mode).set("forced", request.force);
  if (request.must_beat != kMustBeatNothing) outcome.document.set("must_beat", request.must_beat);
  if (current) outcome.document.set("current", current->version);
  if (mode == "off" || request.fit == nullptr) {
    TORII_TRY(outcome.judgement, load_only(session, request));
    return outcome;
  }
  auto posed = pose(session, request);
  if (!posed.ok()) {
    if (enforces || posed.error().code == ErrorCode::kCancelled) {
      return cannot_judge(request, std::move(posed).error());
    }
    session.reporter().warn("the gate cannot judge: " + posed.error().message);
    outcome.document.set("error", posed.error().message);
    TORII_TRY(outcome.judgement, load_only(session, request));
    return outcome;
  }
  outcome.judgement = std::move(posed).value();
  auto judged = judge(session, request, current, outcome.judgement);
  if (!judged.ok()) {
    if (enforces || judged.error().code == ErrorCode::kCancelled) {
      return cannot_judge(request, std::move(judged).error());
    }
    session.reporter().warn("the gate cannot judge: " + judged.error().message);
    outcome.document.set("error", judged.error().message);
    return outcome;
  }
  const Json document = publish::to_json(*judged);
  for (const auto& [name, value] : document.as_object()) outcome.document.set(name, value);
  outcome.document.set("split", request.fit->config->evaluate.split)
      .set("fit", request.fit->bundle.id);
  session.print(publish::to_text(*judged));
  if (judged->passed()) return outcome;
  const std::string objections = fmt::format("{}", fmt::join(judged->objections, "; "));
  if (enforces) {
    return session.refuse(
        Json::object().set("gate", outcome.document),
        make_error(ErrorCode::kCheckFailed, "{}: {}{}",
                   request.publishes ? "publish: refused, nothing was changed" : "gate: refused",
                   objections, request.publishes ? "; --force publishes it all the same" : ""));
  }
  session.reporter().warn("the gate objects: " + objections);
  return outcome;
}

}  // namespace torii::cli

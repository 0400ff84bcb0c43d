#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string_view>

#include "base/printable.h"
#include "cli/config.h"
#include "cli/layout.h"
#include "cli/list_changes.h"
#include "cli/pipeline_artifacts.h"
#include "cli/pipeline_run.h"
#include "data/table.h"
#include "pipeline/builtin.h"
#include "pipeline/draw.h"

// `torii pipeline diff`: what differs between two runs, and how the lists changed.
namespace torii::cli {
namespace {

using pipeline::ArtifactRecord;
using pipeline::RunRecord;

constexpr std::size_t kValueColumns = 60;
constexpr std::size_t kLinesShown = 40;  // of metrics, for people; --json has all

struct DiffFlags {
  std::string home = kPipelineHome;
  std::string lineage;
  std::string run;
  std::string other;
};

using DiffFacts = std::map<std::string, std::string>;

// One side of the comparison.
struct DiffSide {
  RunRecord run;
  RunArtifacts made;
};

DiffFacts facts_of(const DiffSide& side) {
  DiffFacts facts;
  for (const auto& [name, value] : side.run.parameters) {
    facts["parameter " + name] = without_passwords(value);
  }
  for (const pipeline::TaskRecord& task : side.made.tasks()) {
    facts["status of " + task.name] = task.status == "cached" ? "succeeded" : task.status;
  }
  for (const ArtifactRecord& one : side.made.all()) {
    const bool is_input = one.role == ArtifactRecord::Role::kInput;
    if (is_input && !one.producer.empty()) continue;  // told where it is made
    std::string name = fmt::format("{} {}.{}", is_input ? "input" : "output", one.task, one.name);
    facts[name] = one.is_value ? one.value
                               : fmt::format("{} ({} bytes)", one.stored.sha256.substr(0, 12),
                                             one.stored.bytes);
  }
  return facts;
}

// Places in work folders have the run's id in them, which says nothing.
std::string settled(std::string text, const RunRecord& run) {
  constexpr std::string_view kWork = "/work/";
  const std::size_t id = text.find(run.id);
  const std::size_t work = id == std::string::npos ? id : text.find(kWork, id);
  if (work != std::string::npos) text = text.substr(work + kWork.size());
  return without_passwords(std::move(text));
}

// "train.epochs": 3. Lists of things with names go by the names.
void flatten(const Json& json, const std::string& path, const RunRecord& run, DiffFacts& facts) {
  const std::string head = path.empty() ? "" : path + ".";
  if (json.is_object()) {
    for (const auto& [name, value] : json.as_object()) flatten(value, head + name, run, facts);
    return;
  }
  if (json.is_array() && std::ranges::any_of(json.as_array(), &Json::is_object)) {
    std::size_t number = 0;
    for (const Json& one : json.as_array()) {
      ++number;
      flatten(one, head + one.string_at("name").value_or(std::to_string(number)), run, facts);
    }
    return;
  }
  facts[path] = settled(json.is_string() ? json.as_string() : json.dump(), run);
}

// For people: of a list of words those that the other has not, cut to what a line holds.
std::string shown_beside(const std::string& text, const std::string& other) {
  const auto mine = Json::parse(text, "");
  const auto theirs = Json::parse(other, "");
  if (!mine.ok() || !theirs.ok() || !mine->is_array() || !theirs->is_array()) {
    return cut(visible(text), kValueColumns);
  }
  std::string words;
  for (const Json& word : mine->as_array()) {
    if (std::ranges::find(theirs->as_array(), word) != theirs->as_array().end()) continue;
    words += (words.empty() ? "" : " ") + (word.is_string() ? word.as_string() : word.dump());
  }
  return words.empty() ? "-" : cut(visible(words), kValueColumns);
}

// Writes into a table and a list of JSON what two sides say differently.
Json differences(const DiffFacts& before, const DiffFacts& after, TextTable& table) {
  DiffFacts names = before;
  names.insert(after.begin(), after.end());
  Json found = Json::array();
  for (const auto& [name, value] : names) {
    const auto a = before.find(name);
    const auto b = after.find(name);
    if (a != before.end() && b != after.end() && a->second == b->second) continue;
    const std::string left = a == before.end() ? "-" : a->second;
    const std::string right = b == after.end() ? "-" : b->second;
    table.add({name, shown_beside(left, right), shown_beside(right, left)});
    found.push(Json::object()
                   .set("what", name)
                   .set("before", a == before.end() ? Json() : Json(a->second))
                   .set("after", b == after.end() ? Json() : Json(b->second)));
  }
  return found;
}

TextTable diff_table(const char* what, const DiffSide& before, const DiffSide& after,
                     std::size_t left_columns) {
  TextTable table({what, before.run.id, after.run.id});
  table.set_left_columns(left_columns);
  return table;
}

DiffFacts graph_facts(const RunRecord& run) {
  DiffFacts facts;
  const auto graph = pipeline::graph_of_document(run.document, run.source);
  if (graph.ok()) flatten(pipeline::graph_json(*graph), "", run, facts);
  return facts;
}

// Numbers of a document of metrics; how long things took is no result.
void numbers_of(const Json& json, const std::string& path, std::map<std::string, double>& found) {
  if (json.is_number()) found[path] = json.as_double();
  if (!json.is_object()) return;
  for (const auto& [name, value] : json.as_object()) {
    if (path.empty() && name == "seconds") continue;
    numbers_of(value, path.empty() ? name : path + "." + name, found);
  }
}

// Compares outputs of the same name, kind by kind.
class OutputComparison {
 public:
  OutputComparison(Session& session, const DiffSide& before, const DiffSide& after)
      : session_(session), before_(before), after_(after) {}

  Result<void> compare() {
    const auto left = before_.made.outputs();
    const auto right = after_.made.outputs();
    for (const std::string_view type : {"Model", "Metrics", "Dataset"}) {
      for (const auto& [name, mine] : left) {
        const auto other = right.find(name);
        if (mine.front().type != type || other == right.end() || same(mine, other->second))
          continue;
        TORII_TRY_VOID(compare(type, name, mine, other->second));
      }
    }
    return {};
  }
  void answer(Json& document) {
    document.set("settings", std::move(settings_))
        .set("metrics", std::move(metrics_))
        .set("lists", std::move(lists_))
        .set("not_compared", std::move(unread_));
  }

 private:
  // What cannot be read is told of, and the rest goes on.
  Result<void> compare(std::string_view type, const std::string& name,
                       const std::vector<ArtifactRecord>& mine,
                       const std::vector<ArtifactRecord>& others) {
    if (session_.reporter().cancelled()) return make_error(ErrorCode::kCancelled, "interrupted");
    Result<void> done;
    if (type == "Model") done = settings(name, mine.front(), others.front());
    if (type == "Metrics") done = metrics(name, mine.front(), others.front());
    if (type == "Dataset") done = lists(name, mine, others);
    if (done.ok()) return {};
    unread_.push(Json::object().set("what", name).set("why", done.error().message));
    session_.reporter().warn(fmt::format("{}: not compared: {}", name, done.error().message));
    return {};
  }

  static bool same(const std::vector<ArtifactRecord>& a, const std::vector<ArtifactRecord>& b) {
    return std::ranges::equal(
        a, b, {}, [](const ArtifactRecord& one) { return one.stored.sha256; },
        [](const ArtifactRecord& one) { return one.stored.sha256; });
  }

  Result<void> settings(const std::string& name, const ArtifactRecord& mine,
                        const ArtifactRecord& other) {
    TORII_TRY(const Json a, before_.made.document(mine, "bundle.json"));
    TORII_TRY(const Json b, after_.made.document(other, "bundle.json"));
    DiffFacts left, right;
    if (const Json* found = a.find("settings")) flatten(*found, "", before_.run, left);
    if (const Json* found = b.find("settings")) flatten(*found, "", after_.run, right);
    TextTable table = diff_table(("settings of " + name).c_str(), before_, after_, 3);
    Json found = differences(left, right, table);
    if (!found.as_array().empty()) session_.print("\n" + table.text());
    for (Json& one : found.as_array()) settings_.push(one.set("model", name));
    return {};
  }

  Result<void> metrics(const std::string& name, const ArtifactRecord& mine,
                       const ArtifactRecord& other) {
    TORII_TRY(const Json a, before_.made.document(mine));
    TORII_TRY(const Json b, after_.made.document(other));
    std::map<std::string, double> left, right;
    numbers_of(a, "", left);
    numbers_of(b, "", right);
    TextTable table({name, before_.run.id, after_.run.id, "difference"});
    std::size_t lines = 0, rest = 0;
    const bool has_metrics = left.lower_bound("metrics.") != left.lower_bound("metrics/");
    for (const auto& [key, value] : left) {
      const auto found = right.find(key);
      if (found == right.end() || found->second == value) continue;
      metrics_.push(Json::object()
                        .set("what", name)
                        .set("key", key)
                        .set("before", value)
                        .set("after", found->second)
                        .set("difference", found->second - value));
      if ((has_metrics && !key.starts_with("metrics.")) || lines == kLinesShown) {
        ++rest;
        continue;
      }
      ++lines;
      table.add({key, fmt::format("{:.5g}", value), fmt::format("{:.5g}", found->second),
                 fmt::format("{:+.4g}", found->second - value)});
    }
    if (lines > 0) session_.print("\n" + table.text());
    if (rest > 0) {
      session_.print(fmt::format("{} more numbers of {} differ; --json has them\n", rest, name));
    }
    return {};
  }

  Result<void> lists(const std::string& name, const std::vector<ArtifactRecord>& mine,
                     const std::vector<ArtifactRecord>& others) {
    TORII_TRY(const bool are_lists, has_lists(mine.front()));
    if (!are_lists) return {};
    std::vector<std::string> left, right;
    for (const ArtifactRecord& one : mine) left.push_back(one.stored.uri);
    for (const ArtifactRecord& one : others) right.push_back(one.stored.uri);
    TORII_TRY(const ListChanges changes, compare_lists(left, right, session_.environment()));
    const double share = changes.users == 0 ? 0
                                            : static_cast<double>(changes.changed) /
                                                  static_cast<double>(changes.users);
    session_.print(fmt::format(
        "\nlists of {}: of {} users{} {:.1f} % have another list; of the first 10 items {:.1f} % "
        "stayed, of all {} {:.1f} %\n",
        name, changes.users,
        changes.is_sample ? " (a sample by the hash of their ids, the same of both runs)" : "",
        share * 100, changes.overlap_10 * 100, changes.k, changes.overlap_k * 100));
    if (changes.only_before + changes.only_after > 0) {
      session_.print(
          fmt::format("  {} users have a list in the first run alone, {} in the second\n",
                      changes.only_before, changes.only_after));
    }
    Json entered = moved("entered", changes.entered);
    Json gone = moved("left", changes.left);
    lists_.push(Json::object()
                    .set("what", name)
                    .set("users", changes.users)
                    .set("sample", changes.is_sample)
                    .set("changed", changes.changed)
                    .set("changed_share", share)
                    .set("k", changes.k)
                    .set("overlap@10", changes.overlap_10)
                    .set("overlap@k", changes.overlap_k)
                    .set("only_before", changes.only_before)
                    .set("only_after", changes.only_after)
                    .set("entered", std::move(entered))
                    .set("left", std::move(gone)));
    return {};
  }

  Json moved(const char* how, const std::vector<std::pair<std::string, std::uint64_t>>& items) {
    Json list = Json::array();
    std::string text;
    for (const auto& [item, users] : items) {
      list.push(Json::object().set("item", item).set("users", users));
      text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", visible(item), users);
    }
    if (!text.empty()) {
      session_.print("  " + wrap(fmt::format("{} most (users): {}", how, text), 4) + "\n");
    }
    return list;
  }

  [[nodiscard]] Result<bool> has_lists(const ArtifactRecord& one) const {
    if (one.stored.is_folder) return false;  // many tables, not one
    data::ReadOptions options;
    options.format = "parquet";
    const auto names =
        data::column_names(one.stored.uri, options, {.environment = &session_.environment()});
    if (!names.ok()) {
      // Something else than Parquet is no list.
      if (names.error().code == ErrorCode::kCorrupt) return false;
      if (names.error().code == ErrorCode::kInvalidArgument) return false;
      return names.error();
    }
    return std::ranges::find(*names, "item_ids") != names->end() &&
           std::ranges::find(*names, "user_id") != names->end();
  }

  Session& session_;
  const DiffSide& before_;
  const DiffSide& after_;
  Json settings_ = Json::array();
  Json metrics_ = Json::array();
  Json lists_ = Json::array();
  Json unread_ = Json::array();
};

Result<void> show_diff(Session& session, const DiffFlags& flags) {
  TORII_TRY_VOID(check_config(session));
  TORII_TRY(auto lineage, open_lineage(session, flags.home, flags.lineage));
  TORII_TRY(RunRecord first, lineage.run(flags.run));
  TORII_TRY(RunRecord second, lineage.run(flags.other));
  TORII_TRY(RunArtifacts first_made, RunArtifacts::open(lineage, first, session.environment()));
  TORII_TRY(RunArtifacts second_made, RunArtifacts::open(lineage, second, session.environment()));
  const DiffSide before = {std::move(first), std::move(first_made)};
  const DiffSide after = {std::move(second), std::move(second_made)};
  TextTable table = diff_table("", before, after, 3);
  Json facts = differences(facts_of(before), facts_of(after), table);
  const bool same_pipeline = before.run.document == after.run.document;
  const bool is_equal = facts.as_array().empty() && same_pipeline;
  session.print(is_equal ? "they are equal\n" : table.text());
  Json steps = Json::array();
  if (!same_pipeline) {
    TextTable changed = diff_table("the pipeline", before, after, 3);
    steps = differences(graph_facts(before.run), graph_facts(after.run), changed);
    session.print("\n" + (steps.as_array().empty() ? "the pipelines are written differently\n"
                                                   : changed.text()));
  }
  OutputComparison outputs(session, before, after);
  TORII_TRY_VOID(outputs.compare());
  Json document = Json::object()
                      .set("before", before.run.id)
                      .set("after", after.run.id)
                      .set("same_pipeline", same_pipeline)
                      .set("differences", std::move(facts))
                      .set("pipeline", std::move(steps));
  outputs.answer(document);
  session.answer(document);
  return {};
}

}  // namespace

void add_pipeline_diff(Verb& pipeline, CommonFlags& common) {
  auto flags = std::make_shared<DiffFlags>();
  Verb& verb = pipeline.child("diff",
                              "Says what differs between two runs: parameters, settings, inputs, "
                              "outputs, metrics, and how lists changed.");
  verb.usage("torii pipeline diff RUN OTHER [flags]");
  verb.positional("RUN", &flags->run, "The first run's id, or its beginning.");
  verb.positional("OTHER", &flags->other, "The second's.");
  declare_home(verb, flags->home, flags->lineage);
  declare_output(verb, common);
  verb.action([flags](Session& session) { return show_diff(session, *flags); });
}

}  // namespace torii::cli

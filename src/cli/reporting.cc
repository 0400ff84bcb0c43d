#include "cli/reporting.h"

#include <filesystem>

#include "base/cpu.h"
#include "base/file.h"
#include "cli/loading.h"
#include "cli/profile.h"
#include "cli/program_version.h"
#include "report/report.h"

namespace torii::cli {
namespace {

// Keys with another value than they have unless told; nothing that tells of this machine's folders.
std::vector<report::Setting> changed_settings(const Config& config) {
  const Config defaults;
  std::vector<report::Setting> changed;
  for (const Option& option : config.set.options()) {
    if (option.key.ends_with(".path")) continue;
    const Option* usual = defaults.set.find(option.key);
    if (usual == nullptr || usual->current() == option.current()) continue;
    const Json value = option.current();
    changed.push_back(
        {option.key, value.is_string() ? value.as_string() : value.dump(), usual->default_text});
  }
  return changed;
}

}  // namespace

std::string bundle_name(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return std::filesystem::path(path).filename().string();
}

Result<void> write_report(Session& session, const ReportedJudgement& reported) {
  TORII_TRY(ThreadPool * pool, session.pool());
  const Stopwatch watch;
  const Judgement& judgement = *reported.judgement;
  const data::Dataset& dataset = judgement.loaded.dataset;
  report::Input input;
  input.subject = reported.subject;
  input.date = session.today();
  input.split = reported.config->evaluate.split;
  input.part = reported.part;
  input.report = reported.report;
  input.task = &judgement.task;
  input.dataset = &dataset;
  input.parts = &judgement.split;
  if (reported.opened != nullptr) {
    input.bundle = &reported.opened->bundle;
    input.item_embeddings = reported.embedded->items.embeddings.view();
  }
  input.title_of = [&](std::uint32_t item) { return title_of(dataset, item); };
  input.settings = changed_settings(*reported.config);
  input.run = {{"torii", program_version()},
               {"seed", std::to_string(reported.config->train.seed)},
               {"threads", std::to_string(pool->threads())},
               {"instruction set", isa_name(active_isa())}};
  input.seconds = reported.report->seconds;
  input.seconds.insert(input.seconds.end(), reported.seconds.begin(), reported.seconds.end());
  input.user_ids = reported.user_ids;
  return write_file_durably(reported.path, report::render(input, *pool));
}

}  // namespace torii::cli

#include <fmt/format.h>

#include <memory>

#include "base/file_lock.h"
#include "base/metric.h"
#include "cli/layout.h"
#include "cli/loading.h"
#include "cli/scoring.h"
#include "cli/verbs.h"
#include "recommend/candidates.h"

namespace torii::cli {
namespace {

struct CandidatesFlags {
  std::string bundle;
  std::string data;
  std::string out;
  std::string shard = "1/1";
  std::int64_t k = 64;
};

// "64"; lists that had to be shorter say so.
std::string length_text(std::size_t k, const recommend::CandidateCounts& written,
                        std::size_t items) {
  if (written.users == 0 || written.entries == written.users * k) return fmt::format("{}", k);
  const double mean = static_cast<double>(written.entries) / static_cast<double>(written.users);
  return fmt::format("{:.1f} (on average: {} are asked for, but of {} some are seen already)", mean,
                     grouped(k), grouped(items));
}

Result<void> run(Session& session, const CandidatesFlags& flags) {
  if (flags.bundle.empty()) return invalid("candidates: --bundle=BUNDLE is missing");
  if (flags.out.empty()) return invalid("candidates: --out=FILE is missing: where to write them");
  TORII_TRY(const std::size_t k, check_k(flags.k));
  TORII_TRY(const recommend::Shard shard, recommend::Shard::parse(flags.shard));
  TORII_TRY_VOID(check_file_place(flags.out));
  TORII_TRY(const FileLock lock, FileLock::take(flags.out));
  Stopwatch watch;
  TORII_TRY(const OpenBundle opened, open_for_data(session, flags.bundle, flags.data));
  TORII_TRY_VOID(check_not_data(flags.out, "--out", opened.config->data));
  TORII_TRY(const data::LoadedDataset loaded, load_for_bundle(session, opened));
  const data::Dataset& dataset = loaded.dataset;
  watch.lap("load");
  const Metric metric = opened.bundle.model.metric;
  TORII_TRY(ThreadPool * pool, session.pool());
  TORII_TRY(const recommend::CandidateCounts written,
            recommend::write_candidates(flags.out, opened.bundle, dataset, opened.texts.get(),
                                        {.k = k, .shard = shard}, *pool, session.reporter()));
  watch.lap("candidates");
  Json sources = Json::object();
  std::string sources_text;
  for (std::size_t i = 0; i < written.by_source.size(); ++i) {
    if (written.by_source[i] == 0) continue;
    const char* name = recommend::source_name(static_cast<recommend::Source>(i));
    sources.set(name, written.by_source[i]);
    sources_text += fmt::format("{}{} {}", sources_text.empty() ? "" : ", ",
                                grouped(written.by_source[i]), name);
  }
  session.print(fmt::format("{}  the best {} items for {} users ({}), in {}\n", flags.out,
                            length_text(k, written, dataset.items.size()), grouped(written.users),
                            sources_text, duration(watch.total())));
  Json document = Json::object();
  document.set("out", flags.out)
      .set("bundle", opened.bundle.id)
      .set("metric", metric_name(metric))
      .set("k", k)
      .set("shard", fmt::format("{}/{}", shard.index, shard.of))
      .set("users", written.users)
      .set("items", dataset.items.size())
      .set("entries", written.entries)
      .set("new_items", written.new_items)
      .set("sources", std::move(sources));
  set_findings(document, dataset);
  session.answer(document.set("seconds", watch.seconds()));
  return {};
}

}  // namespace

void add_candidates(Verb& root, CommonFlags& common) {
  Verb& verb = root.child("candidates", "Writes the best unseen items for every user.");
  auto flags = std::make_shared<CandidatesFlags>();
  verb.usage("torii candidates --bundle=BUNDLE --data=DIR | --config=FILE --out=FILE [flags]");
  verb.text("--bundle", "BUNDLE", &flags->bundle, "The trained model.");
  verb.text("--data", "DIR", &flags->data, "Folder with the tables, as for `torii train`.");
  verb.text("--out", "FILE", &flags->out,
            "Parquet file to write: user_id, item_ids (best first), scores, source.");
  verb.integer("--k", "N", &flags->k, "Items for each user; 64 unless told.");
  verb.text("--shard", "I/N", &flags->shard,
            "Only the i-th of n parts of the users (1/4 to 4/4), for several processes.");
  declare_common(verb, common);
  verb.example("torii candidates --bundle=shop.bundle --data=shop --k=64 --out=candidates.parquet");
  verb.action([flags](Session& session) { return run(session, *flags); });
}

}  // namespace torii::cli

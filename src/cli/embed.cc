#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "base/metric.h"
#include "cli/layout.h"
#include "cli/loading.h"
#include "cli/output_tables.h"
#include "cli/scoring.h"
#include "cli/verbs.h"

namespace torii::cli {
namespace {

constexpr const char* kTables[] = {"user_embeddings.parquet", "item_embeddings.parquet"};

struct EmbedFlags {
  std::string bundle;
  std::string data;
  std::string out;
};

Result<void> make_folder(const std::filesystem::path& folder) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (!failure) return {};
  return make_error(ErrorCode::kIo, "{}: the folder cannot be made: {}", folder.string(),
                    failure.message());
}

Result<void> write_side(const std::filesystem::path& path, const char* id_name, const IdIndex& ids,
                        const Matrix& embeddings) {
  std::vector<data::Column> columns;
  columns.push_back(id_column(id_name, ids));
  columns.push_back(vector_column("embedding", embeddings.view()));
  return data::write_parquet(path, data::Table(std::move(columns), path.filename().string()));
}

Result<void> run(Session& session, const EmbedFlags& flags) {
  if (flags.bundle.empty()) return invalid("embed: --bundle=BUNDLE is missing");
  if (flags.out.empty()) return invalid("embed: --out=DIR is missing: where to write the tables");
  TORII_TRY_VOID(check_tables_place(flags.out, kTables));
  Stopwatch watch;
  TORII_TRY(const OpenBundle opened, open_for_data(session, flags.bundle, flags.data));
  TORII_TRY(const data::LoadedDataset loaded, load_for_bundle(session, opened));
  const data::Dataset& dataset = loaded.dataset;
  watch.lap("load");
  TORII_TRY(const Embedded embedded, embed_data(session, opened, dataset));
  watch.lap("embed");
  const std::filesystem::path out(flags.out);
  TORII_TRY_VOID(make_folder(out));
  TORII_TRY_VOID(write_side(out / kTables[0], "user_id", dataset.users, embedded.users.embeddings));
  TORII_TRY_VOID(write_side(out / kTables[1], "item_id", dataset.items, embedded.items.embeddings));
  watch.lap("write");
  const char* metric = metric_name(opened.bundle.model.metric);
  session.print(fmt::format(
      "{}  {} user and {} item embeddings, {} numbers each, to be compared by {}, in {}\n",
      flags.out, grouped(dataset.users.size()), grouped(dataset.items.size()),
      embedded.items.embeddings.cols(), metric, duration(watch.total())));
  Json document = Json::object();
  document.set("out", flags.out)
      .set("bundle", opened.bundle.id)
      .set("metric", metric)
      .set("width", embedded.items.embeddings.cols())
      .set("users", dataset.users.size())
      .set("items", dataset.items.size());
  set_findings(document, dataset);
  session.answer(document.set("seconds", watch.seconds()));
  return {};
}

}  // namespace

void add_embed(Verb& root, CommonFlags& common) {
  Verb& verb = root.child("embed", "Writes the embedding of every user and item.");
  auto flags = std::make_shared<EmbedFlags>();
  verb.usage("torii embed --bundle=BUNDLE --data=DIR | --config=FILE --out=DIR [flags]");
  verb.text("--bundle", "BUNDLE", &flags->bundle, "The trained model.");
  verb.text("--data", "DIR", &flags->data, "Folder with the tables, as for `torii train`.");
  verb.text("--out", "DIR", &flags->out,
            "Folder for user_embeddings.parquet (user_id, embedding) and item_embeddings.parquet "
            "(item_id, embedding).");
  declare_common(verb, common);
  verb.example("torii embed --bundle=shop.bundle --data=shop --out=embeddings");
  verb.action([flags](Session& session) { return run(session, *flags); });
}

}  // namespace torii::cli

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "base/file.h"
#include "base/file_lock.h"
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

// What is above `folder`, not yet itself.
Result<void> make_parents(const std::filesystem::path& folder) {
  std::error_code failure;
  if (folder.has_parent_path()) {
    std::filesystem::create_directories(folder.parent_path(), failure);
  }
  if (!failure) return {};
  return make_error(ErrorCode::kIo, "{}: the folder cannot be made: {}", folder.string(),
                    failure.message());
}

// What is in the folder beside the tables.
std::vector<std::string> foreign_files(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    std::string name = entry.path().filename().string();
    if (std::ranges::find(kTables, name) == std::end(kTables)) names.push_back(std::move(name));
  }
  return names;
}

Result<void> check_replaceable(const std::filesystem::path& folder) {
  const auto foreign = foreign_files(folder);
  if (foreign.empty()) return {};
  return invalid(
      "--out={}: this holds more than the tables ({}), which would be lost; give another name, or "
      "take it out first",
      folder.string(), fmt::join(foreign, ", "));
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
  std::filesystem::path out(flags.out);
  if (!out.has_filename()) out = out.parent_path();  // "folder/"
  TORII_TRY_VOID(check_replaceable(out));
  Stopwatch watch;
  TORII_TRY(const OpenBundle opened, open_for_data(session, flags.bundle, flags.data));
  TORII_TRY(const data::LoadedDataset loaded, load_for_bundle(session, opened));
  const data::Dataset& dataset = loaded.dataset;
  watch.lap("load");
  TORII_TRY(const Embedded embedded, embed_data(session, opened, dataset));
  watch.lap("embed");
  TORII_TRY_VOID(make_parents(out));
  TORII_TRY(const FileLock lock, FileLock::take(out));
  // Both tables appear together: users of one model beside items of another would look right.
  const auto fill = [&](const std::filesystem::path& folder) -> Result<void> {
    TORII_TRY_VOID(
        write_side(folder / kTables[0], "user_id", dataset.users, embedded.users.embeddings));
    return write_side(folder / kTables[1], "item_id", dataset.items, embedded.items.embeddings);
  };
  const auto is_ours = [](const std::filesystem::path& old) { return foreign_files(old).empty(); };
  TORII_TRY_VOID(write_folder_durably(out, is_ours, fill));
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

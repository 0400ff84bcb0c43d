#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>

#include "base/file.h"
#include "base/file_lock.h"
#include "cli/config.h"
#include "cli/generate_tables.h"
#include "cli/layout.h"
#include "cli/loading.h"
#include "cli/verbs.h"

namespace torii::cli {
namespace {

struct GenerateFlags {
  std::int64_t users = 10'000;
  std::int64_t items = 2'000;
  std::int64_t interactions = 200'000;
  std::int64_t seed = 1;
  std::string out;
};

// Whether a folder holds the tables of a shop and nothing beside.
bool is_our_shop(const std::filesystem::path& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (std::ranges::find(kGeneratedTables, name) == std::end(kGeneratedTables)) return false;
  }
  return true;
}

Result<void> run(Session& session, const GenerateFlags& flags) {
  TORII_TRY_VOID(check_config(session));
  if (flags.out.empty()) return invalid("generate: --out=DIR is missing: where to write the shop");
  if (flags.seed < 0) return invalid("--seed: expected 0 or more, found {}", flags.seed);
  const auto amount = [](std::int64_t value) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0));
  };
  const WorldSize size = {.users = amount(flags.users),
                          .items = amount(flags.items),
                          .interactions = amount(flags.interactions),
                          .seed = amount(flags.seed)};
  TORII_TRY_VOID(check_size(size));
  TORII_TRY_VOID(check_tables_place(flags.out, kGeneratedTables));
  std::filesystem::path out(flags.out);
  if (!out.has_filename()) out = out.parent_path();  // "folder/"
  std::error_code failure;
  if (out.has_parent_path()) std::filesystem::create_directories(out.parent_path(), failure);
  if (failure) {
    return make_error(ErrorCode::kIo, "--out={}: the folder cannot be made: {}", flags.out,
                      failure.message());
  }
  TORII_TRY(const FileLock lock, FileLock::take(out));
  const Stopwatch watch;
  TORII_TRY(ThreadPool * pool, session.pool());
  const World world(size);
  TORII_TRY_VOID(write_folder_durably(out, is_our_shop, [&](const std::filesystem::path& folder) {
    return write_world(world, folder, *pool, session.reporter());
  }));
  session.print(fmt::format("{}  a shop of {} users, {} items and {} interactions, in {}\n",
                            flags.out, grouped(size.users), grouped(size.items),
                            grouped(size.interactions), duration(watch.total())));
  Json document = Json::object();
  document.set("out", flags.out)
      .set("users", size.users)
      .set("items", size.items)
      .set("interactions", size.interactions)
      .set("seed", size.seed)
      .set("seconds", watch.seconds());
  session.answer(document);
  return {};
}

}  // namespace

void add_generate(Verb& root, CommonFlags& common) {
  Verb& verb = root.child("generate", "Writes a synthetic shop whose people have a known taste.");
  auto flags = std::make_shared<GenerateFlags>();
  verb.usage("torii generate --users=N --items=N --interactions=N --out=DIR [flags]");
  verb.integer("--users", "N", &flags->users, "10000 unless told.");
  verb.integer("--items", "N", &flags->items, "2000 unless told.");
  verb.integer("--interactions", "N", &flags->interactions,
               "Rows of what people did: views, clicks, purchases and more; 200000 unless told.");
  verb.integer("--seed", "N", &flags->seed,
               "Same numbers and seed: same bytes, on any number of processors; 1 unless told.");
  verb.text("--out", "DIR", &flags->out,
            "Folder for users.parquet, items.parquet and interactions.parquet; tables of those "
            "names are replaced.");
  verb.integer("--threads", "N", &common.threads, "Processors to use; all of them unless told.");
  declare_output(verb, common);
  verb.example("torii generate --out=shop");
  verb.example("torii generate --users=1000000 --items=200000 --interactions=10000000 --out=large");
  verb.action([flags](Session& session) { return run(session, *flags); });
}

}  // namespace torii::cli

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/file.h"
#include "base/printable.h"
#include "cli/loading.h"
#include "cli/training.h"
#include "cli/verbs.h"

// `torii encode`: the texts of the data as vectors, ahead of the training that needs them.
namespace torii::cli {
namespace {

struct EncodeFlags {
  std::string data;
  std::string out;
};

Result<void> run(Session& session, const EncodeFlags& flags) {
  if (flags.out.empty()) return invalid("encode: --out=DIR is missing: where the vectors go");
  Stopwatch watch;
  TORII_TRY(const auto config, load_config(session, {.data_folder = flags.data}));
  TORII_TRY_VOID(check_not_data(flags.out, "--out", config->data));
  const std::filesystem::path out(flags.out);
  std::error_code failure;
  std::filesystem::create_directories(out, failure);
  if (failure) {
    return make_error(ErrorCode::kIo, "--out={}: the folder cannot be made: {}", flags.out,
                      failure.message());
  }
  TORII_TRY(const data::LoadedDataset loaded, load_data(session, *config));
  watch.lap("load");
  TORII_TRY(const Plans plans, plan_data(*config, loaded.dataset, config->inference));
  std::uint64_t columns = 0;
  std::string model;
  if (has_text(plans)) {
    TORII_TRY(const auto texts, open_texts(session, *config, out));
    TORII_TRY(features::Spec spec, learn_spec(loaded.dataset, plans, config->learn));
    set_text(spec, *texts, *config);
    TORII_TRY_VOID(encode_data(session, loaded.dataset, spec, texts.get()));
    columns = spec.user.text.size() + spec.item.text.size();
    model = config->model.text_model;
  }
  // Object stores have no empty folders: what has no texts is a result too.
  TORII_TRY_VOID(write_file_durably(out / "encoded.json",
                                    Json::object()
                                            .set("columns", columns)
                                            .set("model", model.empty() ? Json() : Json(model))
                                            .dump() +
                                        "\n"));
  watch.lap("encode");
  session.print(columns == 0 ? fmt::format("{}  the data has no columns of texts\n", flags.out)
                             : fmt::format("{}  vectors of {} columns of texts by {}, in {}\n",
                                           flags.out, columns, model, duration(watch.total())));
  session.answer(Json::object()
                     .set("out", flags.out)
                     .set("columns", columns)
                     .set("model", model.empty() ? Json() : Json(model))
                     .set("seconds", watch.seconds()));
  return {};
}

}  // namespace

void add_encode(Verb& root, CommonFlags& common) {
  Verb& verb =
      root.child("encode", "Turns the texts of the data into vectors, for trainings to come.");
  auto flags = std::make_shared<EncodeFlags>();
  verb.usage("torii encode --data=DIR | --config=FILE --out=DIR [flags]");
  verb.text("--data", "DIR", &flags->data, "Folder with the tables, as for `torii train`.");
  verb.text("--out", "DIR", &flags->out,
            "Folder for the vectors: what `torii train --cache=DIR` finds there is not computed "
            "again. What is in it stays.");
  declare_common(verb, common);
  verb.example("torii encode --data=shop --out=texts");
  verb.action([flags](Session& session) { return run(session, *flags); });
}

}  // namespace torii::cli

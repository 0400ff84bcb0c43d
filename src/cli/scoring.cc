#include "cli/scoring.h"

#include <fmt/format.h>

#include <numeric>
#include <utility>

namespace torii::cli {

Result<OpenBundle> open_for_data(Session& session, const std::string& path,
                                 const std::string& data_folder) {
  TORII_TRY(model::Bundle bundle, model::open_bundle(path));
  TORII_TRY(auto config,
            load_config(session, {.settings = &bundle.settings, .data_folder = data_folder}));
  return with_texts(session, std::move(bundle), std::move(config));
}

Result<OpenBundle> with_texts(Session& session, model::Bundle bundle,
                              std::unique_ptr<Config> config) {
  OpenBundle opened{std::move(bundle), std::move(config), nullptr};
  if (!has_text(opened.bundle.spec)) return opened;
  auto texts = open_texts(session, *opened.config);
  if (!texts.ok()) {
    return with_context(
        std::move(texts).error(),
        fmt::format("the bundle needs the text model '{}'", opened.bundle.spec.text_model));
  }
  opened.texts = std::move(texts).value();
  return opened;
}

Result<Embedded> embed_data(Session& session, const OpenBundle& opened,
                            const data::Dataset& dataset) {
  TORII_TRY(ThreadPool * pool, session.pool());
  std::vector<std::uint32_t> everybody(dataset.users.size());
  std::iota(everybody.begin(), everybody.end(), 0U);
  Embedded embedded;
  TORII_TRY(embedded.users, recommend::embed_users(opened.bundle, dataset, everybody,
                                                   opened.texts.get(), *pool, session.reporter()));
  TORII_TRY(embedded.items, recommend::embed_items(opened.bundle, dataset, opened.texts.get(),
                                                   *pool, session.reporter()));
  return embedded;
}

}  // namespace torii::cli

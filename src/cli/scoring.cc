#include "cli/scoring.h"

#include <fmt/format.h>

#include <numeric>
#include <utility>

namespace torii::cli {
namespace {

// Names of the columns that `spec` reads, in its order.
std::vector<std::string> feature_columns(const features::EntitySpec& spec) {
  std::vector<std::string> names;
  for (const auto& column : spec.numeric) names.push_back(column.column);
  for (const auto& column : spec.categorical) names.push_back(column.column);
  for (const auto& column : spec.text) names.push_back(column.column);
  return names;
}

void find_missing(const Session& session, const char* side, const features::EntitySpec& spec,
                  const data::Table& table, data::Dataset& dataset) {
  std::vector<std::string> absent;
  std::vector<std::string> empty;
  for (std::string& name : feature_columns(spec)) {
    const data::Column* column = table.find(name);
    if (column == nullptr) {
      absent.push_back(std::move(name));
    } else if (column->size() > 0 && column->null_count() == column->size()) {
      empty.push_back(std::move(name));
    }
  }
  const auto tell = [&](const std::vector<std::string>& names, const char* what) {
    if (names.empty()) return;
    std::string finding =
        fmt::format("{}: columns of the bundle that {} the data: {}; they count as unknown", side,
                    what, fmt::join(names, ", "));
    session.reporter().warn(finding);
    dataset.findings[std::move(finding)] = names.size();
  };
  tell(absent, "are not in");
  tell(empty, "are empty in");
}

}  // namespace

Result<OpenBundle> open_for_data(Session& session, const std::string& path,
                                 const std::string& data_folder, std::string_view not_sealed) {
  TORII_TRY(model::Bundle bundle, model::open_bundle(path));
  TORII_TRY(auto config, load_config(session, {.settings = &bundle.settings,
                                               .data_folder = data_folder,
                                               .not_sealed = not_sealed}));
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

void find_missing_columns(const Session& session, const features::Spec& spec,
                          data::Dataset& dataset) {
  find_missing(session, "users", spec.user, dataset.user_table, dataset);
  find_missing(session, "items", spec.item, dataset.item_table, dataset);
}

Result<data::LoadedDataset> load_for_bundle(const Session& session, const OpenBundle& opened) {
  TORII_TRY(data::LoadedDataset loaded, load_data(session, *opened.config));
  find_missing_columns(session, opened.bundle.spec, loaded.dataset);
  return loaded;
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

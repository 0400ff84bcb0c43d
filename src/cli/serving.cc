#include "cli/serving.h"

#include <system_error>
#include <utility>

#include "cli/loading.h"

namespace torii::cli {

recommend::ShopOptions shop_options(const Config& config) {
  recommend::ShopOptions shop;
  shop.approximate_from = static_cast<std::size_t>(config.serve.approximate_from);
  shop.popularity_half_life_h = config.serve.popularity_half_life_h;
  shop.events_of_vector_max = static_cast<std::size_t>(config.serve.events_of_vector_max);
  shop.negative_types = config.data.interactions.negative_types;
  return shop;
}

Result<std::shared_ptr<text::TextVectors>> texts_of_bundle(Session& session,
                                                           const model::Bundle& bundle) {
  if (!has_text(bundle.spec)) return std::shared_ptr<text::TextVectors>();
  TORII_TRY(const auto config,
            load_config(session, {.settings = &bundle.settings, .needs_data = false}));
  TORII_TRY(auto texts, open_texts(session, *config));
  return std::shared_ptr<text::TextVectors>(std::move(texts));
}

std::filesystem::path bundle_cache(const Session& session) {
  const std::filesystem::path cache = session.cache_folder();
  if (cache.empty()) return cache;
  std::error_code ignored;
  std::filesystem::create_directories(cache / "bundles", ignored);
  return cache / "bundles";
}

}  // namespace torii::cli

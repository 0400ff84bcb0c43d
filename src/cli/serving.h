#pragma once

#include <filesystem>
#include <memory>

#include "base/result.h"
#include "cli/config.h"
#include "cli/session.h"
#include "model/bundle.h"
#include "recommend/online.h"
#include "text/text_encoder.h"

// What the verbs that answer from a store share.
namespace torii::cli {

/// Of a configuration, for a tenant's Shop.
[[nodiscard]] recommend::ShopOptions shop_options(const Config& config);

/// The encoder that a bundle was made with; null if it reads no texts.
[[nodiscard]] Result<std::shared_ptr<text::TextVectors>> texts_of_bundle(
    Session& session, const model::Bundle& bundle);

/// Where bundles that lie elsewhere are kept; empty if there is no cache. Made if need be.
[[nodiscard]] std::filesystem::path bundle_cache(const Session& session);

}  // namespace torii::cli

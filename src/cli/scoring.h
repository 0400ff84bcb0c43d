#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/matrix.h"
#include "base/result.h"
#include "cli/config.h"
#include "cli/loading.h"
#include "cli/session.h"
#include "data/interactions.h"
#include "model/bundle.h"
#include "recommend/embedding.h"
#include "text/text_encoder.h"

namespace torii::cli {

/// A bundle, the configuration in which it is used (what it was trained with, then --config, --data
/// and --set), and the text encoder that it needs (null if it reads no text).
struct OpenBundle {
  model::Bundle bundle;
  std::unique_ptr<Config> config;
  std::unique_ptr<text::TextVectors> texts;
};
/// `not_sealed`: as in ConfigLayers.
[[nodiscard]] Result<OpenBundle> open_for_data(Session& session, const std::string& path,
                                               const std::string& data_folder,
                                               std::string_view not_sealed = {});
/// The same for a bundle that was just made.
[[nodiscard]] Result<OpenBundle> with_texts(Session& session, model::Bundle bundle,
                                            std::unique_ptr<Config> config);

/// Warns of columns that the bundle reads and that `dataset` lacks or has only empty, and adds
/// them to its findings: rows are then encoded as if nothing were known there.
void find_missing_columns(const Session& session, const features::Spec& spec,
                          data::Dataset& dataset);
/// load_data() and find_missing_columns().
[[nodiscard]] Result<data::LoadedDataset> load_for_bundle(const Session& session,
                                                          const OpenBundle& opened);

/// All users and items of a data set in the space of the bundle.
struct Embedded {
  recommend::EmbeddedUsers users;
  recommend::EmbeddedItems items;
};
[[nodiscard]] Result<Embedded> embed_data(Session& session, const OpenBundle& opened,
                                          const data::Dataset& dataset);

}  // namespace torii::cli

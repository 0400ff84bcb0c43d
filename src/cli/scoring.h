#pragma once

#include <memory>
#include <string>
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
[[nodiscard]] Result<OpenBundle> open_for_data(Session& session, const std::string& path,
                                               const std::string& data_folder);
/// The same for a bundle that was just made.
[[nodiscard]] Result<OpenBundle> with_texts(Session& session, model::Bundle bundle,
                                            std::unique_ptr<Config> config);

/// All users and items of a data set in the space of the bundle.
struct Embedded {
  recommend::EmbeddedUsers users;
  recommend::EmbeddedItems items;
};
[[nodiscard]] Result<Embedded> embed_data(Session& session, const OpenBundle& opened,
                                          const data::Dataset& dataset);

}  // namespace torii::cli

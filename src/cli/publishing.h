#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "cli/session.h"
#include "publish/options.h"
#include "store/feast_store.h"
#include "store/store.h"

namespace torii::cli {

/// Where `torii publish` writes: a store of torii's own, or a Feast repository.
struct PublishedStore {
  std::unique_ptr<store::Store> store;
  const store::FeastStore* feast = nullptr;  ///< the same, if it is one
};
[[nodiscard]] Result<PublishedStore> open_published(Session& session, const std::string& uri,
                                                    const publish::PublishOptions& options,
                                                    const std::filesystem::path& scratch);

/// What a commit did to the views of a Feast repository, as lines and as "views" of the document;
/// nothing for other stores.
[[nodiscard]] std::string views_text(const PublishedStore& opened);
void set_views(Json& document, const PublishedStore& opened);
/// Rows that are newer than the publication, and so not its own: kCheckFailed.
[[nodiscard]] std::optional<Error> find_kept(const PublishedStore& opened);

}  // namespace torii::cli

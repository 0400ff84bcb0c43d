#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "feast/service.h"
#include "store/store.h"

namespace torii::store {

/// Which views of a Feast repository a publication is written into; an empty name: not written.
struct FeastViews {
  std::string item_embedding = "item_embedding";
  std::string user_embedding = "user_embedding";
  std::string item_text = "item_textual_features_embed";
  std::string user_items = "user_items";
  /// URL of a Feast feature server that writes them; empty: torii writes the online store itself.
  std::string push;
};

/// What a commit did to the views.
struct FeastOutcome {
  struct View {
    std::string name;
    std::uint64_t written = 0;
    std::uint64_t left_out = 0;  ///< items without text, rows without a vector
    /// Stored rows of a time that is still to come (placeholders): replaced.
    std::uint64_t future = 0;
    std::string future_example;  ///< id of one of them
    /// Stored rows that are newer than the publication: not replaced.
    std::uint64_t kept = 0;
    std::string kept_example;
  };
  std::vector<View> views;
  [[nodiscard]] std::uint64_t kept() const;
};

/// A store that can only be published into: rows become those of a Feast repository's online store
/// as Feast itself would have written them, so that its clients find them. SQL stores: all views
/// and the publication's description change in one transaction. Redis: all of one user or item at
/// once. A feature server: batch after batch, and nothing is remembered, so every version is 1 and
/// current_version() 0. Calls other than shown(), current_version(), publications(),
/// begin_publication() and its draft's commit() are kUnsupported, as are tenants but the default.
///
/// The draft keeps its rows in a file of OpenOptions::scratch; memory is that of the items' ids.
/// commit() writes. A connection that is lost then is taken up again, for two minutes at most.
/// Errors besides the store's: kCheckFailed (a newer publication was committed meanwhile; nothing
/// was changed). Rows newer than the publication are no error: see outcome().
class FeastStore : public Store {
 public:
  /// Of the last commit.
  [[nodiscard]] virtual const FeastOutcome& outcome() const = 0;
};

/// Connects and looks at the tables. Errors: those of feast::find_written_view(), kNotFound (a
/// table is missing: says `feast apply`), kUnsupported (an online store that torii does not write),
/// those of the database.
[[nodiscard]] Result<std::unique_ptr<FeastStore>> open_feast(feast::Repo repo,
                                                             const FeastViews& views,
                                                             const Environment& environment,
                                                             const OpenOptions& options = {});

/// "feast:REPO", a folder or its yaml file.
[[nodiscard]] bool is_feast(std::string_view uri);
[[nodiscard]] std::string feast_place(std::string_view uri);

}  // namespace torii::store

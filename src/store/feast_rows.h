#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "feast/entity_key.h"
#include "feast/service.h"
#include "feast/text_lists.h"
#include "feast/value.h"
#include "store/feast_spool.h"

namespace torii::store {

/// What a view holds of a publication.
enum class FeastContent : std::uint8_t { kItemEmbedding, kUserEmbedding, kItemText, kUserItems };
inline constexpr std::size_t kFeastContents = 4;

/// A view that is written.
struct FeastTarget {
  FeastContent content = FeastContent::kItemEmbedding;
  feast::WrittenView names;
  const feast::FeatureView* view = nullptr;  ///< of the registry
  [[nodiscard]] bool of_items() const {
    return content == FeastContent::kItemEmbedding || content == FeastContent::kItemText;
  }
};

/// The rows of a publication on their way.
struct FeastRows {
  FeastSpool items, users;
  std::vector<std::string> item_ids;  ///< by dense index
  /// By content: rows that have something for such a view.
  std::array<std::uint64_t, kFeastContents> counts = {};
  [[nodiscard]] std::uint64_t count(FeastContent content) const {
    return counts[static_cast<std::size_t>(content)];
  }
  [[nodiscard]] const FeastSpool& spool(bool of_items) const { return of_items ? items : users; }
};

/// Goes through the items or the users.
class FeastRowReader {
 public:
  FeastRowReader(const FeastRows& rows, bool of_items)
      : rows_(rows), reader_(rows.spool(of_items)) {
    if (!of_items) lists_.emplace(rows.item_ids);
  }
  [[nodiscard]] Result<bool> next() { return reader_.next(row_); }
  [[nodiscard]] const std::string& id() const { return row_.id; }
  /// Of the current row, which is of the content's kind; nullopt: there is nothing. Never an empty
  /// vector.
  [[nodiscard]] std::optional<feast::Value> value(FeastContent content) const;
  /// The same, encoded.
  [[nodiscard]] std::optional<std::string> bytes(FeastContent content) const;

 private:
  const FeastRows& rows_;
  FeastSpool::Reader reader_;
  std::optional<feast::TextLists> lists_;  // of users
  SpooledRow row_;
};

/// Whether a row has something for such a view.
[[nodiscard]] bool has_content(FeastContent content, std::size_t embedding, std::size_t text);
/// The id in an entity key, for messages.
[[nodiscard]] std::string id_in_key(std::string_view entity_key);

}  // namespace torii::store

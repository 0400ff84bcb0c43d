#pragma once

#include <cstdint>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/json.h"
#include "store/store.h"

namespace torii::server {

/// Rows of Feast feature views that clients pushed, over what is published: {"top_k_item_ids":
/// ["a"]}. They are events of the type store::kPushedRowType and so as durable as events, go with
/// the user that they are of, and are never interactions. One row for each view and entity: the one
/// with the newest event time, of equal times the last. Threads: concurrent.
class PushedRows {
 public:
  struct Row {
    std::int64_t time_ms = 0;
    Json values;  ///< an object: feature -> value
  };

  /// The event that holds a row. `user`: whose it is; empty for rows of items.
  [[nodiscard]] static store::Record record_of(std::string_view view, std::string_view entity,
                                               std::string_view user, const Row& row);
  /// Takes the rows out of records, in the order of seq, and drops those of users who were erased.
  void apply(std::span<const store::Record> records);
  [[nodiscard]] std::optional<Row> find(std::string_view view, std::string_view entity) const;
  [[nodiscard]] std::size_t size() const;

 private:
  struct Kept {
    Row row;
    std::string user;
  };
  mutable std::shared_mutex mutex_;
  std::unordered_map<std::string, Kept> rows_;  ///< by view and entity; guarded by mutex_
};

}  // namespace torii::server

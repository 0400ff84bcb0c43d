#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/reporter.h"
#include "base/result.h"
#include "store/store.h"

namespace torii::publish {

/// An event as training reads it.
struct StoredEvent {
  std::string id;
  std::string user_id;
  std::string item_id;
  std::string type;
  std::int64_t time_ms = 0;
  float rating = 0.0F;    ///< NaN: none
  float quantity = 0.0F;  ///< NaN: none
};

/// Everything that a tenant's service was told, as it stands.
struct StoreRecords {
  std::map<std::string, Json> users;  ///< id -> attributes, with "preferences" if there are any
  std::map<std::string, Json> items;
  std::map<std::string, std::int64_t> deleted_users;  ///< id -> when
  std::map<std::string, std::int64_t> deleted_items;
  /// Deleted and told anew: id -> when deleted. What was of the id before holds no more.
  std::map<std::string, std::int64_t> returned_users;
  std::vector<StoredEvent> events;  ///< by time, then in the order in which they came
  std::uint64_t seq = 0;            ///< every record up to here is in
  /// Events that name no item (category choices: they stand with the user) or no user (anonymous
  /// sessions) make no row; records that are no JSON object of their kind are left out.
  std::uint64_t without_item = 0;
  std::uint64_t without_user = 0;
  std::uint64_t unreadable = 0;
};

/// Reads them all. Of a user who was deleted, events up to that moment are left out wherever they
/// come from. Memory: about 150 bytes an event. Errors: the store's, kCancelled.
[[nodiscard]] Result<StoreRecords> read_store_records(store::Store& store, std::string_view tenant,
                                                      Reporter& reporter);

}  // namespace torii::publish

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/thread_pool.h"
#include "recommend/edition.h"
#include "recommend/item_keys.h"
#include "recommend/live_encoder.h"
#include "recommend/trends.h"

namespace torii::recommend {

/// Makes the editions: a publication and, over it, the records of items and the trends of events.
/// Changed items leave their old place and stand, in the order of their last change, in segments
/// behind the publication; a segment is joined with the one before it as soon as it is half as
/// large, so that n changes cost O(n log n) however they come. One thread at a time.
class ItemOverlay {
 public:
  ItemOverlay(ItemKeys& keys, double half_life_ms) : keys_(keys), trends_(half_life_ms) {}

  /// Takes another publication; what was changed since its data holds over it.
  void adopt(std::shared_ptr<const LoadedPublication> publication,
             std::shared_ptr<const LiveEncoder> encoder);
  /// A record of an item. False if it cannot be read (nothing is changed).
  [[nodiscard]] bool change(const store::Record& record);
  /// The key of an item that an event names; positive events of items count as a trend.
  std::uint32_t touch(std::string_view item_id);
  void trend(std::uint32_t key, std::int64_t time_ms, std::int64_t now_ms) {
    trends_.add(key, time_ms, now_ms);
  }
  /// The edition with everything so far. Only after adopt().
  [[nodiscard]] std::shared_ptr<const Edition> commit(std::int64_t now_ms);

 private:
  struct State {
    std::uint64_t seq = 0;
    bool deleted = false;
    std::string attributes;  ///< as in the record
  };
  /// A segment behind the publication.
  struct Delta {
    std::shared_ptr<const Segment> segment;
    std::vector<std::uint32_t> keys;
    Bits alive;
    std::size_t alive_count = 0;
    std::uint32_t first = 0;
  };
  /// Rows of a segment to be, with their keys.
  struct Rows;

  void remove(std::uint32_t key);
  void place_changed(const std::vector<std::uint32_t>& changed);
  [[nodiscard]] Delta make_delta(Rows rows);
  void add_alive(const Delta& delta, Rows& rows) const;
  void join_deltas();
  void find_places();

  ItemKeys& keys_;
  Trends trends_;
  std::unordered_map<std::uint32_t, State> states_;
  std::vector<std::uint32_t> changed_;  ///< keys since the last commit, in order, may repeat

  std::shared_ptr<const LoadedPublication> publication_;
  std::shared_ptr<const LiveEncoder> encoder_;
  ThreadPool pool_{1};
  Bits alive_;  ///< of the publication's items
  std::size_t alive_count_ = 0;
  std::vector<Delta> deltas_;
  std::vector<std::uint32_t> places_;  ///< by key
  bool items_moved_ = true;            ///< since the last commit
  std::shared_ptr<const Edition> last_;
};

}  // namespace torii::recommend

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "recommend/edition.h"
#include "recommend/online.h"
#include "recommend/people.h"

namespace torii::recommend {

/// Why an item of somebody's own is left out.
enum class Why : std::uint8_t { kSeen, kBought, kNegative, kCart, kExcluded };
[[nodiscard]] const char* why_name(Why why);  ///< "seen", "bought", ...

struct OwnItem {
  std::uint32_t place = 0;
  Why why = Why::kSeen;
};

/// An event whose item is there.
struct PlacedEvent {
  std::uint32_t place = 0;
  std::uint16_t type = 0;  ///< name by Shop::State::types; kSessionType: of the request
  float weight = 0.0F;
  std::int64_t time_ms = 0;
};

/// Who asks, as far as it is known: what is searched by, and what is left out. Buffers are reused.
struct Asker {
  /// How the answer is found.
  enum class Way : std::uint8_t {
    kVector,   ///< by `query`
    kBlend,    ///< by `query` and the popular items of `wishes`, fused
    kPopular,  ///< popular and recent; those of `wishes` first
  };
  std::shared_ptr<const Edition> edition;
  Way way = Way::kPopular;
  Source source = Source::kFallback;
  std::optional<std::uint32_t> published;  ///< the person's row in the publication
  bool may_use_list = false;     ///< nothing but exclusions was asked of the published list
  std::span<const float> query;  ///< [D] or empty; into the publication or `vector`
  std::vector<float> vector;
  std::vector<std::string> wishes;
  std::vector<PlacedEvent> events;  ///< newest last
  std::size_t positive = 0;         ///< of `events`, with a weight
  bool described = false;           ///< the query comes from the user tower
  const char* reason = "";          ///< for people
  std::vector<OwnItem> own;         ///< what is left out beside filters; may repeat
  bool own_complete = false;        ///< what is published of it is in `own` (add_published_own())
  Json attributes;                  ///< if `described`: what the tower read
};

/// Adds what the publication says that the person has, once. A published list has none of it, so
/// answers from a list do without.
void add_published_own(const ShopRequest& request, Asker& asker);

}  // namespace torii::recommend

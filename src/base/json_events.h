#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace torii {

/// Told what a JSON text holds, in order, without a tree being built. A call that returns false
/// ends the reading. Texts live until the call returns.
class JsonEvents {
 public:
  virtual ~JsonEvents() = default;
  virtual bool null() = 0;
  virtual bool boolean(bool value) = 0;
  virtual bool integer(std::int64_t value) = 0;
  /// An integer beyond int64.
  virtual bool large_integer(std::uint64_t value) = 0;
  virtual bool number(double value) = 0;
  virtual bool text(std::string_view value) = 0;
  virtual bool begin_object() = 0;
  virtual bool key(std::string_view name) = 0;
  virtual bool end_object() = 0;
  virtual bool begin_array() = 0;
  virtual bool end_array() = 0;
};

enum class JsonRead { kDone, kStopped };

/// Reads one JSON value, which must be all of `text`. kStopped: a call returned false. Errors:
/// kInvalidArgument with place and reason ("not valid JSON near byte 12: ..."), also for more than
/// 200 levels and for text that is not UTF-8. Cost: one pass; no memory but the longest text.
[[nodiscard]] Result<JsonRead> read_json_events(std::string_view text, JsonEvents& events);

}  // namespace torii

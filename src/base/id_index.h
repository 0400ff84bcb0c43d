#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/string_array.h"

namespace torii {

/// Distinct external ids, in order: integers numerically, texts by bytes. The place of an id in
/// this order is its dense index. Ids are kept as text; `integers()` says how they were ordered.
class IdIndex {
 public:
  IdIndex() = default;
  /// `ids` in any order, with repetitions. If every one is an int64 in canonical form and
  /// `integers` is set, the order is numeric.
  IdIndex(std::vector<std::string> ids, bool integers);
  /// From an already ordered list (a bundle). Error if it is not strictly ascending.
  [[nodiscard]] static Result<IdIndex> from_ordered(StringArray ids, bool integers);

  [[nodiscard]] std::size_t size() const { return ids_.size(); }
  [[nodiscard]] std::string_view operator[](std::size_t index) const { return ids_[index]; }
  [[nodiscard]] std::optional<std::uint32_t> find(std::string_view id) const;
  [[nodiscard]] bool integers() const { return integers_; }
  [[nodiscard]] const StringArray& all() const { return ids_; }

 private:
  StringArray ids_;
  bool integers_ = false;
  std::vector<std::uint32_t> slots_;  // open addressing by hash64, index + 1, 0 = free
};

}  // namespace torii

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
  /// The same without a string object for each id.
  [[nodiscard]] static IdIndex build(const StringArray& ids, bool integers);
  /// From an already ordered list (a bundle). Error if it is not strictly ascending.
  [[nodiscard]] static Result<IdIndex> from_ordered(StringArray ids, bool integers);

  [[nodiscard]] std::size_t size() const { return ids_.size(); }
  [[nodiscard]] std::string_view operator[](std::size_t index) const { return ids_[index]; }
  [[nodiscard]] std::optional<std::uint32_t> find(std::string_view id) const;
  [[nodiscard]] bool integers() const { return integers_; }
  [[nodiscard]] const StringArray& all() const { return ids_; }

 private:
  void index();

  StringArray ids_;
  bool integers_ = false;
  std::vector<std::uint32_t> slots_;  // open addressing by hash64, index + 1, 0 = free
};

/// The number if `text` is an int64 exactly as it would be printed ("-5", "12"; not "007", "+1").
[[nodiscard]] std::optional<std::int64_t> canonical_integer(std::string_view text);

/// The places of `texts` in ascending order of bytes; equal texts keep their order. Compares
/// 8-byte prefixes first, so a million short ids take about 0.2 s.
[[nodiscard]] std::vector<std::uint32_t> order_by_bytes(const StringArray& texts);

}  // namespace torii

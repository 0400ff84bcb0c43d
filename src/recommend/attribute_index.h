#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/id_index.h"
#include "recommend/bits.h"
#include "recommend/filter.h"

namespace torii::recommend {

/// The attributes of n items by key and value: answers a filter with one bit an item. A condition
/// costs time of the bits; what few items have, and the ends of a range, of these items besides.
/// Agrees with passes() for every filter. Immutable, shared.
class AttributeIndex {
 public:
  AttributeIndex() = default;

  class Builder {
   public:
    Builder();
    ~Builder();
    /// The next item; attributes that are no object count as none.
    void add(const Json& attributes);
    [[nodiscard]] AttributeIndex build() &&;

   private:
    struct State;
    std::unique_ptr<State> state_;
  };

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] Bits match(const Filter& filter) const;

  /// Items with that text (several values: among them), ascending. Empty if there are none.
  [[nodiscard]] std::span<const std::uint32_t> items_with(std::string_view key,
                                                          std::string_view text) const;
  /// Every text of a key with its items, by bytes; numbers and yes/no as a person writes them.
  void each_value(std::string_view key,
                  const std::function<void(std::string_view text,
                                           std::span<const std::uint32_t> items)>& call) const;
  [[nodiscard]] std::vector<std::string> keys() const;
  [[nodiscard]] std::uint64_t bytes() const;

 private:
  /// Numbers or times, ascending by value.
  struct Ordered {
    std::vector<double> values;
    std::vector<std::uint32_t> items;
    /// marks[m]: the items of the first m * stride entries. Only of long lists in which no item
    /// stands twice.
    std::vector<Bits> marks;
    std::size_t stride = 0;

    void mark(std::size_t size);
    /// Sets the bits of entries [first, last); `bits` has none set.
    void add_range(std::size_t first, std::size_t last, Bits& bits) const;
  };
  struct Key {
    IdIndex values;                          ///< value_key() of each, ascending
    std::vector<std::uint32_t> offsets;      ///< [V+1]
    std::vector<std::uint32_t> items;        ///< value v has items[offsets[v] .. offsets[v+1])
    std::map<std::uint32_t, Bits> frequent;  ///< the same of values that many items have
    Ordered numbers, times;
    Bits present;  ///< items that have any value
  };
  void match_condition(const Condition& condition, Bits& bits) const;
  [[nodiscard]] static std::span<const std::uint32_t> items_of(const Key& key, std::uint32_t place);

  std::size_t size_ = 0;
  std::map<std::string, Key, std::less<>> keys_;
};

}  // namespace torii::recommend

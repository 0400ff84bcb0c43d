#pragma once

#include <span>
#include <vector>

#include "recommend/edition.h"
#include "recommend/rules.h"

namespace torii::recommend {

/// Items that have the same boosts.
struct BoostClass {
  Bits mask;
  double boost = 0.0;
};

/// Parts `allowed` by the boosts that an item gets; no class is empty. nullopt if there are more
/// than `classes_max`.
[[nodiscard]] std::optional<std::vector<BoostClass>> boost_classes(
    const Edition& edition, std::span<const Rules::Boost> boosts, BitsView allowed,
    std::size_t classes_max);

/// The boosts of one place, added in their order.
class Boosts {
 public:
  Boosts(const Edition& edition, std::span<const Rules::Boost> boosts);
  [[nodiscard]] double of(std::uint32_t place) const;

 private:
  std::span<const Rules::Boost> boosts_;
  std::vector<Bits> matching_;
};

}  // namespace torii::recommend

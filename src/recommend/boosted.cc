#include "recommend/boosted.h"

#include <algorithm>

namespace torii::recommend {
namespace {

Bits matching(const Edition& edition, const Filter& filter) {
  Bits bits = *edition.alive;
  edition.keep_matching(filter, bits);
  return bits;
}

}  // namespace

std::optional<std::vector<BoostClass>> boost_classes(const Edition& edition,
                                                     std::span<const Rules::Boost> boosts,
                                                     BitsView allowed, std::size_t classes_max) {
  const auto is_empty = [](const BoostClass& one) {
    return std::ranges::all_of(one.mask, [](std::uint64_t word) { return word == 0; });
  };
  std::vector<BoostClass> classes = {{Bits(allowed.begin(), allowed.end()), 0.0}};
  for (const Rules::Boost& boost : boosts) {
    const Bits bits = matching(edition, boost.filter);
    const std::size_t before = classes.size();
    for (std::size_t i = 0; i < before; ++i) {
      BoostClass with{classes[i].mask, classes[i].boost + boost.add};
      keep_common(with.mask, bits);
      take_away(classes[i].mask, bits);
      classes.push_back(std::move(with));
    }
    std::erase_if(classes, is_empty);
    if (classes.size() > classes_max) return std::nullopt;
  }
  std::erase_if(classes, is_empty);
  return classes;
}

Boosts::Boosts(const Edition& edition, std::span<const Rules::Boost> boosts) : boosts_(boosts) {
  for (const Rules::Boost& boost : boosts) matching_.push_back(matching(edition, boost.filter));
}

double Boosts::of(std::uint32_t place) const {
  double sum = 0.0;
  for (std::size_t i = 0; i < boosts_.size(); ++i) {
    if (test_bit(matching_[i], place)) sum += boosts_[i].add;
  }
  return sum;
}

}  // namespace torii::recommend

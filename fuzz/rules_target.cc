#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/check.h"
#include "fuzz/target.h"
#include "recommend/online.h"
#include "support/shop_world.h"

namespace torii::fuzz {
namespace {

using namespace recommend;  // NOLINT: the subject

constexpr std::size_t kAsked = 12;
constexpr std::size_t kRulesMax = 32;

// One shop of 40 items for all inputs.
struct World {
  recommend::testing::ShopWorld made{{.seed = 7}};
  Shop shop{ShopOptions(),
            {.now_ms = [] { return std::int64_t{1'000'000}; },
             .open_texts = [this](const model::Bundle&) { return made.texts; }}};
  std::unique_ptr<Shop::Workspace, void (*)(Shop::Workspace*)> workspace;
  World() : workspace(adopted().make_workspace()) {}

 private:
  const Shop& adopted() {
    TORII_CHECK(shop.adopt(made.publication).ok(), "the shop opens");
    return shop;
  }
};

void check_limits(const Rules& rules) {
  TORII_CHECK(rules.boosts.size() <= kRulesMax && rules.caps.size() <= kRulesMax &&
                  rules.pins.size() <= kRulesMax,
              "there are few rules");
  TORII_CHECK(rules.diversity >= 0.0 && rules.diversity <= 1.0, "diversity is a share");
  for (const Rules::Boost& boost : rules.boosts) {
    TORII_CHECK(std::isfinite(boost.add), "a boost is a number");
  }
  for (const Rules::Cap& cap : rules.caps) {
    TORII_CHECK(cap.count >= 1 && !cap.key.empty(), "a cap leaves something");
  }
  for (const Rules::Pin& pin : rules.pins) {
    TORII_CHECK(pin.place < 1000 && !pin.item_id.empty(), "a pin stands in the list");
  }
}

}  // namespace

// Input: the rules of a request, which are then obeyed for a known user and for nobody.
void run_rules(std::string_view input) {
  const auto json = Json::parse(input, "rules", Json::DuplicateKeys::kRefuse);
  if (!json.ok()) return;
  const auto rules = parse_rules(*json);
  if (!rules.ok()) {
    TORII_CHECK(rules.error().code == ErrorCode::kInvalidArgument, "the sender is told why");
    return;
  }
  check_limits(*rules);
  static World world;
  for (const char* user : {"u001", ""}) {
    ShopAnswer answer;
    const auto outcome = world.shop.recommend({.user_id = user, .k = kAsked, .rules = &*rules},
                                              *world.workspace, answer);
    TORII_CHECK(outcome.ok(), "rules that were taken are obeyed");
    TORII_CHECK(answer.items.size() <= kAsked, "no more than was asked for");
    std::vector<std::uint32_t> places;
    for (const retrieval::Scored& entry : answer.items) {
      TORII_CHECK(std::isfinite(entry.score), "a score is a number");
      places.push_back(entry.item);
    }
    std::ranges::sort(places);
    TORII_CHECK(std::ranges::adjacent_find(places) == places.end(), "no item comes twice");
  }
}

}  // namespace torii::fuzz

#include "cli/generate_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>

namespace torii::cli {
namespace {

// Streams of random numbers: one for each thing that is made, so that nothing depends on the order
// in which things are made.
enum Stream : std::uint64_t {
  kOfTastes = 1,
  kOfItems = 2,
  kOfUsers = 3,
  kOfRows = 4,
  kOfCounts = 5
};
Random stream(std::uint64_t seed, Stream kind, std::uint64_t number) {
  return Random(seed, mix64(mix64(kind) ^ number));
}

constexpr double kTasteShare = 0.85;   // looks that follow the taste
constexpr double kSecondTaste = 0.25;  // of those, the second one
constexpr int kTriesMax = 8;           // for a thing that suits; then the last one is taken
constexpr double kTailExponent = 1.1;  // of the items' weights (Pareto)
constexpr double kWeightMax = 3000.0;
constexpr double kActivitySpread = 1.1;  // of the logarithm of rows per user
constexpr double kActivityMax = 40.0;    // times the median
constexpr std::int64_t kMinute = 60'000;
constexpr std::int64_t kDay = 24 * 60 * kMinute;

std::uint8_t byte(std::uint64_t value) {
  return static_cast<std::uint8_t>(value);
}

// A place of `shares` (which sum to about 1).
template <class Shares>
std::size_t draw(const Shares& shares, Random& random) {
  double left = random.uniform();
  for (std::size_t i = 0; i + 1 < shares.size(); ++i) {
    left -= shares[i];
    if (left < 0.0) return i;
  }
  return shares.size() - 1;
}

// Shelves are not of one size: the first has about four times the things of the last.
std::size_t draw_shelf(Random& random) {
  const double x = random.uniform();
  const double skewed = x * (0.4 + 0.6 * x);
  return std::min(static_cast<std::size_t>(skewed * kShelves.size()), kShelves.size() - 1);
}

std::int64_t between(std::int64_t begin, std::int64_t end, Random& random) {
  return begin + static_cast<std::int64_t>(random.uniform() * static_cast<double>(end - begin));
}

}  // namespace

Result<void> check_size(const WorldSize& size) {
  const auto check = [](const char* flag, std::uint64_t value, std::uint64_t max) -> Result<void> {
    if (value >= 1 && value <= max) return {};
    return invalid("{}: expected 1 to {}, found {}", flag, max, value);
  };
  TORII_TRY_VOID(check("--users", size.users, 100'000'000));
  TORII_TRY_VOID(check("--items", size.items, 10'000'000));
  return check("--interactions", size.interactions, 4'000'000'000);
}

std::uint32_t World::Bucket::draw(Random& random) const {
  const double point = random.uniform() * until.back();
  const auto it = std::upper_bound(until.begin(), until.end(), point);
  const auto place =
      std::min<std::ptrdiff_t>(it - until.begin(), static_cast<std::ptrdiff_t>(until.size()) - 1);
  return items[static_cast<std::size_t>(place)];
}

World::World(const WorldSize& size)
    : size_(size), brands_(std::clamp<std::size_t>(size.items / 100, 12, 2000)) {
  make_tastes();
  make_items();
  fill_buckets();
  share_out_rows();
}

void World::make_tastes() {
  for (std::size_t t = 0; t < kTastes; ++t) {
    Random random = stream(size_.seed, kOfTastes, t);
    Taste& taste = tastes_[t];
    // Every shelf is the first one of some taste.
    taste.shelves = {byte(t % kShelves.size()), byte(random.below(kShelves.size())),
                     byte(random.below(kShelves.size()))};
    taste.styles = {byte(random.below(kStyles.size())), byte(random.below(kStyles.size()))};
    taste.price = static_cast<float>(random.below(3)) - 1.0F;
    taste.age = byte(20 + random.below(50));
    taste.country = byte(random.below(kCountries.size()));
  }
}

void World::make_items() {
  items_.resize(size_.items);
  for (std::size_t i = 0; i < items_.size(); ++i) {
    Random random = stream(size_.seed, kOfItems, i);
    WorldItem& item = items_[i];
    item.shelf = byte(draw_shelf(random));
    item.style = byte(random.below(kStyles.size()));
    item.material = byte(random.below(kMaterials.size()));
    item.noun = byte(random.below(kShelfNouns));
    item.word = byte(random.below(kStyleWords));
    const double x = random.uniform();
    item.brand = static_cast<std::uint32_t>(x * x * static_cast<double>(brands_));
    // The dearer brands and the luxury style stand above the median of their shelf.
    const double dear = (kStyles[item.style].name == "luxury" ? 0.8 : 0.0) +
                        0.4 * (static_cast<double>(mix64(item.brand) % 5) - 2.0) / 2.0;
    item.price_level = static_cast<float>(0.8 * random.normal() + dear);
    const double price = kShelves[item.shelf].price * std::exp(0.5 * item.price_level);
    item.price = std::max(0.99, std::floor(price) + 0.99);
    item.quality = static_cast<float>(random.normal());
    const double luck = std::max(random.uniform(), 1e-12);
    item.weight = static_cast<float>(std::min(std::pow(luck, -1.0 / kTailExponent), kWeightMax));
    const bool is_old = random.uniform() < 0.85;
    item.created_ms = is_old ? between(kYearBegin - 1000 * kDay, kYearBegin, random)
                             : between(kYearBegin, kYearEnd - 10 * kDay, random);
    item.in_stock = random.uniform() < 0.96;
  }
}

void World::fill_buckets() {
  const auto add = [](Bucket& bucket, std::uint32_t number, double weight) {
    bucket.items.push_back(number);
    bucket.until.push_back((bucket.until.empty() ? 0.0 : bucket.until.back()) + weight);
  };
  buckets_.resize(kShelves.size() * kStyles.size());
  for (std::uint32_t i = 0; i < items_.size(); ++i) {
    const WorldItem& item = items_[i];
    add(buckets_[item.shelf * kStyles.size() + item.style], i, item.weight);
    add(everything_, i, item.weight);
  }
}

void World::share_out_rows() {
  std::vector<double> until(size_.users + 1, 0.0);
  for (std::uint64_t u = 0; u < size_.users; ++u) {
    Random random = stream(size_.seed, kOfCounts, u);
    const double activity = std::min(std::exp(kActivitySpread * random.normal()), kActivityMax);
    until[u + 1] = until[u] + activity;
  }
  // Rounded sums, so that the shares add up to the whole.
  rows_before_.resize(size_.users + 1, 0);
  const double rows = static_cast<double>(size_.interactions);
  for (std::uint64_t u = 1; u < size_.users; ++u) {
    rows_before_[u] = static_cast<std::uint64_t>(rows * (until[u] / until.back()));
  }
  rows_before_.back() = size_.interactions;
}

WorldUser World::user(std::uint64_t number) const {
  Random random = stream(size_.seed, kOfUsers, number);
  WorldUser user;
  const std::size_t taste = random.below(kTastes);
  const Taste& first = tastes_[taste];
  user.tastes = {byte(taste), byte(random.below(kTastes))};
  const double age = first.age + 9.0 * random.normal();
  user.age = byte(static_cast<std::uint64_t>(std::clamp(age, 16.0, 90.0)));
  std::array<double, kCountries.size()> shares{};
  for (std::size_t c = 0; c < shares.size(); ++c) shares[c] = kCountries[c].share;
  user.country = random.uniform() < 0.4 ? first.country : byte(draw(shares, random));
  user.newsletter = random.uniform() < 0.3;
  user.signup_ms = random.uniform() < 0.7 ? between(kYearBegin - 700 * kDay, kYearBegin, random)
                                          : between(kYearBegin, kYearEnd - 20 * kDay, random);
  if (random.uniform() < 0.6) {  // tells what the taste is, on the whole
    user.interests.push_back(first.shelves[0]);
    if (random.uniform() < 0.5) user.interests.push_back(first.shelves[1]);
    if (random.uniform() < 0.2) user.interests.push_back(byte(random.below(kShelves.size())));
    std::sort(user.interests.begin(), user.interests.end());
    user.interests.erase(std::unique(user.interests.begin(), user.interests.end()),
                         user.interests.end());
  }
  return user;
}

bool World::suits(const Taste& taste, std::size_t number, const WorldItem& item,
                  Random& random) const {
  // Every taste likes a third of the brands.
  const bool likes_brand = mix64(mix64(number + 1) ^ item.brand) % 3 == 0;
  double chance = likes_brand ? 1.0 : 0.3;
  chance /= 1.0 + std::exp(-2.0 * (taste.price == 0.0F ? 0.5 - std::abs(item.price_level)
                                                       : taste.price * item.price_level));
  return random.uniform() < chance;
}

std::uint32_t World::draw_item(const WorldUser& user, std::int64_t time_ms, bool by_taste,
                               Random& random) const {
  constexpr std::array<double, 3> kShelfShares = {0.55, 0.30, 0.15};
  constexpr std::array<double, 2> kStyleShares = {0.65, 0.35};
  std::uint32_t item = 0;
  for (int attempt = 0; attempt < kTriesMax; ++attempt) {
    if (!by_taste) {
      item = everything_.draw(random);
    } else {
      const std::size_t number = user.tastes[random.uniform() < kSecondTaste ? 1 : 0];
      const Taste& taste = tastes_[number];
      const std::size_t shelf = taste.shelves[draw(kShelfShares, random)];
      const std::size_t style = taste.styles[draw(kStyleShares, random)];
      const Bucket& bucket = buckets_[shelf * kStyles.size() + style];
      const bool is_empty = bucket.items.empty();  // in a small shop
      item = (is_empty ? everything_ : bucket).draw(random);
      if (!is_empty && !suits(taste, number, items_[item], random)) continue;
    }
    if (items_[item].created_ms <= time_ms) break;
  }
  return item;
}

std::vector<WorldRow> World::rows(std::uint64_t number) const {
  const std::size_t count = rows_before_[number + 1] - rows_before_[number];
  std::vector<WorldRow> rows;
  if (count == 0) return rows;
  rows.reserve(count + 4);
  const WorldUser user = this->user(number);
  Random random = stream(size_.seed, kOfRows, number);
  std::unordered_set<std::uint32_t> known;
  const std::int64_t begin = std::max(user.signup_ms, kYearBegin);
  while (rows.size() < count) {
    std::int64_t time = between(begin, kYearEnd, random);
    const bool by_taste = random.uniform() < kTasteShare;
    std::uint32_t item = draw_item(user, time, by_taste, random);
    for (int again = 0; again < 3 && known.contains(item); ++again) {
      item = draw_item(user, time, by_taste, random);
    }
    known.insert(item);
    const WorldItem& facts = items_[item];
    time = std::max(time, facts.created_ms);
    const auto add = [&](WorldEvent event) -> WorldRow& {
      rows.push_back({.item = item, .event = event, .time_ms = time});
      time += kMinute / 2 + static_cast<std::int64_t>(random.below(4 * kMinute));
      return rows.back();
    };
    add(WorldEvent::kView);
    if (!by_taste) {
      if (random.uniform() < 0.3) add(WorldEvent::kNegative);
      continue;
    }
    if (random.uniform() > 0.5) continue;
    add(WorldEvent::kClick);
    if (random.uniform() > 0.35) continue;
    add(WorldEvent::kCart);
    if (random.uniform() > 0.6) continue;
    add(WorldEvent::kPurchase).quantity = byte(1 + (random.below(10) == 0 ? random.below(3) : 0));
    const double pleased = 3.9 + 0.8 * facts.quality + 0.7 * random.normal();
    time += 3 * kDay;
    if (pleased < 2.5 && random.uniform() < 0.5) {
      add(WorldEvent::kReturn);
    } else if (random.uniform() < 0.25) {
      add(WorldEvent::kRate).rating =
          byte(static_cast<std::uint64_t>(std::clamp(std::round(pleased), 1.0, 5.0)));
    }
  }
  rows.resize(count);
  std::stable_sort(rows.begin(), rows.end(),
                   [](const WorldRow& a, const WorldRow& b) { return a.time_ms < b.time_ms; });
  return rows;
}

std::string World::brand_name(std::uint32_t brand) const {
  const std::size_t names = kBrandBeginnings.size() * kBrandEndings.size();
  const std::size_t place = (brand * 97U) % names;  // 97 and 288 have no common divisor
  std::string name = fmt::format("{}{}", kBrandBeginnings[place / kBrandEndings.size()],
                                 kBrandEndings[place % kBrandEndings.size()]);
  if (brand >= names) name += fmt::format(" {}", brand / names + 1);
  return name;
}

std::string World::title(const WorldItem& item) {
  std::string title = fmt::format("{} {} {}", kStyles[item.style].words[item.word],
                                  kMaterials[item.material], kShelves[item.shelf].nouns[item.noun]);
  title.front() = static_cast<char>(title.front() - 'a' + 'A');
  return title;
}

}  // namespace torii::cli

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "cli/generate_words.h"

/// A synthetic shop whose people have a taste that is known. Everybody belongs to two of
/// kTastes tastes; a taste is a set of shelves, styles, brands and a level of prices. Most looks
/// follow it, some follow what is popular. Age and country tell something of the taste, so that
/// features alone are worth something too; titles, tags and brands tell of the things.
namespace torii::cli {

inline constexpr std::size_t kTastes = 24;

struct WorldSize {
  std::uint64_t users = 0;
  std::uint64_t items = 0;
  std::uint64_t interactions = 0;
  std::uint64_t seed = 0;
};
/// kInvalidArgument: 1 to 100 million users, 1 to 10 million items, 1 to 4 billion interactions.
[[nodiscard]] Result<void> check_size(const WorldSize& size);

/// The year that the shop's events lie in: 2025-01-01 to 2025-12-31 UTC, ms.
inline constexpr std::int64_t kYearBegin = 1'735'689'600'000;
inline constexpr std::int64_t kYearEnd = 1'767'225'600'000;

struct WorldItem {
  std::uint8_t shelf = 0;
  std::uint8_t style = 0;
  std::uint8_t material = 0;
  std::uint8_t noun = 0;
  std::uint8_t word = 0;     ///< of the style
  std::uint32_t brand = 0;   ///< below World::brands()
  float weight = 0.0F;       ///< how often it is looked at, beside others: a long tail
  float price_level = 0.0F;  ///< price over the median of the shelf: logarithm, in deviations
  float quality = 0.0F;      ///< standard normal
  double price = 0.0;
  std::int64_t created_ms = 0;
  bool in_stock = true;
};

struct WorldUser {
  std::array<std::uint8_t, 2> tastes{};  ///< the first counts three times as much
  std::uint8_t country = 0;
  std::uint8_t age = 0;
  bool newsletter = false;
  std::int64_t signup_ms = 0;
  std::vector<std::uint8_t> interests;  ///< shelves that the user names; some name none
};

/// Something that somebody does, in the order of rows.
enum class WorldEvent : std::uint8_t { kView, kClick, kCart, kPurchase, kReturn, kRate, kNegative };
inline constexpr std::array<std::string_view, 7> kWorldEvents = {
    "view", "click", "cart", "purchase", "return", "rate", "negative_view"};
struct WorldRow {
  std::uint32_t item = 0;
  WorldEvent event = WorldEvent::kView;
  std::int64_t time_ms = 0;
  std::uint8_t rating = 0;    ///< 1 to 5; 0 = none
  std::uint8_t quantity = 0;  ///< 0 = none
};

/// All items, and how many rows everybody has; people and their rows are made when they are asked
/// for. The same size and seed make the same shop. Memory: about 50 bytes an item, 8 a user.
/// Threads: const, concurrent.
class World {
 public:
  explicit World(const WorldSize& size);  ///< check_size() said yes

  [[nodiscard]] const WorldSize& size() const { return size_; }
  [[nodiscard]] const std::vector<WorldItem>& items() const { return items_; }
  [[nodiscard]] std::size_t brands() const { return brands_; }
  [[nodiscard]] WorldUser user(std::uint64_t user) const;
  /// Rows of all users before this one: [0, size().users]; the whole is size().interactions.
  [[nodiscard]] std::uint64_t rows_before(std::uint64_t user) const { return rows_before_[user]; }
  /// The rows of a user, by time; rows_before(user + 1) - rows_before(user) of them.
  [[nodiscard]] std::vector<WorldRow> rows(std::uint64_t user) const;

  [[nodiscard]] std::string brand_name(std::uint32_t brand) const;
  [[nodiscard]] static std::string title(const WorldItem& item);

 private:
  struct Taste {
    std::array<std::uint8_t, 3> shelves{};
    std::array<std::uint8_t, 2> styles{};
    float price = 0.0F;    ///< -1, 0 or 1: what things may cost
    std::uint8_t age = 0;  ///< of the middle of its people
    std::uint8_t country = 0;
  };
  /// Items that are drawn by their weight.
  struct Bucket {
    std::vector<std::uint32_t> items;
    std::vector<double> until;  ///< sums of weights
    [[nodiscard]] std::uint32_t draw(Random& random) const;
  };
  void make_tastes();
  void make_items();
  void fill_buckets();
  void share_out_rows();
  [[nodiscard]] std::uint32_t draw_item(const WorldUser& user, std::int64_t time_ms, bool by_taste,
                                        Random& random) const;
  [[nodiscard]] bool suits(const Taste& taste, std::size_t number, const WorldItem& item,
                           Random& random) const;

  WorldSize size_;
  std::size_t brands_ = 0;
  std::array<Taste, kTastes> tastes_{};
  std::vector<WorldItem> items_;
  std::vector<Bucket> buckets_;  ///< [shelf * styles + style]
  Bucket everything_;
  std::vector<std::uint64_t> rows_before_;  ///< [U + 1]
};

}  // namespace torii::cli

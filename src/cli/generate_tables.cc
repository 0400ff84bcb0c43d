#include "cli/generate_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "cli/layout.h"
#include "data/parquet_blocks.h"
#include "data/table.h"

namespace torii::cli {
namespace {

using data::Column;
using data::ColumnType;
using data::Table;

constexpr std::uint64_t kBlockEntities = 100'000;
constexpr std::uint64_t kBlockRows = 250'000;

// Columns that grow row by row.
struct Texts {
  StringArray values;
  void add(std::string_view text) { values.push_back(text); }
  [[nodiscard]] Column column(std::string name) && {
    return {std::move(name), ColumnType::kString, std::move(values), {}};
  }
};
struct TextLists {
  data::StringLists lists;
  std::vector<std::uint8_t> valid;
  void add(std::string_view text) { lists.values.push_back(text); }
  void end_row() {
    valid.push_back(lists.values.size() > lists.offsets.back());
    lists.offsets.push_back(lists.values.size());
  }
  [[nodiscard]] Column column(std::string name) && {
    return {std::move(name), ColumnType::kStringList, std::move(lists), std::move(valid)};
  }
};

Table users_table(const World& world, std::uint64_t first, std::uint64_t last) {
  Texts ids;
  Texts countries;
  TextLists interests;
  std::vector<std::int64_t> ages;
  std::vector<std::int64_t> signups;
  std::vector<std::uint8_t> newsletters;
  for (std::uint64_t u = first; u < last; ++u) {
    const WorldUser user = world.user(u);
    ids.add(fmt::format("u{}", u + 1));
    ages.push_back(user.age);
    countries.add(kCountries[user.country].code);
    newsletters.push_back(user.newsletter ? 1 : 0);
    signups.push_back(user.signup_ms);
    for (const std::uint8_t shelf : user.interests) interests.add(kShelves[shelf].name);
    interests.end_row();
  }
  std::vector<Column> columns;
  columns.push_back(std::move(ids).column("user_id"));
  columns.push_back({"age", ColumnType::kInt64, std::move(ages), {}});
  columns.push_back(std::move(countries).column("country"));
  columns.push_back({"newsletter", ColumnType::kBool, std::move(newsletters), {}});
  columns.push_back({"signup", ColumnType::kTimestamp, std::move(signups), {}});
  columns.push_back(std::move(interests).column("interests"));
  return Table(std::move(columns), "users");
}

Table items_table(const World& world, std::uint64_t first, std::uint64_t last) {
  Texts ids;
  Texts titles;
  Texts categories;
  Texts brands;
  TextLists tags;
  std::vector<double> prices;
  std::vector<std::uint8_t> in_stock;
  std::vector<std::int64_t> created;
  for (std::uint64_t i = first; i < last; ++i) {
    const WorldItem& item = world.items()[i];
    ids.add(fmt::format("i{}", i + 1));
    titles.add(World::title(item));
    categories.add(kShelves[item.shelf].name);
    brands.add(world.brand_name(item.brand));
    prices.push_back(item.price);
    tags.add(kStyles[item.style].name);
    tags.add(kMaterials[item.material]);
    tags.end_row();
    in_stock.push_back(item.in_stock ? 1 : 0);
    created.push_back(item.created_ms);
  }
  std::vector<Column> columns;
  columns.push_back(std::move(ids).column("item_id"));
  columns.push_back(std::move(titles).column("title"));
  columns.push_back(std::move(categories).column("category"));
  columns.push_back(std::move(brands).column("brand"));
  columns.push_back({"price", ColumnType::kFloat64, std::move(prices), {}});
  columns.push_back(std::move(tags).column("tags"));
  columns.push_back({"in_stock", ColumnType::kBool, std::move(in_stock), {}});
  columns.push_back({"created", ColumnType::kTimestamp, std::move(created), {}});
  return Table(std::move(columns), "items");
}

Table interactions_table(const World& world, std::uint64_t first, std::uint64_t last) {
  const std::size_t count = world.rows_before(last) - world.rows_before(first);
  Texts users;
  Texts items;
  Texts types;
  std::vector<std::int64_t> times;
  std::vector<std::int64_t> ratings;
  std::vector<std::int64_t> quantities;
  std::vector<std::uint8_t> rated;
  std::vector<std::uint8_t> counted;
  for (auto* numbers : {&times, &ratings, &quantities}) numbers->reserve(count);
  for (auto* flags : {&rated, &counted}) flags->reserve(count);
  std::string name;
  for (std::uint64_t u = first; u < last; ++u) {
    const std::string user = fmt::format("u{}", u + 1);
    for (const WorldRow& row : world.rows(u)) {
      users.add(user);
      name.assign("i");
      fmt::format_to(std::back_inserter(name), "{}", row.item + 1);
      items.add(name);
      times.push_back(row.time_ms);
      types.add(kWorldEvents[static_cast<std::size_t>(row.event)]);
      ratings.push_back(row.rating);
      rated.push_back(row.rating > 0 ? 1 : 0);
      quantities.push_back(row.quantity);
      counted.push_back(row.quantity > 0 ? 1 : 0);
    }
  }
  std::vector<Column> columns;
  columns.push_back(std::move(users).column("user_id"));
  columns.push_back(std::move(items).column("item_id"));
  columns.push_back({"timestamp", ColumnType::kTimestamp, std::move(times), {}});
  columns.push_back(std::move(types).column("interaction_type"));
  columns.push_back({"rating", ColumnType::kInt64, std::move(ratings), std::move(rated)});
  columns.push_back({"quantity", ColumnType::kInt64, std::move(quantities), std::move(counted)});
  return Table(std::move(columns), "interactions");
}

// Where the blocks of a table begin, the end behind them.
std::vector<std::uint64_t> even_blocks(std::uint64_t count) {
  std::vector<std::uint64_t> begins;
  for (std::uint64_t at = 0; at < count; at += kBlockEntities) begins.push_back(at);
  begins.push_back(count);
  return begins;
}

// Users with about kBlockRows rows together.
std::vector<std::uint64_t> blocks_of_users(const World& world) {
  std::vector<std::uint64_t> begins = {0};
  for (std::uint64_t u = 1; u < world.size().users; ++u) {
    if (world.rows_before(u + 1) - world.rows_before(begins.back()) > kBlockRows) {
      begins.push_back(u);
    }
  }
  begins.push_back(world.size().users);
  return begins;
}

using MakeBlock = std::function<Table(std::uint64_t first, std::uint64_t last)>;
struct TableJob {
  const char* unit;
  std::filesystem::path path;
  std::vector<std::uint64_t> begins;
  std::uint64_t total = 0;
  MakeBlock make;
};

// Blocks are made one for each thread at a time, and written in their order.
Result<void> write_blocks(const TableJob& job, ThreadPool& pool, Reporter& reporter) {
  const std::size_t blocks = job.begins.size() - 1;
  std::vector<std::optional<Table>> made;
  std::size_t next_made = 0;
  std::size_t begun = 0;
  std::uint64_t written = 0;
  reporter.begin(job.path.filename().string(), job.total, job.unit);
  const auto next = [&]() -> Result<std::optional<Table>> {
    if (reporter.cancelled()) return make_error(ErrorCode::kCancelled, "interrupted");
    reporter.progress(written, "");
    if (next_made == made.size()) {
      const auto count = std::min(blocks - begun, static_cast<std::size_t>(pool.threads()));
      if (count == 0) return std::optional<Table>();
      made.clear();
      made.resize(count);
      pool.run(count, [&](std::size_t task, std::size_t) {
        made[task] = job.make(job.begins[begun + task], job.begins[begun + task + 1]);
      });
      begun += count;
      next_made = 0;
    }
    std::optional<Table> block = std::move(made[next_made]);
    made[next_made++].reset();
    written += block->rows();
    return block;
  };
  TORII_TRY_VOID(data::write_parquet_blocks(job.path, next));
  reporter.end(fmt::format("{} {}", grouped(written), job.unit));
  return {};
}

}  // namespace

Result<void> write_world(const World& world, const std::filesystem::path& folder, ThreadPool& pool,
                         Reporter& reporter) {
  const auto with = [&](Table (*make)(const World&, std::uint64_t, std::uint64_t)) -> MakeBlock {
    return [&world, make](std::uint64_t first, std::uint64_t last) {
      return make(world, first, last);
    };
  };
  const WorldSize& size = world.size();
  TORII_TRY_VOID(write_blocks({.unit = "users",
                               .path = folder / kGeneratedTables[0],
                               .begins = even_blocks(size.users),
                               .total = size.users,
                               .make = with(users_table)},
                              pool, reporter));
  TORII_TRY_VOID(write_blocks({.unit = "items",
                               .path = folder / kGeneratedTables[1],
                               .begins = even_blocks(size.items),
                               .total = size.items,
                               .make = with(items_table)},
                              pool, reporter));
  return write_blocks({.unit = "rows",
                       .path = folder / kGeneratedTables[2],
                       .begins = blocks_of_users(world),
                       .total = size.interactions,
                       .make = with(interactions_table)},
                      pool, reporter);
}

}  // namespace torii::cli

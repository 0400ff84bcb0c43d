#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>

#include "base/thread_pool.h"
#include "data/bad_rows.h"
#include "data/dataset_tables.h"
#include "data/fingerprint.h"
#include "data/interaction_columns.h"
#include "data/interactions.h"
#include "data/join_ids.h"

namespace torii::data {
namespace {

// Takes a `cart` back: it is not known to be disliked, and never a sign of liking.
constexpr std::string_view kTakenBack = "cart_remove";

// Rows whose id is missing or none. `name`: "user id".
void find_bad_ids(const Column& column, const std::vector<std::uint32_t>& codes,
                  std::string_view name, BadRows& bad) {
  const std::string missing = fmt::format("no {}", name);
  const std::string odd = fmt::format("{} is no whole number and no text", name);
  for (std::size_t row = 0; row < codes.size(); ++row) {
    if (codes[row] != JoinedIds::kNone) continue;
    const std::string value = column.text_at(row);
    bad.add(row, value.empty() ? missing : odd, value);
  }
}

// What was left out, and where the first of it stands.
void report(const BadRows& bad, std::string_view word, Dataset& dataset) {
  for (const auto& [reason, entry] : bad.reasons()) {
    const std::string key = fmt::format("{}: {}", word, reason);
    dataset.dropped[key] = entry.rows;
    dataset.dropped_examples[key] = entry.examples;
  }
}

void report_mixed(const Table& table, std::string_view word, Dataset& dataset) {
  for (const auto& [column, place] : table.mixed()) {
    dataset.findings[fmt::format(
        "{}: '{}' holds texts beside other values (first met in {}), taken as texts", word, column,
        place)] = 1;
  }
}

// Rows of the entities' table in dense order; the last row of an id wins.
Result<Table> in_dense_order(EntityTable entities, const std::vector<std::uint32_t>& codes,
                             std::size_t count, const EntityOptions& options,
                             const std::string& word, double bad_rows_max, Dataset& dataset) {
  std::vector<std::uint32_t> rows(count, Table::kNullRow);
  std::uint64_t duplicates = 0;
  if (entities.present) {
    BadRows bad(entities.table);
    find_bad_ids(*entities.ids().column, codes, "id", bad);
    TORII_TRY_VOID(bad.check(bad_rows_max));
    report(bad, word, dataset);
  }
  for (std::size_t row = 0; row < codes.size(); ++row) {
    if (codes[row] == JoinedIds::kNone) continue;
    std::uint32_t& slot = rows[codes[row]];
    if (slot != Table::kNullRow) ++duplicates;
    slot = static_cast<std::uint32_t>(row);
  }
  if (duplicates > 0) {
    dataset.findings[fmt::format("{}: duplicate id, last row kept", word)] = duplicates;
  }
  if (entities.present) {
    auto& listed = word == "users" ? dataset.user_listed : dataset.item_listed;
    listed.resize(count);
    std::ranges::transform(rows, listed.begin(), [](std::uint32_t row) {
      return static_cast<std::uint8_t>(row == Table::kNullRow ? 0 : 1);
    });
    const auto lone =
        static_cast<std::uint64_t>(std::count(rows.begin(), rows.end(), Table::kNullRow));
    if (lone > 0) dataset.findings[fmt::format("{}: only in interactions", word)] = lone;
  }
  for (const std::string& name : entities.table.skipped()) {
    dataset.findings[fmt::format("{}: column left out: {}", word, name)] = 1;
  }
  for (const auto& [name, texts] : entities.table.repaired()) {
    dataset
        .findings[fmt::format("{}: texts in '{}' not in UTF-8, bad bytes replaced", word, name)] =
        texts;
  }
  report_mixed(entities.table, word, dataset);
  return std::move(entities.table).without(options.id).take(rows);
}

// All of the work, in the calling thread if there is no pool.
void side_by_side(ThreadPool* pool, std::span<const std::function<void()>> work) {
  if (pool == nullptr) {
    for (const auto& each : work) each();
  } else {
    pool->run(work.size(), [&](std::size_t task, std::size_t) { work[task](); });
  }
}

template <class T>
std::vector<T> pick(const std::vector<T>& values, const std::vector<std::uint32_t>& rows) {
  std::vector<T> result(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) result[i] = values[rows[i]];
  return result;
}

// What the columns say, in the order of the file.
struct FileRows {
  std::vector<std::int64_t> times, positions;
  Types types;
  std::vector<float> ratings, quantities;
};

Result<FileRows> understand(const Table& table, const InteractionOptions& names, Findings& findings,
                            BadRows& bad) {
  const std::size_t rows = table.rows();
  FileRows result;
  const Column* column = table.find(names.timestamp);
  if (column != nullptr) {
    TORII_TRY(result.times, read_times(*column, place_of(table, column->name), findings, bad));
  } else {
    result.times.assign(rows, Interactions::kNoTime);
  }
  column = table.find(names.position);
  if (column != nullptr) {
    TORII_TRY(result.positions, read_positions(*column, place_of(table, column->name), bad));
  } else {
    result.positions.resize(rows);
    std::iota(result.positions.begin(), result.positions.end(), std::int64_t{0});
  }
  column = table.find(names.type);
  if (column != nullptr) {
    TORII_TRY(result.types, read_types(*column, place_of(table, column->name)));
  } else {
    result.types = {{""}, std::vector<std::uint8_t>(rows, 0)};
  }
  const auto amounts = [&](const std::string& name, std::vector<float>& to) -> Result<void> {
    const Column* found = table.find(name);
    if (found == nullptr) {
      to.assign(rows, std::numeric_limits<float>::quiet_NaN());
      return {};
    }
    TORII_TRY(to, read_amounts(*found, place_of(table, name), bad));
    return {};
  };
  TORII_TRY_VOID(amounts(names.rating, result.ratings));
  TORII_TRY_VOID(amounts(names.quantity, result.quantities));
  return result;
}

Interactions arrange(FileRows file, std::vector<std::uint32_t> order,
                     const std::vector<std::uint32_t>& users,
                     const std::vector<std::uint32_t>& items, const InteractionOptions& options,
                     ThreadPool* pool) {
  Interactions result;
  const std::function<void()> picks[] = {
      [&] { result.user = pick(users, order); },
      [&] { result.item = pick(items, order); },
      [&] { result.time = pick(file.times, order); },
      [&] { result.position = pick(file.positions, order); },
      [&] { result.type = pick(file.types.codes, order); },
      [&] { result.rating = pick(file.ratings, order); },
      [&] { result.quantity = pick(file.quantities, order); },
  };
  side_by_side(pool, picks);
  result.type_names = std::move(file.types.names);
  std::vector<std::uint8_t> type_is_positive;
  for (const std::string& name : result.type_names) {
    const auto& negative = options.negative_types;
    const bool is_negative =
        std::find(negative.begin(), negative.end(), name) != negative.end() || name == kTakenBack;
    type_is_positive.push_back(!is_negative || name.empty() ? 1 : 0);
  }
  result.positive.resize(result.size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    // A missing rating (NaN) is not a low one.
    const bool low =
        options.min_rating != 0.0 && static_cast<double>(result.rating[i]) < options.min_rating;
    result.positive[i] = type_is_positive[result.type[i]] != 0 && !low ? 1 : 0;
  }
  result.file_row = std::move(order);
  return result;
}

}  // namespace

Result<LoadedDataset> load_dataset(const DataOptions& options,
                                   const std::vector<std::string>& extra_interaction_columns,
                                   const ReadContext& context) {
  TORII_TRY(DatasetTables tables, read_dataset_tables(options, extra_interaction_columns, context));
  const InteractionOptions& names = options.interactions;
  const Table& rows = tables.interactions;

  const auto join = [&](const std::string& column,
                        const EntityTable& entities) -> Result<JoinedIds> {
    std::vector<IdSource> sources = {{rows.find(column), rows.untyped(), place_of(rows, column)}};
    if (entities.present) sources.push_back(entities.ids());
    TORII_TRY(JoinedIds joined, join_ids(sources));
    joined.codes.resize(2);
    return joined;
  };
  LoadedDataset result;
  Dataset& dataset = result.dataset;
  dataset.findings = std::move(tables.findings);
  Result<JoinedIds> users_joined = JoinedIds{}, items_joined = JoinedIds{};
  Result<FileRows> understood = FileRows{};
  BadRows bad(rows);
  std::vector<std::uint32_t> order;
  const std::function<void()> work[] = {
      [&] {
        understood = understand(rows, names, dataset.findings, bad);
        if (understood.ok()) order = order_in_time(understood->times, understood->positions);
      },
      [&] { users_joined = join(names.user_id, tables.users); },
      [&] { items_joined = join(names.item_id, tables.items); },
  };
  side_by_side(context.pool, work);
  TORII_TRY(JoinedIds user_ids, std::move(users_joined));
  TORII_TRY(JoinedIds item_ids, std::move(items_joined));
  TORII_TRY(FileRows file, std::move(understood));
  find_bad_ids(*rows.find(names.user_id), user_ids.codes[0], "user id", bad);
  find_bad_ids(*rows.find(names.item_id), item_ids.codes[0], "item id", bad);
  TORII_TRY_VOID(bad.check(options.bad_rows_max));
  report(bad, "interactions", dataset);
  report_mixed(rows, "interactions", dataset);
  if (bad.count() > 0) std::erase_if(order, [&](std::uint32_t row) { return bad.contains(row); });
  const auto no_time =
      static_cast<std::uint64_t>(std::count_if(order.begin(), order.end(), [&](std::uint32_t row) {
        return file.times[row] == Interactions::kNoTime;
      }));
  if (no_time > 0) dataset.findings["interactions: no timestamp"] = no_time;
  for (const std::string& name : extra_interaction_columns) {
    result.extra.push_back(take(*rows.find(name), order));
  }
  dataset.interactions = arrange(std::move(file), std::move(order), user_ids.codes[0],
                                 item_ids.codes[0], names, context.pool);
  dataset.users = std::move(user_ids.index);
  dataset.items = std::move(item_ids.index);
  TORII_TRY(dataset.user_table,
            in_dense_order(std::move(tables.users), user_ids.codes[1], dataset.users.size(),
                           options.users, "users", options.bad_rows_max, dataset));
  TORII_TRY(dataset.item_table,
            in_dense_order(std::move(tables.items), item_ids.codes[1], dataset.items.size(),
                           options.items, "items", options.bad_rows_max, dataset));
  dataset.fingerprint = content_fingerprint(dataset, result.extra);
  return result;
}

UserItems user_items(const Interactions& interactions, std::size_t users,
                     std::span<const std::uint8_t> use) {
  const auto is_used = [&](std::size_t row) { return use.empty() || use[row] != 0; };
  UserItems result;
  result.offsets.assign(users + 1, 0);
  for (std::size_t row = 0; row < interactions.size(); ++row) {
    if (is_used(row)) ++result.offsets[interactions.user[row] + 1];
  }
  std::partial_sum(result.offsets.begin(), result.offsets.end(), result.offsets.begin());
  result.items.resize(result.offsets.back());
  std::vector<std::uint64_t> next(result.offsets.begin(), result.offsets.end() - 1);
  for (std::size_t row = 0; row < interactions.size(); ++row) {
    if (is_used(row)) result.items[next[interactions.user[row]]++] = interactions.item[row];
  }
  // Sorted and without repetitions, closing the gaps.
  std::uint64_t kept = 0;
  for (std::size_t user = 0; user < users; ++user) {
    const auto begin = result.items.begin() + static_cast<std::ptrdiff_t>(result.offsets[user]);
    const auto end = result.items.begin() + static_cast<std::ptrdiff_t>(result.offsets[user + 1]);
    std::sort(begin, end);
    result.offsets[user] = kept;
    const auto to = result.items.begin() + static_cast<std::ptrdiff_t>(kept);
    kept = static_cast<std::uint64_t>(std::unique_copy(begin, end, to) - result.items.begin());
  }
  result.offsets[users] = kept;
  result.items.resize(kept);
  return result;
}

}  // namespace torii::data

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>
#include <utility>

#include "data/fingerprint.h"
#include "data/interaction_columns.h"
#include "data/interactions.h"
#include "data/join_ids.h"

namespace torii::data {
namespace {

Result<char> delimiter_of(const DataOptions& options) {
  if (options.delimiter.empty()) return char{0};
  if (options.delimiter == "\\t") return '\t';
  if (options.delimiter.size() != 1) {
    return invalid("data.delimiter: expected one character, found \"{}\"", options.delimiter);
  }
  return options.delimiter.front();
}

std::string place_of(const Table& table, const std::string& column) {
  return fmt::format("{}: column '{}'", table.source(), column);
}

// A table of users or items; without a file a table without columns.
struct Entities {
  bool present = false;
  Table table;
  IdSource ids;
};

Result<Entities> read_entities(const EntityOptions& entity, ReadOptions read) {
  Entities result;
  if (entity.path.empty()) return result;
  read.text_columns = {entity.id};
  TORII_TRY(result.table, read_table(entity.path, read));
  TORII_TRY(const Column* id, result.table.column(entity.id));
  result.ids = {id, is_text_format(entity.path), place_of(result.table, entity.id)};
  result.present = true;
  return result;
}

// The interactions table with only the columns that are needed.
Result<Table> read_interactions(const InteractionOptions& names, ReadOptions read,
                                const std::vector<std::string>& extra) {
  if (names.path.empty()) {
    return invalid("data.interactions.path: no interactions table is named");
  }
  const InteractionOptions defaults;
  read.columns = {names.user_id, names.item_id};
  const auto add = [&](const std::string& name, const std::string& standard) {
    if (name.empty()) return;
    (name == standard ? read.optional_columns : read.columns).push_back(name);
  };
  add(names.timestamp, defaults.timestamp);
  add(names.position, defaults.position);
  add(names.type, defaults.type);
  add(names.rating, defaults.rating);
  add(names.quantity, defaults.quantity);
  read.columns.insert(read.columns.end(), extra.begin(), extra.end());
  read.text_columns = {names.user_id, names.item_id};
  return read_table(names.path, read);
}

// Rows of the entities' table in dense order; the last row of an id wins.
Table in_dense_order(Entities entities, const std::vector<std::uint32_t>& codes, std::size_t count,
                     const std::string& id_column, const std::string& word, Dataset& dataset) {
  std::vector<std::uint32_t> rows(count, Table::kNullRow);
  std::uint64_t missing = 0, duplicates = 0;
  for (std::size_t row = 0; row < codes.size(); ++row) {
    if (codes[row] == JoinedIds::kNone) {
      ++missing;
      continue;
    }
    std::uint32_t& slot = rows[codes[row]];
    if (slot != Table::kNullRow) ++duplicates;
    slot = static_cast<std::uint32_t>(row);
  }
  if (missing > 0) dataset.dropped[fmt::format("{}: no id", word)] = missing;
  if (duplicates > 0) {
    dataset.findings[fmt::format("{}: duplicate id, last row kept", word)] = duplicates;
  }
  if (entities.present) {
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
  return std::move(entities.table).without(id_column).take(rows);
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

Result<FileRows> understand(const Table& table, const InteractionOptions& names,
                            Findings& findings) {
  const std::size_t rows = table.rows();
  FileRows result;
  const Column* column = table.find(names.timestamp);
  if (column != nullptr) {
    TORII_TRY(result.times, read_times(*column, place_of(table, column->name), findings));
  } else {
    result.times.assign(rows, Interactions::kNoTime);
  }
  column = table.find(names.position);
  if (column != nullptr) {
    TORII_TRY(result.positions, read_positions(*column, place_of(table, column->name)));
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
    TORII_TRY(to, read_amounts(*found, place_of(table, name), findings));
    return {};
  };
  TORII_TRY_VOID(amounts(names.rating, result.ratings));
  TORII_TRY_VOID(amounts(names.quantity, result.quantities));
  return result;
}

// Rows with both ids, in order of time. `users` and `items` are the codes in the file's order.
std::vector<std::uint32_t> usable_rows(const FileRows& file,
                                       const std::vector<std::uint32_t>& users,
                                       const std::vector<std::uint32_t>& items, Dataset& dataset) {
  std::vector<std::uint32_t> order = order_in_time(file.times, file.positions);
  std::uint64_t no_user = 0, no_item = 0;
  std::erase_if(order, [&](std::uint32_t row) {
    if (users[row] == JoinedIds::kNone) return ++no_user, true;
    if (items[row] == JoinedIds::kNone) return ++no_item, true;
    return false;
  });
  if (no_user > 0) dataset.dropped["interactions: no user id"] = no_user;
  if (no_item > 0) dataset.dropped["interactions: no item id"] = no_item;
  return order;
}

Interactions arrange(FileRows file, std::vector<std::uint32_t> order,
                     const std::vector<std::uint32_t>& users,
                     const std::vector<std::uint32_t>& items, const InteractionOptions& options) {
  Interactions result;
  result.user = pick(users, order);
  result.item = pick(items, order);
  result.time = pick(file.times, order);
  result.position = pick(file.positions, order);
  result.type = pick(file.types.codes, order);
  result.rating = pick(file.ratings, order);
  result.quantity = pick(file.quantities, order);
  result.type_names = std::move(file.types.names);
  std::vector<std::uint8_t> type_is_positive;
  for (const std::string& name : result.type_names) {
    const auto& negative = options.negative_types;
    type_is_positive.push_back(
        std::find(negative.begin(), negative.end(), name) == negative.end() || name.empty() ? 1
                                                                                            : 0);
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
                                   const std::vector<std::string>& extra_interaction_columns) {
  ReadOptions read;
  TORII_TRY(read.delimiter, delimiter_of(options));
  read.null_values = options.null_values;
  const InteractionOptions& names = options.interactions;
  TORII_TRY(const Table rows, read_interactions(names, read, extra_interaction_columns));
  TORII_TRY(Entities users, read_entities(options.users, read));
  TORII_TRY(Entities items, read_entities(options.items, read));

  const auto join = [&](const std::string& column, const Entities& entities) -> Result<JoinedIds> {
    std::vector<IdSource> sources = {
        {rows.find(column), is_text_format(names.path), place_of(rows, column)}};
    if (entities.present) sources.push_back(entities.ids);
    TORII_TRY(JoinedIds joined, join_ids(sources));
    joined.codes.resize(2);
    return joined;
  };
  TORII_TRY(JoinedIds user_ids, join(names.user_id, users));
  TORII_TRY(JoinedIds item_ids, join(names.item_id, items));

  LoadedDataset result;
  Dataset& dataset = result.dataset;
  TORII_TRY(FileRows file, understand(rows, names, dataset.findings));
  const auto no_time = static_cast<std::uint64_t>(
      std::count(file.times.begin(), file.times.end(), Interactions::kNoTime));
  if (no_time > 0) dataset.findings["interactions: no timestamp"] = no_time;
  std::vector<std::uint32_t> order =
      usable_rows(file, user_ids.codes[0], item_ids.codes[0], dataset);
  for (const std::string& name : extra_interaction_columns) {
    result.extra.push_back(take(*rows.find(name), order));
  }
  dataset.interactions =
      arrange(std::move(file), std::move(order), user_ids.codes[0], item_ids.codes[0], names);
  dataset.users = std::move(user_ids.index);
  dataset.items = std::move(item_ids.index);
  dataset.user_table = in_dense_order(std::move(users), user_ids.codes[1], dataset.users.size(),
                                      options.users.id, "users", dataset);
  dataset.item_table = in_dense_order(std::move(items), item_ids.codes[1], dataset.items.size(),
                                      options.items.id, "items", dataset);
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

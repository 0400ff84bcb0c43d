#include "publish/export.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/id_index.h"
#include "base/printable.h"
#include "data/parquet_blocks.h"
#include "publish/json_columns.h"

namespace torii::publish {
namespace {

using data::Column;
using data::ColumnType;
using data::Interactions;
using data::Table;

constexpr std::size_t kBlockRows = 500'000;

Column text_column(std::string name, StringArray texts, std::vector<std::uint8_t> valid = {}) {
  return {std::move(name), ColumnType::kString, std::move(texts), std::move(valid)};
}

// ---- users and items

// Ids as a column: integers where the whole data has integers.
Column ids_as_column(std::string name, const std::vector<std::string>& ids, bool integers) {
  if (!integers) {
    StringArray texts;
    for (const std::string& id : ids) texts.push_back(id);
    return text_column(std::move(name), std::move(texts));
  }
  std::vector<std::int64_t> numbers;
  for (const std::string& id : ids) numbers.push_back(canonical_integer(id).value_or(0));
  return {std::move(name), ColumnType::kInt64, std::move(numbers), {}};
}

struct EntityMerge {
  const char* side;              // "users"
  const std::string& id_column;  // of the base
  // Of the base; null: there is none.
  const IdIndex* ids = nullptr;
  const Table* table = nullptr;
  std::span<const std::uint8_t> listed = {};
  const std::map<std::string, Json>& states;
  const std::map<std::string, std::int64_t>& deleted;
  /// Deleted and told anew: nothing of the base's row counts.
  const std::map<std::string, std::int64_t>& returned;
  const Separators& separators;
  bool integers = false;
};

// The rows of the result: ids, and where each stands in the base.
struct EntityRows {
  std::vector<std::string> ids;
  std::vector<std::uint32_t> base;  // dense, or Table::kNullRow
  std::uint64_t removed = 0;
};
EntityRows rows_of(const EntityMerge& merge) {
  EntityRows rows;
  std::set<std::string, std::less<>> added;
  for (const auto& [id, state] : merge.states) added.insert(id);
  for (std::size_t i = 0; merge.ids != nullptr && i < merge.listed.size(); ++i) {
    const std::string id((*merge.ids)[i]);
    if (merge.returned.contains(id)) {
      rows.removed += merge.listed[i] != 0 ? 1 : 0;
      continue;  // its row is that of the store, if there is one
    }
    const auto of_store = added.find(id);
    if (of_store != added.end()) added.erase(of_store);
    const bool is_deleted = merge.deleted.contains(id);
    if (is_deleted && merge.listed[i] != 0) ++rows.removed;
    // One that only interactions mention has a row if the store knows it.
    if (is_deleted || (merge.listed[i] == 0 && !merge.states.contains(id))) continue;
    rows.ids.push_back(id);
    rows.base.push_back(static_cast<std::uint32_t>(i));
  }
  for (const std::string& id : added) {
    rows.ids.push_back(id);
    rows.base.push_back(Table::kNullRow);
  }
  return rows;
}

std::string_view separator_of(const Separators& separators, const std::string& column) {
  const auto it = std::ranges::find(separators, column, &Separators::value_type::first);
  return it == separators.end() ? std::string_view() : std::string_view(it->second);
}

Table merged_table(const EntityMerge& merge, Exported& exported, std::uint64_t& removed) {
  const EntityRows rows = rows_of(merge);
  removed = rows.removed;
  // Attribute -> its values, by row.
  std::map<std::string, std::vector<JsonValue>> values;
  for (std::size_t row = 0; row < rows.ids.size(); ++row) {
    const auto state = merge.states.find(rows.ids[row]);
    if (state == merge.states.end()) continue;
    for (const auto& [name, value] : state->second.as_object()) {
      if (name != merge.id_column) values[name].push_back({.row = row, .value = &value});
    }
  }
  std::vector<Column> columns;
  columns.push_back(ids_as_column(merge.id_column, rows.ids, merge.integers));
  if (merge.table != nullptr) {
    for (const Column& column : merge.table->columns()) {
      auto taken = data::take(column, rows.base);
      const auto updates = values.find(column.name);
      if (updates == values.end()) {
        columns.push_back(std::move(taken));
        continue;
      }
      Overlaid overlaid =
          overlay(std::move(taken), updates->second, separator_of(merge.separators, column.name));
      if (overlaid.lost > 0) {
        exported.lost[fmt::format("{}.{}", merge.side, column.name)] = overlaid.lost;
      }
      columns.push_back(std::move(overlaid.column));
      values.erase(updates);
    }
  }
  for (const auto& [name, of_rows] : values) {
    columns.push_back(column_of(name, rows.ids.size(), of_rows));
  }
  return Table(std::move(columns), merge.side);
}

// ---- deletions

Result<void> write_deletions(const StoreRecords& records, const std::filesystem::path& folder,
                             Exported& exported) {
  StringArray kinds;
  StringArray ids;
  std::vector<std::int64_t> times;
  const auto add = [&](const char* kind, const std::map<std::string, std::int64_t>& deleted) {
    for (const auto& [id, time] : deleted) {
      kinds.push_back(kind);
      ids.push_back(id);
      times.push_back(time);
    }
  };
  add("user", records.deleted_users);
  add("item", records.deleted_items);
  exported.deletions = times.size();
  std::vector<Column> columns;
  columns.push_back(text_column("kind", std::move(kinds)));
  columns.push_back(text_column("id", std::move(ids)));
  columns.push_back({"timestamp", ColumnType::kTimestamp, std::move(times), {}});
  return data::write_parquet(folder / kExportedTables[3], Table(std::move(columns), "deletions"));
}

// ---- interactions

// Names of the columns, as the data has them.
struct RowNames {
  std::string user, item, time, type, rating, quantity;
};
RowNames names_of(const data::InteractionOptions& options) {
  const data::InteractionOptions defaults;
  const auto or_default = [](const std::string& name, const std::string& otherwise) {
    return name.empty() ? otherwise : name;  // "" = not read
  };
  return {.user = options.user_id,
          .item = options.item_id,
          .time = or_default(options.timestamp, defaults.timestamp),
          .type = or_default(options.type, defaults.type),
          .rating = or_default(options.rating, defaults.rating),
          .quantity = or_default(options.quantity, defaults.quantity)};
}

// One block of rows on its way into a table.
class RowBlock {
 public:
  RowBlock(const RowNames& names, bool integer_users, bool integer_items)
      : names_(names), integer_users_(integer_users), integer_items_(integer_items) {}

  void add(std::string_view user, std::string_view item, std::int64_t time, std::string_view type,
           float rating, float quantity, std::string_view event_id) {
    add_id(user, integer_users_, user_numbers_, users_);
    add_id(item, integer_items_, item_numbers_, items_);
    has_time_.push_back(time != Interactions::kNoTime);
    times_.push_back(has_time_.back() != 0 ? time : 0);
    types_.push_back(type);
    has_type_.push_back(!type.empty());
    add_amount(rating, ratings_, has_rating_);
    add_amount(quantity, quantities_, has_quantity_);
    event_ids_.push_back(event_id);
    has_event_id_.push_back(!event_id.empty());
  }
  [[nodiscard]] std::size_t rows() const { return times_.size(); }

  [[nodiscard]] Table table() && {
    std::vector<Column> columns;
    columns.push_back(ids(names_.user, integer_users_, user_numbers_, users_));
    columns.push_back(ids(names_.item, integer_items_, item_numbers_, items_));
    columns.push_back(
        {names_.time, ColumnType::kTimestamp, std::move(times_), std::move(has_time_)});
    columns.push_back(text_column(names_.type, std::move(types_), std::move(has_type_)));
    columns.push_back(
        {names_.rating, ColumnType::kFloat64, std::move(ratings_), std::move(has_rating_)});
    columns.push_back(
        {names_.quantity, ColumnType::kFloat64, std::move(quantities_), std::move(has_quantity_)});
    columns.push_back(text_column("event_id", std::move(event_ids_), std::move(has_event_id_)));
    return Table(std::move(columns), "interactions");
  }

 private:
  static void add_id(std::string_view id, bool integer, std::vector<std::int64_t>& numbers,
                     StringArray& texts) {
    if (integer) {
      numbers.push_back(canonical_integer(id).value_or(0));
    } else {
      texts.push_back(id);
    }
  }
  static Column ids(const std::string& name, bool integer, std::vector<std::int64_t>& numbers,
                    StringArray& texts) {
    if (integer) return {name, ColumnType::kInt64, std::move(numbers), {}};
    return text_column(name, std::move(texts));
  }
  static void add_amount(float amount, std::vector<double>& amounts,
                         std::vector<std::uint8_t>& valid) {
    amounts.push_back(static_cast<double>(amount));
    valid.push_back(std::isnan(amount) ? 0 : 1);
  }

  const RowNames& names_;
  bool integer_users_, integer_items_;
  StringArray users_, items_, types_, event_ids_;
  std::vector<std::int64_t> user_numbers_, item_numbers_, times_;
  std::vector<double> ratings_, quantities_;
  std::vector<std::uint8_t> has_time_, has_type_, has_rating_, has_quantity_, has_event_id_;
};

// Rows of the base and events of the store, side by side in time, block by block.
class RowMerge {
 public:
  RowMerge(const MergeBase* base, const StoreRecords& records, RowNames names, bool integer_users,
           bool integer_items)
      : base_(base),
        records_(records),
        names_(std::move(names)),
        integer_users_(integer_users),
        integer_items_(integer_items) {
    if (base_ == nullptr) return;
    const IdIndex& users = base_->loaded->dataset.users;
    gone_until_.assign(users.size(), Interactions::kNoTime);
    for (const auto& [id, time] : records.deleted_users) {
      if (const auto user = users.find(id)) gone_until_[*user] = kForever;
    }
    for (const auto& [id, time] : records.returned_users) {
      if (const auto user = users.find(id)) gone_until_[*user] = std::max(time, kNoTimeIsBefore);
    }
    if (!base_->has_event_ids) return;
    const Column& ids = base_->loaded->extra.front();
    for (std::size_t row = 0; row < ids.size(); ++row) {
      if (!ids.is_null(row) && !is_gone(row)) known_.insert(ids.text_at(row));
    }
  }

  Result<void> write(const std::filesystem::path& path, Exported& exported, Reporter& reporter) {
    const std::uint64_t total = base_rows() + records_.events.size();
    reporter.begin("interactions", total, "rows");
    bool is_first = true;
    TORII_TRY_VOID(data::write_parquet_blocks(path, [&]() -> Result<std::optional<Table>> {
      if (reporter.cancelled()) return make_error(ErrorCode::kCancelled, "interrupted");
      RowBlock block(names_, integer_users_, integer_items_);
      while (block.rows() < kBlockRows && step(block, exported)) {
      }
      exported.interactions += block.rows();
      reporter.progress(at_ + next_event_, "");
      if (block.rows() == 0 && !is_first) return std::optional<Table>();
      is_first = false;
      return std::optional(std::move(block).table());
    }));
    reporter.end(fmt::format("{} rows", grouped(exported.interactions)));
    return {};
  }

 private:
  // A row of the base whose user was deleted after it. One without a time is of before.
  [[nodiscard]] bool is_gone(std::size_t row) const {
    const Interactions& rows = base_->loaded->dataset.interactions;
    const std::int64_t until = gone_until_[rows.user[row]];
    return until != Interactions::kNoTime && rows.time[row] <= until;
  }
  [[nodiscard]] std::size_t base_rows() const {
    return base_ == nullptr ? 0 : base_->loaded->dataset.interactions.size();
  }
  // Takes the next row of either side; false: there is none.
  bool step(RowBlock& block, Exported& exported) {
    const bool has_row = at_ < base_rows();
    const bool has_event = next_event_ < records_.events.size();
    if (!has_row && !has_event) return false;
    const bool takes_row =
        has_row && (!has_event || base_->loaded->dataset.interactions.time[at_] <=
                                      records_.events[next_event_].time_ms);
    if (takes_row) {
      take_row(block, exported);
    } else {
      take_event(block, exported);
    }
    return true;
  }
  void take_row(RowBlock& block, Exported& exported) {
    const data::Dataset& dataset = base_->loaded->dataset;
    const Interactions& rows = dataset.interactions;
    const std::size_t row = at_++;
    if (is_gone(row)) {
      ++exported.removed_rows;
      return;
    }
    std::string event_id;
    if (base_->has_event_ids && !base_->loaded->extra.front().is_null(row)) {
      event_id = base_->loaded->extra.front().text_at(row);
    }
    block.add(dataset.users[rows.user[row]], dataset.items[rows.item[row]], rows.time[row],
              rows.type_names[rows.type[row]], rows.rating[row], rows.quantity[row], event_id);
  }
  void take_event(RowBlock& block, Exported& exported) {
    const StoredEvent& event = records_.events[next_event_++];
    if (known_.contains(event.id)) {
      ++exported.known_events;
      return;
    }
    ++exported.events;
    block.add(event.user_id, event.item_id, event.time_ms, event.type, event.rating, event.quantity,
              event.id);
  }

  const MergeBase* base_;
  const StoreRecords& records_;
  RowNames names_;
  bool integer_users_, integer_items_;
  static constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();
  static constexpr std::int64_t kNoTimeIsBefore = Interactions::kNoTime + 1;
  /// By user of the base: rows up to then are gone; kNoTime: the user was not deleted.
  std::vector<std::int64_t> gone_until_;
  std::unordered_set<std::string> known_;
  std::size_t at_ = 0;
  std::size_t next_event_ = 0;
};

// Whether ids that come in fit into columns of integers.
bool are_integers(const IdIndex& base, const std::map<std::string, Json>& states,
                  const std::vector<StoredEvent>& events, std::string StoredEvent::*id) {
  const auto is_integer = [](const std::string& text) {
    return canonical_integer(text).has_value();
  };
  return base.integers() &&
         std::ranges::all_of(states, [&](const auto& state) { return is_integer(state.first); }) &&
         std::ranges::all_of(events,
                             [&](const StoredEvent& event) { return is_integer(event.*id); });
}

}  // namespace

Result<Exported> write_export(const StoreRecords& records, const std::filesystem::path& folder,
                              Reporter& reporter) {
  Exported exported;
  const Separators none;
  std::uint64_t removed = 0;
  const std::map<std::string, std::int64_t> none_returned;
  const std::string user_id = "user_id";
  const std::string item_id = "item_id";
  const Table users = merged_table({.side = "users",
                                    .id_column = user_id,
                                    .states = records.users,
                                    .deleted = records.deleted_users,
                                    .returned = records.returned_users,
                                    .separators = none},
                                   exported, removed);
  const Table items = merged_table({.side = "items",
                                    .id_column = item_id,
                                    .states = records.items,
                                    .deleted = records.deleted_items,
                                    .returned = none_returned,
                                    .separators = none},
                                   exported, removed);
  exported.users = users.rows();
  exported.items = items.rows();
  TORII_TRY_VOID(data::write_parquet(folder / kExportedTables[0], users));
  TORII_TRY_VOID(data::write_parquet(folder / kExportedTables[1], items));
  RowMerge rows(nullptr, records, names_of({}), false, false);
  TORII_TRY_VOID(rows.write(folder / kExportedTables[2], exported, reporter));
  TORII_TRY_VOID(write_deletions(records, folder, exported));
  return exported;
}

Result<Exported> write_merged(const MergeBase& base, const StoreRecords& records,
                              const std::filesystem::path& folder, Reporter& reporter) {
  TORII_CHECK(base.loaded != nullptr, "a merge has a base");
  const data::Dataset& dataset = base.loaded->dataset;
  Exported exported;
  const std::map<std::string, std::int64_t> none_returned;
  const bool integer_users =
      are_integers(dataset.users, records.users, records.events, &StoredEvent::user_id);
  const bool integer_items =
      are_integers(dataset.items, records.items, records.events, &StoredEvent::item_id);
  const std::vector<std::uint8_t> none_of_users(dataset.users.size(), 0);
  const std::vector<std::uint8_t> none_of_items(dataset.items.size(), 0);
  const auto listed = [](const std::vector<std::uint8_t>& flags,
                         const std::vector<std::uint8_t>& none) {
    return std::span(flags.empty() ? none : flags);
  };
  const Table users = merged_table({.side = "users",
                                    .id_column = base.names.users.id,
                                    .ids = &dataset.users,
                                    .table = &dataset.user_table,
                                    .listed = listed(dataset.user_listed, none_of_users),
                                    .states = records.users,
                                    .deleted = records.deleted_users,
                                    .returned = records.returned_users,
                                    .separators = base.user_separators,
                                    .integers = integer_users},
                                   exported, exported.removed_users);
  const Table items = merged_table({.side = "items",
                                    .id_column = base.names.items.id,
                                    .ids = &dataset.items,
                                    .table = &dataset.item_table,
                                    .listed = listed(dataset.item_listed, none_of_items),
                                    .states = records.items,
                                    .deleted = records.deleted_items,
                                    .returned = none_returned,
                                    .separators = base.item_separators,
                                    .integers = integer_items},
                                   exported, exported.removed_items);
  exported.users = users.rows();
  exported.items = items.rows();
  TORII_TRY_VOID(data::write_parquet(folder / kExportedTables[0], users));
  TORII_TRY_VOID(data::write_parquet(folder / kExportedTables[1], items));
  RowMerge rows(&base, records, names_of(base.names.interactions), integer_users, integer_items);
  TORII_TRY_VOID(rows.write(folder / kExportedTables[2], exported, reporter));
  TORII_TRY_VOID(write_deletions(records, folder, exported));
  return exported;
}

}  // namespace torii::publish

#include "evaluate/segments.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <span>

#include "base/check.h"
#include "base/options.h"
#include "evaluate/comparison.h"
#include "features/values.h"

namespace torii::evaluate {
namespace {

constexpr const char* kNone = "(none)";
constexpr const char* kOther = "(other)";
constexpr std::size_t kBins = 4;

// Entities (judged users, or relevant pairs) and the groups that each of them belongs to: CSR.
struct Grouping {
  std::vector<std::string> names;
  bool ordered = false;  // the names stand in an order of their own, as numbers do
  std::vector<std::uint64_t> offsets{0};
  std::vector<std::uint32_t> groups;

  [[nodiscard]] std::span<const std::uint32_t> of(std::size_t entity) const {
    return std::span(groups).subspan(offsets[entity], offsets[entity + 1] - offsets[entity]);
  }
  [[nodiscard]] std::size_t size() const { return offsets.size() - 1; }
  void end_entity() { offsets.push_back(groups.size()); }
};

// Names become groups in the order in which they are first met.
class GroupNames {
 public:
  explicit GroupNames(Grouping& grouping) : grouping_(grouping) {}
  void add(const std::string& name) {
    const auto [place, is_new] =
        places_.emplace(name, static_cast<std::uint32_t>(grouping_.names.size()));
    if (is_new) grouping_.names.push_back(name);
    grouping_.groups.push_back(place->second);
  }

 private:
  Grouping& grouping_;
  std::map<std::string, std::uint32_t, std::less<>> places_;
};

Grouping by_value(const data::Column& column, std::string_view separator,
                  std::span<const std::uint32_t> rows) {
  Grouping grouping;
  GroupNames names(grouping);
  std::vector<std::string> values;
  for (const std::uint32_t row : rows) {
    features::category_values(column, row, separator, values);
    if (values.empty()) values.emplace_back(kNone);
    for (const std::string& value : values) names.add(value);
    grouping.end_entity();
  }
  return grouping;
}

std::string bound_text(const data::Column& column, std::uint32_t row) {
  std::string text = column.text_at(row);
  // A day is enough to tell bins apart.
  constexpr std::size_t kDay = 10;
  if (column.type == data::ColumnType::kTimestamp && text.size() > kDay) text.resize(kDay);
  return text;
}

std::optional<double> finite_number(const data::Column& column, std::uint32_t row) {
  const auto number = column.number_at(row);
  return number && std::isfinite(*number) ? number : std::nullopt;
}

// Numbers: each value a group if they are few, else quantile bins.
Grouping by_number(const data::Column& column, std::span<const std::uint32_t> rows) {
  // Each value with a row that holds it, and how many of `rows` do.
  struct Value {
    std::uint32_t row = 0;
    std::uint64_t count = 0;
  };
  std::map<double, Value> values;
  std::uint64_t total = 0;
  for (const std::uint32_t row : rows) {
    if (const auto number = finite_number(column, row)) {
      auto& value = values[*number];
      value.row = row;
      ++value.count;
      ++total;
    }
  }
  Grouping grouping;
  grouping.ordered = true;
  std::map<double, std::uint32_t> group_of;
  const bool binned = values.size() > kSegmentGroupsMax;
  std::uint64_t before = 0;
  std::size_t bin = kBins;
  std::string low;
  for (const auto& [number, value] : values) {
    // The bin of the value's middle place; equal values are never parted.
    const std::size_t here =
        binned ? std::min(kBins - 1,
                          static_cast<std::size_t>((before + value.count / 2) * kBins / total))
               : group_of.size();
    before += value.count;
    const std::string text = bound_text(column, value.row);
    if (!binned || here != bin) {
      grouping.names.push_back(text);
      low = text;
    } else if (text != low) {
      grouping.names.back() = low + " to " + text;
    }
    bin = here;
    group_of[number] = static_cast<std::uint32_t>(grouping.names.size()) - 1;
  }
  const auto none = static_cast<std::uint32_t>(grouping.names.size());
  bool any_none = false;
  for (const std::uint32_t row : rows) {
    const auto number = finite_number(column, row);
    any_none = any_none || !number;
    grouping.groups.push_back(number ? group_of.at(*number) : none);
    grouping.end_entity();
  }
  if (any_none) grouping.names.emplace_back(kNone);
  return grouping;
}

Grouping by_column(const SegmentColumn& segment, std::span<const std::uint32_t> rows) {
  const auto type = segment.values->type;
  const bool number = type == data::ColumnType::kInt64 || type == data::ColumnType::kFloat64 ||
                      type == data::ColumnType::kTimestamp;
  return number ? by_number(*segment.values, rows)
                : by_value(*segment.values, segment.separator, rows);
}

// The types of the rows that made each pair relevant.
Grouping by_type(const Judged& judged) {
  const Relevant& relevant = judged.task->relevant;
  const data::Interactions& rows = judged.dataset->interactions;
  std::vector<std::set<std::uint8_t>> types(relevant.items.items.size());
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (judged.task->target_rows[row] == 0) continue;
    const auto user = std::ranges::lower_bound(relevant.users, rows.user[row]);
    if (user == relevant.users.end() || *user != rows.user[row]) continue;
    const auto place = static_cast<std::uint32_t>(user - relevant.users.begin());
    const auto items = relevant.items.of(place);
    const auto item = std::ranges::lower_bound(items, rows.item[row]);
    if (item == items.end() || *item != rows.item[row]) continue;
    const auto within = static_cast<std::uint64_t>(item - items.begin());
    types[relevant.items.offsets[place] + within].insert(rows.type[row]);
  }
  Grouping grouping;
  GroupNames names(grouping);
  for (const auto& pair : types) {
    for (const std::uint8_t type : pair) {
      names.add(rows.type_names[type].empty() ? kNone : rows.type_names[type]);
    }
    grouping.end_entity();
  }
  return grouping;
}

// The judged user (row of relevant.users) of each relevant pair.
std::vector<std::uint32_t> users_of_pairs(const Relevant& relevant) {
  std::vector<std::uint32_t> users;
  for (std::uint32_t row = 0; row < relevant.users.size(); ++row) {
    users.insert(users.end(), relevant.items.of(row).size(), row);
  }
  return users;
}

// Judged users of each group. Entities of one user stand beside each other.
std::vector<std::uint64_t> users_of_groups(const Grouping& grouping,
                                           std::span<const std::uint32_t> user_of_entity) {
  std::vector<std::uint64_t> counts(grouping.names.size(), 0);
  std::vector<std::uint32_t> last(grouping.names.size(), UINT32_MAX);
  for (std::size_t entity = 0; entity < grouping.size(); ++entity) {
    for (const std::uint32_t group : grouping.of(entity)) {
      if (last[group] != user_of_entity[entity]) ++counts[group];
      last[group] = user_of_entity[entity];
    }
  }
  return counts;
}

// Groups to be listed, in the order of the table.
std::vector<std::uint32_t> listed_groups(const Grouping& grouping,
                                         std::span<const std::uint64_t> users) {
  std::vector<std::uint32_t> listed(grouping.names.size());
  std::iota(listed.begin(), listed.end(), 0U);
  std::ranges::sort(listed, [&](std::uint32_t a, std::uint32_t b) {
    return users[a] != users[b] ? users[a] > users[b] : grouping.names[a] < grouping.names[b];
  });
  std::erase_if(listed, [&](std::uint32_t group) { return users[group] < kUsersMin; });
  if (listed.size() > kSegmentGroupsMax) listed.resize(kSegmentGroupsMax);
  if (grouping.ordered) std::ranges::sort(listed);
  return listed;
}

}  // namespace

Result<SegmentColumn> find_segment(std::string_view text, const data::Dataset& dataset) {
  const std::size_t dot = text.find('.');
  const std::string_view side = text.substr(0, dot);
  SegmentColumn segment;
  segment.name = text;
  if (dot == text.npos || (side != "users" && side != "items" && side != "interactions")) {
    return invalid(
        "evaluate.segments: '{}': expected users.COLUMN, items.COLUMN or interactions.type", text);
  }
  segment.column = text.substr(dot + 1);
  if (side == "interactions") {
    if (segment.column != "type") {
      return invalid(
          "evaluate.segments: '{}': of the interactions only interactions.type can be "
          "looked at",
          text);
    }
    segment.side = SegmentColumn::Side::kType;
    return segment;
  }
  segment.side = side == "users" ? SegmentColumn::Side::kUsers : SegmentColumn::Side::kItems;
  const data::Table& table = side == "users" ? dataset.user_table : dataset.item_table;
  segment.values = table.find(segment.column);
  if (segment.values == nullptr) {
    std::vector<std::string> names;
    for (const data::Column& column : table.columns()) names.push_back(column.name);
    const auto near = nearest(segment.column, names);
    return invalid("evaluate.segments: '{}': the {} have no column '{}'{}; there {}", text, side,
                   segment.column, near ? fmt::format(", did you mean '{}'?", *near) : "",
                   names.empty() ? "is none" : fmt::format("are {}", fmt::join(names, ", ")));
  }
  if (segment.values->type == data::ColumnType::kFloatList) {
    return invalid(
        "evaluate.segments: '{}': expected texts, numbers, yes/no or lists of texts, "
        "found vectors",
        text);
  }
  return segment;
}

SegmentTable make_segment(const SegmentColumn& segment, const Judged& judged, ThreadPool& pool) {
  using Side = SegmentColumn::Side;
  const Relevant& relevant = judged.task->relevant;
  std::vector<std::uint32_t> user_of_entity = users_of_pairs(relevant);
  Grouping grouping;
  if (segment.side == Side::kUsers) {
    user_of_entity.resize(relevant.users.size());
    std::iota(user_of_entity.begin(), user_of_entity.end(), 0U);
    grouping = by_column(segment, relevant.users);
  } else if (segment.side == Side::kItems) {
    grouping = by_column(segment, relevant.items.items);
  } else {
    grouping = by_type(judged);
  }
  const auto users = users_of_groups(grouping, user_of_entity);
  const auto listed = listed_groups(grouping, users);

  const auto slice = [&](std::string name, const auto& belongs) {
    std::vector<std::uint32_t> rows;
    std::vector<std::uint8_t> pairs(grouping.size(), 0);
    for (std::uint32_t entity = 0; entity < grouping.size(); ++entity) {
      if (!std::ranges::any_of(grouping.of(entity), belongs)) continue;
      pairs[entity] = 1;
      rows.push_back(entity);
    }
    return segment.side == Side::kUsers ? slice_of_users(std::move(name), judged, rows, pool)
                                        : slice_of_pairs(std::move(name), judged, pairs, pool);
  };
  SegmentTable table{
      .name = segment.name, .values = grouping.names.size(), .omitted = 0, .groups = {}};
  for (const std::uint32_t group : listed) {
    table.groups.push_back(
        slice(grouping.names[group], [&](std::uint32_t other) { return other == group; }));
  }
  if (listed.size() == grouping.names.size()) return table;
  Slice rest = slice(kOther, [&](std::uint32_t group) {
    return std::ranges::find(listed, group) == listed.end();
  });
  if (rest.users >= kUsersMin) {
    table.groups.push_back(std::move(rest));
  } else {
    table.omitted = grouping.names.size() - listed.size();
  }
  return table;
}

}  // namespace torii::evaluate

#include "evaluate/slices.h"

#include <algorithm>
#include <numeric>

#include "base/random.h"

namespace torii::evaluate {
namespace {

Slice of_rows(std::string name, const PerUser& per_user, std::span<const std::uint32_t> rows) {
  PerUser part{.names = per_user.names, .values = {}};
  for (const std::uint32_t row : rows) {
    const auto values = per_user.row(row);
    part.values.insert(part.values.end(), values.begin(), values.end());
  }
  return {std::move(name), rows.size(), part.means()};
}

// Judges the same lists with the relevant items cut down to those in the slice.
Slice of_items(std::string name, const retrieval::TopLists& lists, const Relevant& relevant,
               std::span<const std::uint8_t> in_slice, std::span<const int> ks) {
  Relevant part;
  part.items.offsets = {0};
  retrieval::TopLists part_lists;
  part_lists.k = lists.k;
  for (std::uint32_t row = 0; row < relevant.users.size(); ++row) {
    for (const std::uint32_t item : relevant.items.of(row)) {
      if (in_slice[item] != 0) part.items.items.push_back(item);
    }
    if (part.items.items.size() == part.items.offsets.back()) continue;
    part.items.offsets.push_back(part.items.items.size());
    part.users.push_back(relevant.users[row]);
    const auto* from = lists.entries.data() + row * lists.k;
    part_lists.entries.insert(part_lists.entries.end(), from, from + lists.k);
    part_lists.counts.push_back(lists.counts[row]);
  }
  return {std::move(name), part.users.size(), judge(part_lists, part, ks).means()};
}

// 1 for the most popular fifth (rounded up).
std::vector<std::uint8_t> head_items(const Task& task, const data::Interactions& interactions,
                                     std::size_t items) {
  std::vector<std::uint64_t> counts(items, 0);
  for (std::size_t row = 0; row < interactions.size(); ++row) {
    if (task.fit_rows[row] != 0) ++counts[interactions.item[row]];
  }
  std::vector<std::uint32_t> order(items);
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, [&](std::uint32_t a, std::uint32_t b) {
    return counts[a] != counts[b] ? counts[a] > counts[b] : mix64(a) < mix64(b);
  });
  std::vector<std::uint8_t> head(items, 0);
  for (std::size_t i = 0; i < (items + 4) / 5; ++i) head[order[i]] = 1;
  return head;
}

}  // namespace

std::vector<Slice> make_slices(const retrieval::TopLists& lists, const PerUser& per_user,
                               const Task& task, const data::Interactions& interactions,
                               std::size_t items, std::span<const int> ks) {
  const Relevant& relevant = task.relevant;
  std::vector<std::uint32_t> fresh, few, many;
  std::vector<std::size_t> activity;
  for (const std::uint32_t user : relevant.users) {
    if (const std::size_t seen = task.seen.of(user).size(); seen > 0) activity.push_back(seen);
  }
  std::ranges::sort(activity);
  const std::size_t median = activity.empty() ? 0 : activity[(activity.size() - 1) / 2];
  for (std::uint32_t row = 0; row < relevant.users.size(); ++row) {
    const std::size_t seen = task.seen.of(relevant.users[row]).size();
    (seen == 0 ? fresh : seen <= median ? few : many).push_back(row);
  }

  std::vector<std::uint8_t> in_slice = head_items(task, interactions, items);
  std::vector<Slice> slices;
  slices.push_back(of_rows("users:new", per_user, fresh));
  slices.push_back(of_rows("users:few", per_user, few));
  slices.push_back(of_rows("users:many", per_user, many));
  slices.push_back(of_items("items:head", lists, relevant, in_slice, ks));
  for (auto& flag : in_slice) flag = flag == 0 ? 1 : 0;
  slices.push_back(of_items("items:tail", lists, relevant, in_slice, ks));
  std::erase_if(slices, [](const Slice& slice) { return slice.users == 0; });
  return slices;
}

}  // namespace torii::evaluate

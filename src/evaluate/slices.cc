#include "evaluate/slices.h"

#include <algorithm>

#include "base/check.h"
#include "evaluate/popularity_counts.h"

namespace torii::evaluate {
namespace {

Slice measured(std::string name, const PerUser& part, std::uint64_t seed, ThreadPool& pool) {
  Slice slice{std::move(name), part.users(), part.means(), {}};
  if (slice.users > 0) slice.intervals = bootstrap(part, kResamples, seed, pool);
  return slice;
}

// Of those that are not 0; the lower one of two.
template <class T>
T median(std::vector<T> values) {
  std::erase(values, T{0});
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

void add_user_slices(const Judged& judged, ThreadPool& pool, std::vector<Slice>& slices) {
  const Task& task = *judged.task;
  std::vector<std::size_t> seen;
  for (const std::uint32_t user : task.relevant.users) seen.push_back(task.seen.of(user).size());
  const std::size_t middle = median(seen);
  std::vector<std::uint32_t> fresh, few, many;
  for (std::uint32_t row = 0; row < seen.size(); ++row) {
    (seen[row] == 0 ? fresh : seen[row] <= middle ? few : many).push_back(row);
  }
  slices.push_back(slice_of_users("users:new", judged, fresh, pool));
  slices.push_back(slice_of_users("users:few", judged, few, pool));
  slices.push_back(slice_of_users("users:many", judged, many, pool));
}

void add_item_slices(const Judged& judged, ThreadPool& pool, std::vector<Slice>& slices) {
  const Task& task = *judged.task;
  const auto rows =
      popularity_counts(task, judged.dataset->interactions, judged.dataset->items.size());
  const auto head = head_items(rows);
  const std::uint64_t middle = median(rows);
  const auto add = [&](std::string name, const auto& belongs) {
    std::vector<std::uint8_t> pairs;
    for (const std::uint32_t item : task.relevant.items.items) pairs.push_back(belongs(item));
    slices.push_back(slice_of_pairs(std::move(name), judged, pairs, pool));
  };
  add("items:new", [&](std::uint32_t item) { return rows[item] == 0; });
  add("items:few", [&](std::uint32_t item) { return rows[item] > 0 && rows[item] <= middle; });
  add("items:many", [&](std::uint32_t item) { return rows[item] > middle; });
  add("items:head", [&](std::uint32_t item) { return head[item] != 0; });
  add("items:tail", [&](std::uint32_t item) { return head[item] == 0; });
}

}  // namespace

Slice slice_of_users(std::string name, const Judged& judged, std::span<const std::uint32_t> rows,
                     ThreadPool& pool) {
  PerUser part{.names = judged.per_user->names, .values = {}};
  for (const std::uint32_t row : rows) {
    const auto values = judged.per_user->row(row);
    part.values.insert(part.values.end(), values.begin(), values.end());
  }
  return measured(std::move(name), part, judged.seed, pool);
}

Slice slice_of_pairs(std::string name, const Judged& judged, std::span<const std::uint8_t> pairs,
                     ThreadPool& pool) {
  const Relevant& relevant = judged.task->relevant;
  const retrieval::TopLists& lists = *judged.lists;
  TORII_CHECK(pairs.size() == relevant.items.items.size(), "one flag for each relevant pair");
  Relevant part;
  part.items.offsets = {0};
  retrieval::TopLists part_lists;
  part_lists.k = lists.k;
  for (std::uint32_t row = 0; row < relevant.users.size(); ++row) {
    const auto begin = relevant.items.offsets[row];
    for (auto pair = begin; pair < relevant.items.offsets[row + 1]; ++pair) {
      if (pairs[pair] != 0) part.items.items.push_back(relevant.items.items[pair]);
    }
    if (part.items.items.size() == part.items.offsets.back()) continue;
    part.items.offsets.push_back(part.items.items.size());
    part.users.push_back(relevant.users[row]);
    const auto* from = lists.entries.data() + row * lists.k;
    part_lists.entries.insert(part_lists.entries.end(), from, from + lists.k);
    part_lists.counts.push_back(lists.counts[row]);
  }
  return measured(std::move(name), judge(part_lists, part, judged.ks), judged.seed, pool);
}

std::vector<Slice> make_slices(const Judged& judged, ThreadPool& pool) {
  std::vector<Slice> slices;
  add_user_slices(judged, pool, slices);
  add_item_slices(judged, pool, slices);
  std::erase_if(slices, [](const Slice& slice) { return slice.users == 0; });
  return slices;
}

}  // namespace torii::evaluate

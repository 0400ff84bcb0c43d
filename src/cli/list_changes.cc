#include "cli/list_changes.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <unordered_map>

#include "base/hash.h"
#include "data/table.h"

namespace torii::cli {
namespace {

constexpr std::size_t kFirst = 10;

// Texts of items, each kept once for both sides.
class ItemNames {
 public:
  std::uint32_t number_of(std::string_view name) {
    const auto [at, is_new] =
        numbers_.try_emplace(std::string(name), static_cast<std::uint32_t>(names_.size()));
    if (is_new) names_.push_back(&at->first);
    return at->second;
  }
  [[nodiscard]] const std::string& name(std::uint32_t number) const { return *names_[number]; }
  [[nodiscard]] std::size_t size() const { return names_.size(); }

 private:
  std::unordered_map<std::string, std::uint32_t> numbers_;
  std::vector<const std::string*> names_;
};

// The lists of the users whose ids have the smallest hashes.
class SampledLists {
 public:
  explicit SampledLists(std::size_t users_max) : users_max_(users_max) {}

  void add(std::string_view user, std::vector<std::uint32_t> items) {
    const std::uint64_t hash = hash64(user);
    if (hash >= below_) return;
    lists_[{hash, std::string(user)}] = std::move(items);
    if (lists_.size() <= users_max_) return;
    below_ = std::prev(lists_.end())->first.first;
    cut(below_);
  }
  void cut(std::uint64_t below) { lists_.erase(lists_.lower_bound({below, ""}), lists_.end()); }
  /// Hashes from this on are left out.
  [[nodiscard]] std::uint64_t below() const { return below_; }
  using Lists = std::map<std::pair<std::uint64_t, std::string>, std::vector<std::uint32_t>>;
  [[nodiscard]] const Lists& lists() const { return lists_; }

 private:
  std::size_t users_max_;
  std::uint64_t below_ = std::numeric_limits<std::uint64_t>::max();
  Lists lists_;
};

Result<void> read_lists(const std::vector<std::string>& files, const Environment& environment,
                        ItemNames& names, SampledLists& sampled) {
  data::ReadOptions options;
  options.columns = {"user_id", "item_ids"};
  options.text_columns = {"user_id"};
  options.format = "parquet";  // objects of a store have no ending
  for (const std::string& file : files) {
    TORII_TRY(const data::Table table,
              data::read_table(file, options, {.environment = &environment}));
    TORII_TRY(const data::Column* users, table.column("user_id"));
    TORII_TRY(const data::Column* items, table.column("item_ids"));
    if (items->type != data::ColumnType::kStringList) {
      return invalid("{}: column 'item_ids': expected lists of ids, as `torii candidates` writes",
                     file);
    }
    const data::StringLists& lists = items->string_lists();
    for (std::size_t row = 0; row < table.rows(); ++row) {
      std::vector<std::uint32_t> list;
      for (std::uint64_t i = lists.offsets[row]; i < lists.offsets[row + 1]; ++i) {
        list.push_back(names.number_of(lists.values[i]));
      }
      sampled.add(users->text_at(row), std::move(list));
    }
  }
  return {};
}

using ItemList = std::vector<std::uint32_t>;

ItemList sorted_head(const ItemList& list, std::size_t count) {
  ItemList head(list.begin(),
                list.begin() + static_cast<std::ptrdiff_t>(std::min(list.size(), count)));
  std::ranges::sort(head);
  return head;
}

ItemList without(const ItemList& all, const ItemList& others) {
  ItemList rest;
  std::ranges::set_difference(all, others, std::back_inserter(rest));
  return rest;
}

// Of two sorted heads; two empty ones agree.
double overlap(const ItemList& before, const ItemList& after) {
  const std::size_t longest = std::max(before.size(), after.size());
  if (longest == 0) return 1;
  return static_cast<double>(before.size() - without(before, after).size()) /
         static_cast<double>(longest);
}

std::vector<std::pair<std::string, std::uint64_t>> most_of(
    const ItemNames& names, const std::vector<std::uint64_t>& counts) {
  std::vector<std::pair<std::string, std::uint64_t>> most;
  for (std::uint32_t item = 0; item < counts.size(); ++item) {
    if (counts[item] > 0) most.emplace_back(names.name(item), counts[item]);
  }
  std::ranges::sort(most, [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  if (most.size() > ListChanges::kItemsShown) most.resize(ListChanges::kItemsShown);
  return most;
}

}  // namespace

Result<ListChanges> compare_lists(const std::vector<std::string>& before,
                                  const std::vector<std::string>& after,
                                  const Environment& environment, std::size_t users_max) {
  ItemNames names;
  SampledLists left(users_max), right(users_max);
  TORII_TRY_VOID(read_lists(before, environment, names, left));
  TORII_TRY_VOID(read_lists(after, environment, names, right));
  ListChanges changes;
  const std::uint64_t below = std::min(left.below(), right.below());
  changes.is_sample = below != std::numeric_limits<std::uint64_t>::max();
  left.cut(below);
  right.cut(below);
  for (const SampledLists* side : {&left, &right}) {
    for (const auto& [user, list] : side->lists()) changes.k = std::max(changes.k, list.size());
  }
  std::vector<std::uint64_t> entered(names.size()), gone(names.size());
  double first = 0, all = 0;
  for (const auto& [user, list] : left.lists()) {
    const auto other = right.lists().find(user);
    if (other == right.lists().end()) {
      ++changes.only_before;
      continue;
    }
    ++changes.users;
    first += overlap(sorted_head(list, kFirst), sorted_head(other->second, kFirst));
    const ItemList had = sorted_head(list, list.size());
    const ItemList has = sorted_head(other->second, other->second.size());
    all += overlap(had, has);
    if (list == other->second) continue;
    ++changes.changed;
    for (const std::uint32_t item : without(had, has)) ++gone[item];
    for (const std::uint32_t item : without(has, had)) ++entered[item];
  }
  changes.only_after = right.lists().size() - changes.users;
  const double users = static_cast<double>(std::max<std::uint64_t>(1, changes.users));
  changes.overlap_10 = first / users;
  changes.overlap_k = all / users;
  changes.entered = most_of(names, entered);
  changes.left = most_of(names, gone);
  return changes;
}

}  // namespace torii::cli

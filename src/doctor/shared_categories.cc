#include "doctor/shared_categories.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "features/values.h"

namespace torii::doctor {
namespace {

class SharedCategories final : public evaluate::Ranker {
 public:
  SharedCategories(data::UserItems codes, std::vector<double> weights, data::UserItems had)
      : codes_(std::move(codes)), weights_(std::move(weights)), had_(std::move(had)) {}

  [[nodiscard]] std::string name() const override { return "shared categories"; }

  [[nodiscard]] retrieval::TopLists rank(std::span<const std::uint32_t> users,
                                         const data::UserItems& seen, std::size_t k,
                                         std::span<const std::uint32_t> tie_rank,
                                         ThreadPool& pool) const override {
    const std::size_t items = tie_rank.size();
    retrieval::TopLists lists;
    lists.k = std::min(k, items);
    lists.entries.resize(users.size() * lists.k);
    lists.counts.resize(users.size());
    struct Place {
      float score;
      std::uint32_t tie, item;
    };
    std::vector<std::vector<double>> profiles(static_cast<std::size_t>(pool.threads()));
    pool.run(users.size(), [&](std::size_t row, std::size_t worker) {
      std::vector<double>& profile = profiles[worker];
      profile.assign(weights_.size(), 0.0);
      for (const std::uint32_t item : had_.of(users[row])) {
        for (const std::uint32_t code : codes_.of(item)) profile[code] += weights_[code];
      }
      const auto masked = seen.of(users[row]);
      std::vector<Place> places;
      places.reserve(items);
      for (std::uint32_t item = 0; item < items; ++item) {
        const auto codes = codes_.of(item);
        double score = 0.0;
        for (const std::uint32_t code : codes) score += profile[code];
        if (!codes.empty()) score /= static_cast<double>(codes.size());
        if (std::ranges::binary_search(masked, item)) continue;
        places.push_back({static_cast<float>(score), tie_rank[item], item});
      }
      const std::size_t count = std::min(lists.k, places.size());
      std::partial_sort(places.begin(), places.begin() + static_cast<std::ptrdiff_t>(count),
                        places.end(), [](const Place& a, const Place& b) {
                          return a.score != b.score ? a.score > b.score : a.tie < b.tie;
                        });
      for (std::size_t i = 0; i < count; ++i) {
        lists.entries[row * lists.k + i] = {places[i].item, places[i].score};
      }
      lists.counts[row] = static_cast<std::uint32_t>(count);
    });
    return lists;
  }

 private:
  data::UserItems codes_;  // of each item
  std::vector<double> weights_;
  data::UserItems had_;  // of each user
};

}  // namespace

std::unique_ptr<evaluate::Ranker> make_shared_categories(const data::Dataset& dataset,
                                                         const features::EntityPlan& item_plan,
                                                         std::span<const std::uint8_t> fit_rows) {
  std::vector<const features::ColumnPlan*> columns;
  for (const features::ColumnPlan& column : item_plan) {
    if (column.kind == features::Kind::kCategorical) columns.push_back(&column);
  }
  if (columns.empty()) return nullptr;
  data::UserItems codes;
  codes.offsets = {0};
  std::vector<std::unordered_map<std::string, std::uint32_t>> known(columns.size());
  std::uint32_t next = 0;
  std::vector<std::string> values;
  for (std::size_t item = 0; item < dataset.items.size(); ++item) {
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const data::Column* column = dataset.item_table.find(columns[c]->column);
      features::category_values(*column, item, columns[c]->separator, values);
      for (const std::string& value : values) {
        const auto [place, is_new] = known[c].emplace(value, next);
        if (is_new) ++next;
        codes.items.push_back(place->second);
      }
    }
    codes.offsets.push_back(codes.items.size());
  }
  std::vector<double> weights(next, 0.0);
  for (std::size_t i = 0; i < fit_rows.size(); ++i) {
    if (fit_rows[i] == 0) continue;
    for (const std::uint32_t code : codes.of(dataset.interactions.item[i])) weights[code] += 1.0;
  }
  for (double& weight : weights) weight = weight > 0.0 ? 1.0 / weight : 0.0;
  return std::make_unique<SharedCategories>(
      std::move(codes), std::move(weights),
      data::user_items(dataset.interactions, dataset.users.size(), fit_rows));
}

}  // namespace torii::doctor

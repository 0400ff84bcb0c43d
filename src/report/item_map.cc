#include "report/item_map.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "base/random.h"
#include "features/values.h"

namespace torii::report {
namespace {

constexpr std::size_t kAffinityRows = 90;  // three times the perplexity of tsne()
constexpr std::size_t kNear = 10;

std::vector<std::uint32_t> sample_of(std::size_t items) {
  std::vector<std::uint32_t> sample(items);
  std::iota(sample.begin(), sample.end(), 0U);
  if (items <= kMapItemsMax) return sample;
  std::ranges::nth_element(sample, sample.begin() + kMapItemsMax, {},
                           [](std::uint32_t item) { return mix64(item); });
  sample.resize(kMapItemsMax);
  std::ranges::sort(sample);
  return sample;
}

Matrix rows_of(ConstFloatView embeddings, Metric metric, std::span<const std::uint32_t> items) {
  Matrix rows(items.size(), embeddings.cols);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto from = embeddings.row(items[i]);
    double squared = 0.0;
    for (const float value : from) squared += static_cast<double>(value) * value;
    const double scale =
        metric == Metric::kEuclidean || !(squared > 0.0) ? 1.0 : 1.0 / std::sqrt(squared);
    for (std::size_t c = 0; c < from.size(); ++c) {
      rows(i, c) = static_cast<float>(from[c] * scale);
    }
  }
  return rows;
}

// Values of one column for the sampled items, as codes by first appearance in order of bytes.
struct ColumnValues {
  std::vector<std::string> names;
  std::vector<std::vector<std::uint32_t>> of_item;
};
ColumnValues values_of(const data::Column& column, const std::string& separator,
                       std::span<const std::uint32_t> items) {
  std::map<std::string, std::vector<std::uint32_t>> rows;
  std::vector<std::string> values;
  for (std::uint32_t i = 0; i < items.size(); ++i) {
    features::category_values(column, items[i], separator, values);
    for (const std::string& value : values) rows[value].push_back(i);
  }
  ColumnValues result;
  result.of_item.resize(items.size());
  for (auto& [name, mine] : rows) {
    for (const std::uint32_t i : mine) {
      result.of_item[i].push_back(static_cast<std::uint32_t>(result.names.size()));
    }
    result.names.push_back(name);
  }
  return result;
}

struct Colouring {
  std::vector<MapCategory> categories;
  std::vector<std::uint8_t> colours;
};

// Greedy cover: each time the value that most items without a colour have.
Colouring colour_by(const ColumnValues& values, std::size_t items) {
  std::vector<std::size_t> count(values.names.size(), 0);
  for (const auto& mine : values.of_item) {
    for (const std::uint32_t value : mine) ++count[value];
  }
  std::vector<std::uint8_t> covered(items, 0);
  std::vector<std::uint32_t> chosen;
  while (chosen.size() < kMapColours) {
    std::vector<std::size_t> gain(values.names.size(), 0);
    for (std::size_t i = 0; i < items; ++i) {
      if (covered[i] != 0) continue;
      for (const std::uint32_t value : values.of_item[i]) {
        if (2 * count[value] <= items) ++gain[value];
      }
    }
    const auto best = std::ranges::max_element(gain);
    if (best == gain.end() || *best < 2) break;
    const auto value = static_cast<std::uint32_t>(best - gain.begin());
    chosen.push_back(value);
    for (std::size_t i = 0; i < items; ++i) {
      if (std::ranges::find(values.of_item[i], value) != values.of_item[i].end()) covered[i] = 1;
    }
  }
  Colouring result;
  result.colours.assign(items, kNoColour);
  std::vector<std::size_t> size(chosen.size(), 0);
  for (std::size_t i = 0; i < items; ++i) {
    std::size_t rarest = SIZE_MAX;
    for (std::size_t c = 0; c < chosen.size(); ++c) {
      if (std::ranges::find(values.of_item[i], chosen[c]) == values.of_item[i].end()) continue;
      if (count[chosen[c]] < rarest) {
        rarest = count[chosen[c]];
        result.colours[i] = static_cast<std::uint8_t>(c);
      }
    }
    if (result.colours[i] != kNoColour) ++size[result.colours[i]];
  }
  // Largest first.
  std::vector<std::uint8_t> order(chosen.size()), place(chosen.size());
  std::iota(order.begin(), order.end(), std::uint8_t{0});
  std::ranges::stable_sort(order, std::greater<>(), [&](std::uint8_t c) { return size[c]; });
  for (std::size_t p = 0; p < order.size(); ++p) {
    place[order[p]] = static_cast<std::uint8_t>(p);
    result.categories.push_back({values.names[chosen[order[p]]], size[order[p]], 0.0, 0.0, {}});
  }
  for (std::uint8_t& colour : result.colours) {
    if (colour != kNoColour) colour = place[colour];
  }
  return result;
}

// Fills what neighbours share; returns the agreement beyond chance (Cohen's kappa), 0 if nothing is
// coloured.
double judge_colours(const Neighbours& near, Colouring& colouring) {
  const std::size_t items = colouring.colours.size();
  if (near.k == 0 || colouring.categories.size() < 2) return 0.0;
  const std::size_t k = std::min(kNear, near.k);
  double observed = 0.0, expected = 0.0, coloured = 0.0;
  for (std::size_t c = 0; c < colouring.categories.size(); ++c) {
    MapCategory& category = colouring.categories[c];
    double same = 0.0;
    for (std::size_t i = 0; i < items; ++i) {
      if (colouring.colours[i] != c) continue;
      for (std::size_t n = 0; n < k; ++n) {
        same += colouring.colours[near.rows[i * near.k + n]] == c ? 1.0 : 0.0;
      }
    }
    const auto mine = static_cast<double>(category.items);
    category.neighbours_same = mine > 0.0 ? same / (mine * static_cast<double>(k)) : 0.0;
    category.by_chance = (mine - 1.0) / static_cast<double>(items - 1);
    observed += category.neighbours_same * mine;
    expected += category.by_chance * mine;
    coloured += mine;
  }
  // Items without a colour are explained by nothing.
  const double all = static_cast<double>(items);
  return coloured > 0.0 ? (observed - expected) / std::max(all - expected, 1.0) : 0.0;
}

// The point of the category with most others of it near: inside a group, where a mean may not be.
Point densest(const ItemMap& map, std::uint8_t colour) {
  constexpr float kReach = 0.02F;
  Point best;
  float most = -1.0F;
  for (std::size_t i = 0; i < map.items.size(); ++i) {
    if (map.colours[i] != colour) continue;
    float weight = 0.0F;
    for (std::size_t j = 0; j < map.items.size(); ++j) {
      if (map.colours[j] != colour) continue;
      const float dx = map.points[i].x - map.points[j].x;
      const float dy = map.points[i].y - map.points[j].y;
      weight += 1.0F / (1.0F + (dx * dx + dy * dy) / kReach);
    }
    if (weight > most) {
      most = weight;
      best = map.points[i];
    }
  }
  return best;
}

double kept_share(const Neighbours& near, const std::vector<Point>& points, ThreadPool& pool) {
  if (near.k == 0) return 0.0;
  Matrix plane(points.size(), 2);
  for (std::size_t i = 0; i < points.size(); ++i) {
    plane(i, 0) = points[i].x;
    plane(i, 1) = points[i].y;
  }
  const std::size_t k = std::min(kNear, near.k);
  const Neighbours drawn = nearest_rows(plane.view(), k, pool);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto mine = std::span(drawn.rows).subspan(i * drawn.k, drawn.k);
    for (std::size_t n = 0; n < k; ++n) {
      kept += std::ranges::count(mine, near.rows[i * near.k + n]) != 0 ? 1U : 0U;
    }
  }
  return static_cast<double>(kept) / static_cast<double>(points.size() * k);
}

}  // namespace

ItemMap make_item_map(ConstFloatView embeddings, Metric metric, const data::Table& item_table,
                      const features::EntitySpec& spec, ThreadPool& pool) {
  ItemMap map;
  if (embeddings.rows < 3 || embeddings.cols == 0) return map;
  map.items = sample_of(embeddings.rows);
  const Matrix rows = rows_of(embeddings, metric, map.items);
  Principal plane = principal_plane(rows.view());
  map.plane_variance = plane.variance_share;
  const Neighbours near = nearest_rows(rows.view(), kAffinityRows, pool);
  map.points = tsne(near, std::move(plane.points), pool);
  map.neighbours_kept = kept_share(near, map.points, pool);

  map.colours.assign(map.items.size(), kNoColour);
  double best = 0.0;
  for (const features::CategoricalColumn& column : spec.categorical) {
    const data::Column* values = item_table.find(column.column);
    if (values == nullptr || !features::value_type(*values).has_value()) continue;
    Colouring colouring =
        colour_by(values_of(*values, column.separator, map.items), map.items.size());
    const double agreement = judge_colours(near, colouring);
    if (!(agreement > best)) continue;
    best = agreement;
    map.column = column.column;
    map.categories = std::move(colouring.categories);
    map.colours = std::move(colouring.colours);
  }
  for (std::size_t c = 0; c < map.categories.size(); ++c) {
    map.categories[c].centre = densest(map, static_cast<std::uint8_t>(c));
  }
  return map;
}

}  // namespace torii::report

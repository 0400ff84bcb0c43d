#include <algorithm>
#include <cmath>

#include "base/printable.h"
#include "report/chart.h"
#include "report/item_map.h"
#include "report/sections.h"

namespace torii::report {
namespace {

constexpr double kSide = 640.0;
constexpr double kMargin = 14.0;
constexpr std::size_t kMapTitleColumns = 60;

// Height of the drawing: that of the points, as their width is fixed.
double height_of(const ItemMap& map) {
  float most = 0.0F;
  for (const Point& point : map.points) most = std::max(most, std::fabs(point.y));
  return 2.0 * kMargin + std::max(0.4, static_cast<double>(most)) * (kSide - 2.0 * kMargin);
}

double place(float coordinate) {
  return kMargin + (static_cast<double>(coordinate) + 1.0) / 2.0 * (kSide - 2.0 * kMargin);
}

std::string colour_class(std::uint8_t colour) {
  return colour == kNoColour ? "c-none" : fmt::format("c{}", colour);
}

// Names of the categories, moved down where they would lie on each other.
Html labels(const ItemMap& map, double height) {
  struct Label {
    double x, y, width;
    std::string text;
    std::size_t colour;
  };
  std::vector<Label> placed;
  for (std::size_t c = 0; c < map.categories.size(); ++c) {
    Label label;
    label.text = cut(visible(map.categories[c].name), 24);
    label.width = 8.4 * static_cast<double>(columns_of(label.text)) + 8.0;
    label.x =
        std::clamp(place(map.categories[c].centre.x), label.width / 2.0, kSide - label.width / 2.0);
    label.y =
        std::clamp(place(map.categories[c].centre.y) - (kSide - height) / 2.0, 18.0, height - 8.0);
    label.colour = c;
    for (std::size_t tries = 0; tries < 60; ++tries) {
      const bool free = std::ranges::none_of(placed, [&](const Label& other) {
        return std::fabs(other.x - label.x) < (other.width + label.width) / 2.0 &&
               std::fabs(other.y - label.y) < 19.0;
      });
      if (free) break;
      label.y = label.y + 19.0 > height - 8.0 ? 18.0 : label.y + 19.0;
    }
    placed.push_back(std::move(label));
  }
  Html out;
  for (const Label& label : placed) {
    out +=
        html("<text class=\"place c{}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>",
             label.colour, label.x, label.y, label.text);
  }
  return out;
}

Html drawing(const Input& input, const ItemMap& map) {
  std::vector<std::uint64_t> counts(input.dataset->items.size(), 0);
  const data::Interactions& rows = input.dataset->interactions;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (input.task->fit_rows[row] != 0) ++counts[rows.item[row]];
  }
  std::uint64_t most = 1;
  for (const std::uint32_t item : map.items) most = std::max(most, counts[item]);

  const double height = height_of(map);
  Html out = svg_begin(
      {"item-map", "Map of the items",
       fmt::format("{} as points, coloured by {}; items that the model takes for alike lie near "
                   "each other.",
                   count_text(map.items.size(), "item", "items"),
                   map.column.empty() ? std::string("nothing") : map.column)},
      kSide, height, "chart map");
  for (std::size_t layer = 0; layer <= map.categories.size(); ++layer) {
    // Without colour first, below the others.
    const auto colour = layer == 0 ? kNoColour : static_cast<std::uint8_t>(layer - 1);
    out += html("<g class=\"{}\">\n", colour_class(colour));
    for (std::size_t i = 0; i < map.items.size(); ++i) {
      if (map.colours[i] != colour) continue;
      const std::uint32_t item = map.items[i];
      const double radius =
          2.0 + 3.5 * std::sqrt(static_cast<double>(counts[item]) / static_cast<double>(most));
      out += html("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\"><title>{}</title></circle>\n",
                  place(map.points[i].x), place(map.points[i].y) - (kSide - height) / 2.0, radius,
                  cut(visible(item_label(input, item)), kMapTitleColumns));
    }
    out += {"</g>"};
  }
  out += labels(map, height);
  out += {"</svg>\n"};
  return out;
}

Html category_table(const ItemMap& map) {
  HtmlTable table(
      fmt::format("Alike: share of an item's 10 nearest items in the embedding that have its {} "
                  "too; chance: that share among all items",
                  map.column),
      {"", "items", "alike", "chance", "times"});
  for (std::size_t c = 0; c < map.categories.size(); ++c) {
    const MapCategory& category = map.categories[c];
    table.add({html("<span class=\"named\"><span class=\"swatch c{}\"></span>{}</span>", c,
                    data_text(category.name, 24)),
               html("{}", grouped(category.items)),
               html("{}", percent_text(category.neighbours_same)),
               html("{}", percent_text(category.by_chance)),
               html("{}", category.by_chance > 0.0
                              ? times_text(category.neighbours_same / category.by_chance)
                              : "-")});
  }
  return table.done();
}

}  // namespace

Html map_section(const Input& input, ThreadPool& pool) {
  if (input.bundle == nullptr || input.item_embeddings.rows == 0) {
    return {"<p>A baseline has no embeddings to draw.</p>\n"};
  }
  const ItemMap map = make_item_map(input.item_embeddings, input.bundle->model.metric,
                                    input.dataset->item_table, input.bundle->spec.item, pool);
  if (map.items.empty()) return {"<p>There are too few items for a map.</p>\n"};
  Html out = html(
      "<p>Every point is an item; larger ones are more popular. Items that the model takes for "
      "alike "
      "lie near each other. The colours come from the data ({}), not from the map.</p>\n",
      map.column.empty() ? std::string("no column explains the neighbours")
                         : "column “" + map.column + "”");
  const Html figure = html("<figure class=\"wide\">{}</figure>\n", drawing(input, map));
  if (map.categories.empty()) {
    out += figure;
  } else {
    std::size_t coloured = 0;
    for (const MapCategory& category : map.categories) coloured += category.items;
    out += html("<div class=\"pair map\">{}<div>{}", figure, category_table(map));
    if (coloured < map.items.size()) {
      out += html(
          "<p class=\"note\"><span class=\"swatch c-none\"></span>{} more in other categories or "
          "none.</p>",
          count_text(map.items.size() - coloured, "item", "items"));
    }
    out += {"</div></div>\n"};
  }
  out += html(
      "<p class=\"note\">{}Drawn by t-SNE, which keeps neighbourhoods: {} of each item's ten "
      "nearest "
      "items are among its ten nearest on the map too. Distances between groups, their sizes and "
      "the directions mean nothing; two straight axes would hold {} of the variance. An item with "
      "several categories has the colour of the rarest.</p>\n",
      map.items.size() < input.dataset->items.size()
          ? fmt::format("A fixed sample of {} of {}. ", grouped(map.items.size()),
                        count_text(input.dataset->items.size(), "item", "items"))
          : std::string(),
      percent_text(map.neighbours_kept), percent_text(map.plane_variance));
  return out;
}

}  // namespace torii::report

#include "pipeline/layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace torii::pipeline {
namespace {

constexpr std::size_t kGap = 3;
constexpr std::size_t kSides = 4;  // "│ " and " │"
constexpr int kSweeps = 4;

// The needs of each step without those that another need implies.
std::vector<std::vector<std::size_t>> reduced_needs(const Graph& graph) {
  const std::size_t count = graph.steps().size();
  std::vector<std::set<std::size_t>> all(count);  // everything that stands before a step
  std::vector<std::vector<std::size_t>> reduced(count);
  for (const std::size_t step : graph.order()) {
    for (const std::size_t need : graph.needs(step)) {
      all[step].insert(need);
      all[step].insert(all[need].begin(), all[need].end());
    }
    for (const std::size_t need : graph.needs(step)) {
      const bool implied = std::ranges::any_of(graph.needs(step), [&](std::size_t other) {
        return other != need && all[other].contains(need);
      });
      if (!implied) reduced[step].push_back(need);
    }
  }
  return reduced;
}

class LayoutMaker {
 public:
  explicit LayoutMaker(const Graph& graph) : graph_(graph) {
    for (const Step& step : graph.steps()) layout_.labels.push_back(label_of(step));
  }

  Layout make() {
    place();
    for (int sweep = 0; sweep < kSweeps; ++sweep) order_layers();
    assign_columns();
    return std::move(layout_);
  }

 private:
  void place() {
    const auto needs = reduced_needs(graph_);
    std::vector<std::size_t> layer(needs.size(), 0);
    std::size_t layers = 0;
    for (const std::size_t step : graph_.order()) {
      for (const std::size_t need : needs[step])
        layer[step] = std::max(layer[step], layer[need] + 1);
      layers = std::max(layers, layer[step] + 1);
    }
    layout_.layers.resize(layers);
    std::vector<std::size_t> at(needs.size());
    for (const std::size_t step : graph_.order()) {
      auto& row = layout_.layers[layer[step]];
      at[step] = row.size();
      row.push_back({.step = step,
                     .lane = false,
                     .layer = layer[step],
                     .column = 0,
                     .width = layout_.labels[step].size() + kSides});
    }
    // One lane for all edges of a step that pass a layer.
    std::map<std::pair<std::size_t, std::size_t>, std::size_t> lanes;
    std::set<std::pair<std::size_t, std::size_t>> lane_fed;
    for (const std::size_t step : graph_.order()) {
      for (const std::size_t need : needs[step]) {
        std::size_t from = at[need];
        for (std::size_t row = layer[need] + 1; row < layer[step]; ++row) {
          const auto [lane, made] = lanes.try_emplace({need, row}, layout_.layers[row].size());
          if (made) {
            layout_.layers[row].push_back(
                {.step = need, .lane = true, .layer = row, .column = 0, .width = 1});
            layout_.edges.push_back({row - 1, from, lane->second});
          }
          from = lane->second;
        }
        layout_.edges.push_back({layer[step] - 1, from, at[step]});
      }
    }
  }

  // Puts the places of each layer in the order of the middle of what they hang on.
  void order_layers() {
    for (std::size_t row = 1; row < layout_.layers.size(); ++row) {
      auto& places = layout_.layers[row];
      std::vector<std::pair<double, std::size_t>> keys(places.size());
      for (std::size_t i = 0; i < places.size(); ++i) {
        double sum = 0;
        int count = 0;
        for (const Layout::Edge& edge : layout_.edges) {
          if (edge.layer + 1 != row || edge.to != i) continue;
          sum += static_cast<double>(edge.from);
          ++count;
        }
        keys[i] = {count == 0 ? 0.0 : sum / count, i};
      }
      std::ranges::stable_sort(keys, {}, &std::pair<double, std::size_t>::first);
      std::vector<std::size_t> moved(places.size());
      std::vector<Layout::Place> sorted;
      for (std::size_t i = 0; i < keys.size(); ++i) {
        moved[keys[i].second] = i;
        sorted.push_back(places[keys[i].second]);
      }
      places = std::move(sorted);
      for (Layout::Edge& edge : layout_.edges) {
        if (edge.layer + 1 == row) edge.to = moved[edge.to];
        if (edge.layer == row) edge.from = moved[edge.from];
      }
    }
  }

  void assign_columns() {
    for (auto& row : layout_.layers) {
      std::size_t column = 0;
      for (Layout::Place& place : row) {
        place.column = column;
        column += place.width + kGap;
      }
      layout_.width = std::max(layout_.width, column - kGap);
    }
    for (auto& row : layout_.layers) {
      const std::size_t used = row.back().column + row.back().width;
      for (Layout::Place& place : row) place.column += (layout_.width - used) / 2;
    }
  }

  const Graph& graph_;
  Layout layout_;
};

}  // namespace

std::string label_of(const Step& step) {
  if (!step.fan_out) return step.when ? step.name + " ?" : step.name;
  const FanOut& fan_out = *step.fan_out;
  const std::string many = !fan_out.parameter.empty() ? fan_out.parameter
                           : fan_out.kind == FanOut::Kind::kItems
                               ? std::to_string(fan_out.items.size())
                               : std::to_string(fan_out.shards);
  return fmt::format("{} x {}{}", step.name, many, step.when ? " ?" : "");
}

Layout lay_out(const Graph& graph) {
  return LayoutMaker(graph).make();
}

}  // namespace torii::pipeline

#include <array>
#include <map>
#include <set>
#include <string_view>

#include "pipeline/draw.h"
#include "pipeline/layout.h"

namespace torii::pipeline {
namespace {

// Each cell is a text or the directions in which lines leave it.
constexpr unsigned kUp = 1;
constexpr unsigned kDown = 2;
constexpr unsigned kLeft = 4;
constexpr unsigned kRight = 8;
constexpr std::array<std::string_view, 16> kLines = {" ", "│", "│", "│", "─", "┘", "┐", "┤",
                                                     "─", "└", "┌", "├", "─", "┴", "┬", "┼"};

class Canvas {
 public:
  explicit Canvas(std::size_t width) : width_(width) {}

  std::size_t add_row() {
    lines_.emplace_back(width_, 0U);
    letters_.emplace_back();
    return lines_.size() - 1;
  }
  void mark(std::size_t row, std::size_t column, unsigned directions) {
    lines_[row][column] |= directions;
  }
  void write(std::size_t row, std::size_t column, std::string_view text) {
    letters_[row][column] = std::string(text);
  }
  void box(std::size_t row, const Layout::Place& place, std::string_view label) {
    const std::size_t right = place.column + place.width - 1;
    for (std::size_t column = place.column; column <= right; ++column) {
      const unsigned sides = (column > place.column ? kLeft : 0) | (column < right ? kRight : 0);
      mark(row, column, sides);
      mark(row + 2, column, sides);
    }
    for (const std::size_t side : {place.column, right}) {
      mark(row, side, kDown);
      mark(row + 1, side, kUp | kDown);
      mark(row + 2, side, kUp);
    }
    write(row + 1, place.column + 2, label);
  }
  void vertical(std::size_t column, std::size_t from, std::size_t to) {
    for (std::size_t row = from; row <= to; ++row) {
      mark(row, column, (row > from ? kUp : 0) | (row < to ? kDown : 0));
    }
  }
  void horizontal(std::size_t row, std::size_t from, std::size_t to) {
    for (std::size_t column = from; column <= to; ++column) {
      mark(row, column, (column > from ? kLeft : 0) | (column < to ? kRight : 0));
    }
  }

  [[nodiscard]] std::string text() const {
    std::string out;
    for (std::size_t row = 0; row < lines_.size(); ++row) {
      std::string line;
      for (std::size_t column = 0; column < width_; ++column) {
        const auto letters = letters_[row].find(column);
        if (letters == letters_[row].end()) {
          line += kLines[lines_[row][column]];
          continue;
        }
        line += letters->second;  // ASCII, as the names of steps are
        column += letters->second.size() - 1;
      }
      while (line.ends_with(' ')) line.pop_back();
      out += line + "\n";
    }
    return out;
  }

 private:
  std::size_t width_;
  std::vector<std::vector<unsigned>> lines_;
  std::vector<std::map<std::size_t, std::string>> letters_;
};

// The rows between two layers.
// Returns the row in which the lower layer begins, where the lines end.
std::size_t draw_edges(const Layout& layout, std::size_t layer, Canvas& canvas,
                       std::size_t upper_row) {
  const auto& upper = layout.layers[layer];
  const auto& lower = layout.layers[layer + 1];
  std::map<std::size_t, std::set<std::size_t>> targets;  // of each upper place, columns below
  for (const Layout::Edge& edge : layout.edges) {
    if (edge.layer == layer) targets[edge.from].insert(lower[edge.to].middle());
  }
  // Places with the same targets share a row: their lines meet.
  std::map<std::size_t, std::size_t> track;
  std::map<std::set<std::size_t>, std::size_t> shared;
  for (const auto& [from, columns] : targets) {
    const bool straight = columns.size() == 1 && *columns.begin() == upper[from].middle();
    const auto met = shared.find(columns);
    if (met != shared.end()) {
      track[from] = met->second;
    } else if (!straight) {
      track[from] = shared[columns] = canvas.add_row();
    }
  }
  canvas.add_row();
  const std::size_t lower_row = canvas.add_row();
  for (const auto& [from, columns] : targets) {
    const std::size_t middle = upper[from].middle();
    if (!track.contains(from)) {
      canvas.vertical(middle, upper_row, lower_row);
      continue;
    }
    const std::size_t row = track[from];
    canvas.vertical(middle, upper_row, row);
    std::set<std::size_t> span = columns;
    span.insert(middle);
    canvas.horizontal(row, *span.begin(), *span.rbegin());
    for (const std::size_t column : columns) canvas.vertical(column, row, lower_row);
  }
  return lower_row;
}

}  // namespace

std::string draw_text(const Graph& graph) {
  const Layout layout = lay_out(graph);
  Canvas canvas(layout.width);
  std::size_t top = canvas.add_row();
  for (std::size_t layer = 0; layer < layout.layers.size(); ++layer) {
    canvas.add_row();
    const std::size_t bottom = canvas.add_row();
    for (const Layout::Place& place : layout.layers[layer]) {
      if (place.lane) {
        canvas.vertical(place.middle(), top, bottom);
      } else {
        canvas.box(top, place, layout.labels[place.step]);
      }
    }
    if (layer + 1 == layout.layers.size()) break;
    top = draw_edges(layout, layer, canvas, bottom);
  }
  return canvas.text();
}

}  // namespace torii::pipeline

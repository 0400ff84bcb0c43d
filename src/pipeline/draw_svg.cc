#include <fmt/format.h>

#include "base/html_text.h"
#include "base/printable.h"
#include "pipeline/draw.h"
#include "pipeline/layout.h"

namespace torii::pipeline {
namespace {

constexpr std::size_t kLetter = 8;  // pixels
constexpr std::size_t kBox = 36;
constexpr std::size_t kBetween = 44;
constexpr std::size_t kMargin = 16;

// Control characters are no XML, however they are written.
std::string escaped(std::string_view text) {
  return html_text(visible(text));
}

std::size_t x_of(const Layout::Place& place) {
  return kMargin + place.middle() * kLetter;
}
std::size_t top_of(std::size_t layer) {
  return kMargin + layer * (kBox + kBetween);
}

}  // namespace

std::string draw_svg(const Graph& graph) {
  const Layout layout = lay_out(graph);
  const std::size_t width = 2 * kMargin + layout.width * kLetter;
  const std::size_t height = top_of(layout.layers.size()) - kBetween + kMargin;
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} "
      "{1}\" role=\"img\" font-family=\"ui-monospace, monospace\" font-size=\"13\">\n"
      "<title>{2}</title>\n"
      "<rect width=\"{0}\" height=\"{1}\" fill=\"#ffffff\"/>\n"
      "<g fill=\"none\" stroke=\"#6a6e73\" stroke-width=\"1.5\">\n",
      width, height, escaped(graph.name()));
  for (const Layout::Edge& edge : layout.edges) {
    const std::size_t from = x_of(layout.layers[edge.layer][edge.from]);
    const std::size_t to = x_of(layout.layers[edge.layer + 1][edge.to]);
    const std::size_t start = top_of(edge.layer) + kBox;
    const std::size_t end = top_of(edge.layer + 1);
    out += fmt::format("<path d=\"M{0} {1}C{0} {2} {3} {2} {3} {4}\"/>\n", from, start,
                       start + kBetween / 2, to, end);
  }
  for (std::size_t layer = 0; layer < layout.layers.size(); ++layer) {
    for (const Layout::Place& place : layout.layers[layer]) {
      if (!place.lane) continue;
      out += fmt::format("<path d=\"M{0} {1}V{2}\"/>\n", x_of(place), top_of(layer),
                         top_of(layer) + kBox);
    }
  }
  out += "</g>\n<g fill=\"#151515\" text-anchor=\"middle\">\n";
  for (std::size_t layer = 0; layer < layout.layers.size(); ++layer) {
    for (const Layout::Place& place : layout.layers[layer]) {
      if (place.lane) continue;
      const Step& step = graph.steps()[place.step];
      out += fmt::format(
          "<g><title>{}</title><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"6\" "
          "fill=\"#e7f1fa\" stroke=\"#0066cc\"/><text x=\"{}\" y=\"{}\">{}</text></g>\n",
          escaped(step.title.empty() ? step.name : step.title), kMargin + place.column * kLetter,
          top_of(layer), place.width * kLetter, kBox,
          kMargin + place.column * kLetter + place.width * kLetter / 2,
          top_of(layer) + kBox / 2 + 4, escaped(layout.labels[place.step]));
    }
  }
  return out + "</g>\n</svg>\n";
}

}  // namespace torii::pipeline

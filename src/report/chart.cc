#include "report/chart.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/printable.h"

namespace torii::report {
namespace {

// Of a chart with two axes.
constexpr double kWidth = 480.0;
constexpr double kHeight = 300.0;
constexpr double kLeft = 58.0;
constexpr double kRight = 14.0;
constexpr double kTop = 22.0;
constexpr double kBottom = 48.0;

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void take(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

std::string axis_number(double value, double step) {
  if (value == 0.0) return "0";
  if (std::fabs(value) >= 1000.0) return grouped(static_cast<std::uint64_t>(value));
  const int digits = std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 6);
  return fmt::format("{:.{}f}", value, digits);
}

std::string shortest_percent(double share, double step) {
  return axis_number(100.0 * share, 100.0 * step) + " %";
}

// Places on the page for values of a line chart.
class Axes {
 public:
  explicit Axes(const LineChart& chart) : chart_(chart) {
    for (const Series& series : chart.series) {
      for (const double x : series.x) x_.take(x);
      for (const double y : series.y) y_.take(y);
    }
    if (chart.percent_y) y_ = {0.0, 1.0};
    if (!(x_.high > x_.low)) x_ = {x_.low - 0.5, x_.low + 0.5};
    const double margin = y_.high > y_.low ? 0.05 * (y_.high - y_.low) : 0.5;
    if (!chart.percent_y) y_ = {y_.low - margin, y_.high + margin};
  }
  [[nodiscard]] double x(double value) const {
    const double share =
        chart_.log_x ? std::log(value / x_.low) / std::log(std::max(x_.high / x_.low, 1.0 + 1e-9))
                     : (value - x_.low) / (x_.high - x_.low);
    return kLeft + share * (kWidth - kLeft - kRight);
  }
  [[nodiscard]] double y(double value) const {
    return kHeight - kBottom - (value - y_.low) / (y_.high - y_.low) * (kHeight - kTop - kBottom);
  }
  [[nodiscard]] Html frame() const {
    Html out;
    const std::vector<double> ys = ticks(y_.low, y_.high, 5);
    const double step = ys.size() > 1 ? ys[1] - ys[0] : 1.0;
    for (const double value : ys) {
      out += html("<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>",
                  kLeft, kWidth - kRight, y(value), y(value));
      out += html("<text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>",
                  kLeft - 7.0, y(value) + 4.0,
                  chart_.percent_y ? shortest_percent(value, step) : axis_number(value, step));
    }
    for (const double value : x_ticks()) {
      out +=
          html("<line class=\"axis\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\"/>",
               x(value), kHeight - kBottom, kHeight - kBottom + 4.0);
      out += html("<text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>",
                  x(value), kHeight - kBottom + 18.0, axis_number(value, 1.0));
    }
    out += html("<line class=\"axis\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>",
                kLeft, kWidth - kRight, kHeight - kBottom, kHeight - kBottom);
    out += html("<text class=\"label\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>",
                (kLeft + kWidth - kRight) / 2.0, kHeight - 8.0, chart_.x_label);
    out += html("<text class=\"label\" x=\"4\" y=\"13\">{}</text>", chart_.y_label);
    return out;
  }

 private:
  [[nodiscard]] std::vector<double> x_ticks() const {
    std::vector<double> values;
    if (chart_.log_x) {
      for (double decade = 1.0; decade <= x_.high; decade *= 10.0) {
        if (decade >= x_.low) values.push_back(decade);
      }
      return values;
    }
    for (const double value : ticks(x_.low, x_.high, 7)) {
      if (value == std::floor(value)) values.push_back(value);
    }
    return values;
  }

  const LineChart& chart_;
  Range x_;
  Range y_;
};

// Where the word at the mark does not lie on the first line: at the other end of the height.
double mark_height(const LineChart& chart, const Axes& axes) {
  for (const Series& series : chart.series) {
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      if (series.x[i] < chart.marked_x) continue;
      return axes.y(series.y[i]) < (kTop + kHeight - kBottom) / 2.0 ? kHeight - kBottom - 8.0
                                                                    : kTop + 10.0;
    }
  }
  return kTop + 10.0;
}

}  // namespace

std::vector<double> ticks(double low, double high, int count) {
  if (!(high > low)) return {low};
  const double rough = (high - low) / std::max(count, 1);
  const double decade = std::pow(10.0, std::floor(std::log10(rough)));
  double step = decade;
  for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
    step = factor * decade;
    if (step >= rough * 0.999) break;
  }
  std::vector<double> values;
  for (auto i = static_cast<std::int64_t>(std::ceil(low / step - 1e-9));
       static_cast<double>(i) * step <= high + 1e-9 * step && values.size() < 50; ++i) {
    values.push_back(static_cast<double>(i) * step);
  }
  return values;
}

std::string other_style(std::size_t index) {
  return fmt::format("other{}", index % 6);
}

Html svg_begin(const ChartText& text, double width, double height, std::string_view style) {
  return html(
      "<svg class=\"{}\" viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-labelledby=\"{}-t "
      "{}-d\"><title id=\"{}-t\">{}</title><desc id=\"{}-d\">{}</desc>",
      style, width, height, text.id, text.id, text.id, text.title, text.id, text.description);
}

Html draw(const LineChart& chart) {
  const Axes axes(chart);
  Html out = svg_begin(chart.text, kWidth, kHeight, "chart");
  out += axes.frame();
  if (!chart.mark.empty()) {
    const double x = axes.x(chart.marked_x);
    const bool left = x > kWidth / 2.0;
    const double y = mark_height(chart, axes);
    out += html(
        "<line class=\"mark\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/><text "
        "class=\"marked\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>",
        x, x, kTop, kHeight - kBottom, left ? x - 5.0 : x + 5.0, y, left ? "end" : "start",
        chart.mark);
  }
  // The subject last, so that it lies on top.
  std::vector<const Series*> order;
  for (const Series& series : chart.series) order.push_back(&series);
  std::ranges::stable_partition(order, [](const Series* s) { return s->style != "subject"; });
  for (const Series* series : order) {
    std::string points;
    Html dots;
    for (std::size_t i = 0; i < series->x.size(); ++i) {
      const double x = axes.x(series->x[i]);
      const double y = axes.y(series->y[i]);
      points += fmt::format("{}{:.1f},{:.1f}", i == 0 ? "" : " ", x, y);
      if (!chart.markers) continue;
      dots += html(
          "<circle class=\"dot {}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.6\"><title>{} {}: "
          "{}</title></circle>",
          series->style, x, y, chart.x_label, axis_number(series->x[i], 1.0),
          metric_text(series->y[i]));
    }
    out += html("<polyline class=\"line {}\" points=\"{}\"><title>{}</title></polyline>",
                series->style, points, series->name);
    out += dots;
  }
  out += {"</svg>\n"};
  return out;
}

Html draw(const IntervalChart& chart) {
  constexpr double kPanelWidth = 340.0;
  constexpr double kNames = 112.0;
  constexpr double kValues = 58.0;
  constexpr double kRow = 27.0;
  const double height = kRow * static_cast<double>(chart.rows.size()) + 34.0;
  double most = 1e-9;
  for (const auto& row : chart.rows) most = std::max({most, row.value, row.high});
  if (std::isfinite(chart.reference)) most = std::max(most, chart.reference);
  most *= 1.04;
  const auto place = [&](double value) {
    return kNames + std::max(value, 0.0) / most * (kPanelWidth - kNames - kValues);
  };
  Html out = svg_begin(chart.text, kPanelWidth, height, "chart panel");
  const std::vector<double> values = ticks(0.0, most, 3);
  const double step = values.size() > 1 ? values[1] - values[0] : 1.0;
  for (const double value : values) {
    out += html(
        "<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"4\" y2=\"{1:.1f}\"/><text "
        "class=\"tick\" x=\"{0:.1f}\" y=\"{2:.1f}\" text-anchor=\"middle\">{3}</text>",
        place(value), height - 26.0, height - 10.0, axis_number(value, step));
  }
  if (std::isfinite(chart.reference)) {
    out += html("<line class=\"mark\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"4\" y2=\"{1:.1f}\"/>",
                place(chart.reference), height - 26.0);
  }
  for (std::size_t i = 0; i < chart.rows.size(); ++i) {
    const auto& row = chart.rows[i];
    const double y = kRow * (static_cast<double>(i) + 0.5) + 4.0;
    const std::string style = row.subject ? "subject" : "other";
    out += html(
        "<text class=\"name {}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>"
        "<line class=\"stem {}\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>",
        style, kNames - 9.0, y + 4.0, cut(visible(row.name), 16), style, place(0.0),
        place(row.value), y, y);
    if (row.high > row.low) {
      out += html(
          "<line class=\"whisker {}\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>",
          style, place(row.low), place(row.high), y, y);
    }
    out +=
        html("<circle class=\"value {}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4.2\"><title>{}: ", style,
             place(row.value), y, row.name);
    out += html(
        "{}{}</title></circle>", metric_text(row.value),
        row.high > row.low ? html(", 95 % interval {}", range_text(row.low, row.high)) : Html{});
    out += html("<text class=\"number {}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>",
                style, kPanelWidth - 4.0, y + 4.0, metric_text(row.value));
  }
  out += {"</svg>\n"};
  return out;
}

Html draw(const ShareChart& chart) {
  constexpr double kNames = 146.0;
  constexpr double kBar = 20.0;
  constexpr double kRow = 30.0;
  const double height = kRow * static_cast<double>(chart.rows.size()) + 26.0;
  const double width = kWidth - kNames - kRight;
  Html out = svg_begin(chart.text, kWidth, height, "chart");
  for (std::size_t i = 0; i < chart.rows.size(); ++i) {
    const auto& row = chart.rows[i];
    const double y = kRow * static_cast<double>(i);
    out +=
        html("<text class=\"name {}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>",
             row.subject ? "subject" : "other", kNames - 9.0, y + 15.0, cut(visible(row.name), 16));
    double begin = 0.0;
    for (std::size_t part = 0; part < row.shares.size(); ++part) {
      const double share = std::clamp(row.shares[part], 0.0, 1.0);
      if (share <= 0.0) continue;
      out += html(
          "<rect class=\"part part{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" "
          "height=\"{:.1f}\"><title>{}: {} of the places for {}</title></rect>",
          part, kNames + begin * width, y, share * width, kBar, row.name, percent_text(share),
          chart.parts[part]);
      begin += share;
    }
  }
  for (const double value : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    out += html("<text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{:.0f} %</text>",
                kNames + value * width, height - 8.0,
                value == 0.0   ? "start"
                : value == 1.0 ? "end"
                               : "middle",
                100.0 * value);
  }
  out += {"</svg>\n<ul class=\"legend\">"};
  for (std::size_t part = 0; part < chart.parts.size(); ++part) {
    out += html("<li><span class=\"swatch part{}\"></span>{}</li>", part, chart.parts[part]);
  }
  out += {"</ul>\n"};
  return out;
}

Html legend(const std::vector<Series>& series) {
  Html out{"<ul class=\"legend\">"};
  for (const Series& one : series) {
    out += html(
        "<li><svg class=\"key\" viewBox=\"0 0 26 8\" aria-hidden=\"true\"><line class=\"line "
        "{}\" x1=\"0\" x2=\"26\" y1=\"4\" y2=\"4\"/></svg>{}</li>",
        one.style, one.name);
  }
  out += {"</ul>\n"};
  return out;
}

}  // namespace torii::report

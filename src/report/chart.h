#pragma once

#include <string>
#include <vector>

#include "report/html.h"

// Charts as inline SVG, coloured by the page's style (so they follow light, dark and paper). Each
// is an image with a title and a description; a table with its numbers belongs beside it.
namespace torii::report {

/// What every chart says of itself. `id` is unique in the page.
struct ChartText {
  std::string id;
  std::string title;
  std::string description;
};

/// One line. `style`: class of the line: "subject" or "other0" to "other5".
struct Series {
  std::string name;
  std::string style;
  std::vector<double> x;
  std::vector<double> y;
};

struct LineChart {
  ChartText text;
  std::string x_label;
  std::string y_label;
  std::vector<Series> series;  ///< finite values; a point each is enough
  bool log_x = false;          ///< x > 0 then
  bool percent_y = false;      ///< y are shares, 0 to 1: the axis is that of percents
  bool markers = false;        ///< a dot on each point
  /// A vertical line at this x with a word on it; NaN = none.
  double marked_x = 0.0;
  std::string mark;
};
[[nodiscard]] Html draw(const LineChart& chart);

/// Values with intervals, one row each, on an axis that starts at 0.
struct IntervalChart {
  struct Row {
    std::string name;
    bool subject = false;
    double value = 0.0;
    double low = 0.0;  ///< low = high: no whisker
    double high = 0.0;
  };
  ChartText text;
  std::vector<Row> rows;
  /// A vertical line, such as the value of all; NaN = none.
  double reference = 0.0;
};
[[nodiscard]] Html draw(const IntervalChart& chart);

/// One bar of shares that add up to 1 for each row.
struct ShareChart {
  struct Row {
    std::string name;
    bool subject = false;
    std::vector<double> shares;
  };
  ChartText text;
  std::vector<std::string> parts;  ///< at most 4, from the darkest
  std::vector<Row> rows;
};
[[nodiscard]] Html draw(const ShareChart& chart);

/// Swatches for a chart's lines.
[[nodiscard]] Html legend(const std::vector<Series>& series);

/// Round numbers from `low` to `high`, about `count` of them.
[[nodiscard]] std::vector<double> ticks(double low, double high, int count);

/// "class of the n-th line that is not the subject".
[[nodiscard]] std::string other_style(std::size_t index);

/// The opening of an SVG with its title and description: <svg ...><title>..</title><desc>..</desc>.
[[nodiscard]] Html svg_begin(const ChartText& text, double width, double height,
                             std::string_view style);

}  // namespace torii::report

#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

// Pieces of HTML that cannot be mixed up with text: whatever is no Html is escaped on its way in.
namespace torii::report {

/// Well-formed markup (HTML that is XML too: every element closed, every attribute quoted).
struct Html {
  std::string code = {};
  Html& operator+=(const Html& more) {
    code += more.code;
    return *this;
  }
  [[nodiscard]] bool empty() const { return code.empty(); }
};

/// Text as it may stand in an element or a quoted attribute: printable() of base, and & < > " ' as
/// entities.
[[nodiscard]] std::string escape(std::string_view text);

namespace internal {
inline std::string code_of(const Html& html) {
  return html.code;
}
inline std::string code_of(std::string_view text) {
  return escape(text);
}
template <class T>
  requires std::is_arithmetic_v<T>
T code_of(T number) {
  return number;
}
template <class T>
using Code = decltype(code_of(std::declval<const T&>()));
}  // namespace internal

/// Fills a piece of markup: texts are escaped, Html is taken as it is, numbers are printed.
///     html("<p class=\"{}\">{}</p>", "note", title)
template <class... Args>
[[nodiscard]] Html html(fmt::format_string<internal::Code<std::type_identity_t<Args>>...> markup,
                        const Args&... args) {
  return {fmt::format(markup, internal::code_of(args)...)};
}

// Numbers, the same everywhere in the report.
[[nodiscard]] std::string metric_text(double value);  ///< "0.2940"
[[nodiscard]] std::string signed_text(double value);  ///< "+0.0154", "−0.0020"
/// "0.2792 to 0.3091"
[[nodiscard]] std::string range_text(double low, double high);
[[nodiscard]] std::string percent_text(double share);  ///< "79.3 %"
[[nodiscard]] std::string times_text(double ratio);    ///< "2.1", "0.93"
[[nodiscard]] std::string count_text(std::size_t count, std::string_view one,
                                     std::string_view many);  ///< "1 item", "1,682 items"

/// Text out of data: its direction of writing stays inside (bdi); cut to `columns`, and then whole
/// (up to 300 columns) on hover.
[[nodiscard]] Html data_text(std::string_view text, std::size_t columns);

/// A table with its own horizontal scroll. The first column is the row's header.
class HtmlTable {
 public:
  /// caption: what the table shows; for screen readers and paper.
  HtmlTable(std::string caption, std::vector<std::string> head);
  /// As many cells as the head has.
  void add(const std::vector<Html>& cells, std::string_view row_class = "");
  /// Columns from the left that hold words; 1 unless told.
  void set_text_columns(std::size_t count) { text_columns_ = count; }
  [[nodiscard]] bool empty() const { return rows_ == 0; }
  [[nodiscard]] Html done() const;

 private:
  std::string caption_;
  std::vector<std::string> head_;
  std::vector<std::pair<std::string, std::vector<Html>>> body_;
  std::size_t text_columns_ = 1;
  std::size_t rows_ = 0;
};

/// "The numbers" below a chart: folded on a screen, open on paper.
[[nodiscard]] Html folded(std::string_view summary, const Html& content);

}  // namespace torii::report

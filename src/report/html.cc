#include "report/html.h"

#include <cmath>
#include <utility>

#include "base/check.h"
#include "base/html_text.h"
#include "base/printable.h"

namespace torii::report {
namespace {

constexpr std::size_t kHoverColumns = 300;

}  // namespace

std::string escape(std::string_view text) {
  return html_text(visible(text));
}

std::string metric_text(double value) {
  return std::isfinite(value) ? fmt::format("{:.4f}", value) : "-";
}

std::string signed_text(double value) {
  if (!std::isfinite(value)) return "-";
  const std::string digits = fmt::format("{:.4f}", std::fabs(value));
  if (digits == "0.0000") return digits;
  return (value < 0.0 ? "−" : "+") + digits;
}

std::string range_text(double low, double high) {
  return metric_text(low) + " to " + metric_text(high);
}

std::string percent_text(double share) {
  return std::isfinite(share) ? fmt::format("{:.1f} %", 100.0 * share) : "-";
}

std::string times_text(double ratio) {
  if (!std::isfinite(ratio)) return "-";
  return fmt::format("{:.{}f}", ratio, ratio < 1.5 ? 2 : ratio < 100.0 ? 1 : 0);
}

std::string count_text(std::size_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", grouped(count), count == 1 ? one : many);
}

Html data_text(std::string_view text, std::size_t columns) {
  const std::string plain = visible(text.substr(0, 8 * kHoverColumns));
  const std::string shown = cut(plain, columns);
  if (shown == plain) return html("<bdi>{}</bdi>", shown);
  return html("<bdi title=\"{}\">{}</bdi>", cut(plain, kHoverColumns), shown);
}

HtmlTable::HtmlTable(std::string caption, std::vector<std::string> head)
    : caption_(std::move(caption)), head_(std::move(head)) {}

void HtmlTable::add(const std::vector<Html>& cells, std::string_view row_class) {
  TORII_CHECK(cells.size() == head_.size(), "one cell for each column");
  body_.emplace_back(row_class, cells);
  ++rows_;
}

Html HtmlTable::done() const {
  Html out = html(
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\"><table>"
      "<caption>{}</caption><thead><tr>",
      caption_, caption_);
  for (std::size_t c = 0; c < head_.size(); ++c) {
    out += html("<th scope=\"col\"{}>{}</th>", Html{c < text_columns_ ? "" : " class=\"n\""},
                head_[c]);
  }
  out += {"</tr></thead><tbody>\n"};
  for (const auto& [row_class, cells] : body_) {
    out += row_class.empty() ? Html{"<tr>"} : html("<tr class=\"{}\">", row_class);
    for (std::size_t c = 0; c < cells.size(); ++c) {
      if (c == 0) {
        out += html("<th scope=\"row\">{}</th>", cells[c]);
      } else {
        out += html("<td{}>{}</td>", Html{c < text_columns_ ? "" : " class=\"n\""}, cells[c]);
      }
    }
    out += {"</tr>\n"};
  }
  out += {"</tbody></table></div>\n"};
  return out;
}

Html folded(std::string_view summary, const Html& content) {
  return html("<details><summary>{}</summary>{}</details>\n", summary, content);
}

}  // namespace torii::report

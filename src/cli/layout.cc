#include "cli/layout.h"

#include <fmt/format.h>

#include <algorithm>

namespace torii::cli {
namespace {

std::string padded(const std::string& text, std::size_t columns, bool left) {
  const std::size_t used = columns_of(text);
  const std::string space(columns > used ? columns - used : 0, ' ');
  return left ? text + space : space + text;
}

}  // namespace

std::string wrap(std::string_view text, std::size_t indent) {
  std::string out;
  std::size_t column = indent;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string_view word = text.substr(at, end - at);
    const std::size_t size = columns_of(word);
    if (column != indent && column + 1 + size > kTextColumns) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column != indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += size;
    at = end + 1;
  }
  return out;
}

std::string two_columns(const std::vector<std::pair<std::string, std::string>>& rows) {
  std::size_t left = 0;
  for (const auto& row : rows) left = std::max(left, columns_of(row.first));
  left = std::min<std::size_t>(left, 34);
  std::string out;
  for (const auto& [name, text] : rows) {
    out += "  " + padded(name, left, true) + "  ";
    if (columns_of(name) > left) out += "\n" + std::string(left + 4, ' ');
    out += wrap(text, left + 4) + "\n";
  }
  return out;
}

std::string TextTable::text() const {
  std::vector<std::size_t> widths;
  for (const std::string& name : head_) widths.push_back(columns_of(name));
  for (const auto& row : rows_) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      widths[c] = std::max(widths[c], columns_of(row[c]));
    }
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string out = "  ";
    for (std::size_t c = 0; c < cells.size(); ++c) {
      if (c > 0) out += "  ";
      out += padded(cells[c], widths[c], c < left_);
    }
    while (out.ends_with(' ')) out.pop_back();
    return out + "\n";
  };
  std::size_t total = 2 * (widths.size() - 1);
  for (const std::size_t w : widths) total += w;
  std::string rule = "  ";
  for (std::size_t i = 0; i < total; ++i) rule += "─";
  std::string out = line(head_) + rule + "\n";
  for (const auto& row : rows_) out += line(row);
  return out;
}

}  // namespace torii::cli

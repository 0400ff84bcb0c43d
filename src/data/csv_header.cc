#include "data/csv_header.h"

#include <utility>

namespace torii::data {
namespace {}  // namespace

std::vector<std::string> csv_fields(std::string_view text, char delimiter, bool quoting) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  std::vector<std::string> fields(1);
  bool quoted = false;
  bool at_start = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c != '"') {
        fields.back() += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        fields.back() += c;
        ++i;
      } else {
        quoted = false;
      }
      continue;
    }
    if (c == '\n' || c == '\r') break;
    if (c == delimiter) {
      fields.emplace_back();
      at_start = true;
      continue;
    }
    if (quoting && c == '"' && at_start) {
      quoted = true;
    } else {
      fields.back() += c;
    }
    at_start = false;
  }
  return fields;
}

bool has_whole_record(std::string_view text, bool quoting) {
  bool quoted = false;
  for (const char c : text) {
    if (quoting && c == '"') quoted = !quoted;
    if (!quoted && (c == '\n' || c == '\r')) return true;
  }
  return false;
}

std::optional<std::vector<AtomicHeader>> atomic_headers(const std::vector<std::string>& headers) {
  static constexpr std::pair<std::string_view, AtomicType> kTypes[] = {
      {":token", AtomicType::kToken},
      {":token_seq", AtomicType::kTokenSeq},
      {":float", AtomicType::kFloat},
      {":float_seq", AtomicType::kFloatSeq},
  };
  std::vector<AtomicHeader> result;
  for (const std::string& header : headers) {
    bool known = false;
    for (const auto& [ending, type] : kTypes) {
      if (!header.ends_with(ending)) continue;
      result.push_back({header.substr(0, header.size() - ending.size()), type});
      known = true;
    }
    if (!known) return std::nullopt;
  }
  return result;
}

}  // namespace torii::data

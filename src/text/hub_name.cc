#include "text/hub_name.h"

#include <algorithm>
#include <cstddef>

namespace torii::text {
namespace {

constexpr std::size_t kWordMax = 96;
constexpr std::size_t kRevisionMax = 200;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_word(std::string_view word) {
  return !word.empty() && word.size() <= kWordMax && is_letter_or_digit(word.front()) &&
         word.find("..") == std::string_view::npos && std::ranges::all_of(word, [](char c) {
           return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-';
         });
}

}  // namespace

bool is_commit(std::string_view text) {
  return text.size() == 40 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::optional<HubName> parse_hub_name(std::string_view name) {
  HubName result;
  if (const auto at = name.find('@'); at != std::string_view::npos) {
    const std::string_view revision = name.substr(at + 1);
    if (revision.size() > kRevisionMax) return std::nullopt;
    for (std::size_t begin = 0; begin <= revision.size();) {
      const auto end = std::min(revision.find('/', begin), revision.size());
      if (!is_word(revision.substr(begin, end - begin))) return std::nullopt;
      begin = end + 1;
    }
    result.revision = revision;
    name = name.substr(0, at);
  }
  const auto slash = name.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  result.owner = name.substr(0, slash);
  result.model = name.substr(slash + 1);
  if (!is_word(result.owner) || !is_word(result.model)) return std::nullopt;
  return result;
}

}  // namespace torii::text

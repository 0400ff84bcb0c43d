#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "pipeline/check_graph.h"

namespace torii::pipeline {
namespace {

constexpr std::size_t kImageNameMax = 255;
constexpr std::size_t kTagMax = 128;

bool is_lower_or_digit(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9');
}

bool is_word_letter(char letter) {
  return is_lower_or_digit(letter) || (letter >= 'A' && letter <= 'Z') || letter == '_';
}

// "torii", "my-team": runs of letters and digits with '.', '_', '__' or dashes between them.
bool is_path_part(std::string_view part) {
  if (part.empty() || !is_lower_or_digit(part.front()) || !is_lower_or_digit(part.back())) {
    return false;
  }
  for (std::size_t at = 0; at < part.size();) {
    if (is_lower_or_digit(part[at])) {
      ++at;
      continue;
    }
    const std::size_t end =
        std::min(part.size(), part.find_first_not_of(std::string_view(&part[at], 1), at));
    const std::size_t length = end - at;
    const bool fits =
        part[at] == '-' || (part[at] == '.' && length == 1) || (part[at] == '_' && length <= 2);
    if (!fits || !is_lower_or_digit(part[end])) return false;
    at = end;
  }
  return true;
}

// "registry.example.org:5000", "localhost", "[::1]:5000".
bool is_registry(std::string_view text) {
  if (text.starts_with('[')) return text.find(']') != std::string_view::npos;
  const std::size_t colon = text.find(':');
  const std::string_view host = text.substr(0, colon);
  const bool is_host = !host.empty() && std::ranges::all_of(host, [](char letter) {
    return (is_word_letter(letter) && letter != '_') || letter == '-' || letter == '.';
  });
  if (colon == std::string_view::npos) return is_host;
  const std::string_view port = text.substr(colon + 1);
  return is_host && !port.empty() && port.size() <= 5 &&
         std::ranges::all_of(port, [](char letter) { return letter >= '0' && letter <= '9'; });
}

bool is_tag(std::string_view tag) {
  return !tag.empty() && tag.size() <= kTagMax && is_word_letter(tag.front()) &&
         std::ranges::all_of(tag, [](char letter) {
           return is_word_letter(letter) || letter == '.' || letter == '-';
         });
}

bool is_digest(std::string_view digest) {
  constexpr std::string_view kKind = "sha256:";
  return digest.size() == kKind.size() + 64 && digest.starts_with(kKind) &&
         digest.find_first_not_of("0123456789abcdef", kKind.size()) == std::string_view::npos;
}

// What is wrong with a name; empty: nothing.
std::string image_fault(std::string_view image) {
  if (image.find_first_of(" \t\n") != std::string_view::npos) return "it holds a blank";
  if (image.find("://") != std::string_view::npos) return "no http:// or https:// stands before it";
  std::string_view rest = image;
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    if (!is_digest(rest.substr(at + 1))) return "behind @ stands sha256: and 64 hex digits";
    rest = rest.substr(0, at);
  }
  const std::size_t slash = rest.rfind('/');
  const std::size_t colon = rest.rfind(':');
  if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
    if (!is_tag(rest.substr(colon + 1))) {
      return fmt::format("'{}' is no tag: letters, digits, _, . and -, 128 at most",
                         rest.substr(colon + 1));
    }
    rest = rest.substr(0, colon);
  }
  if (rest.size() > kImageNameMax) return fmt::format("it is longer than {}", kImageNameMax);
  // The first part is a registry if it looks like a host.
  if (const std::size_t first = rest.find('/'); first != std::string_view::npos) {
    const std::string_view head = rest.substr(0, first);
    if (head == "localhost" || head.find_first_of(".:") != std::string_view::npos) {
      if (!is_registry(head)) return fmt::format("'{}' is no registry: HOST or HOST:PORT", head);
      rest = rest.substr(first + 1);
    }
  }
  for (;;) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    if (!is_path_part(rest.substr(0, end))) {
      return fmt::format("'{}': lower-case letters and digits, with '.', '_' or '-' between them",
                         rest.substr(0, end));
    }
    if (end == rest.size()) return "";
    rest = rest.substr(end + 1);
  }
}

}  // namespace

void check_image(const std::string& image, const std::string& where, std::uint32_t line,
                 Faults& faults) {
  if (image.empty()) return;
  const std::string fault = image_fault(image);
  if (fault.empty()) return;
  faults.add(line, fmt::format("{}: '{}' is no name of an image: {}; expected "
                               "[REGISTRY/]NAME[:TAG], as in registry.example.org/torii:0.1",
                               where, image, fault));
}

}  // namespace torii::pipeline

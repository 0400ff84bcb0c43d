#include "data/parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "blob/blob.h"
#include "blob/name.h"

namespace torii::data {
namespace {

constexpr std::string_view kHiveNull = "__HIVE_DEFAULT_PARTITION__";

// One character against "[a-c]" or "[!a-c]" at the front of the pattern; the pattern behind it, or
// nullopt if that is no set.
std::optional<std::pair<bool, std::string_view>> match_set(std::string_view pattern, char c) {
  std::size_t at = 1;
  const bool negated = at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^');
  if (negated) ++at;
  bool found = false;
  const std::size_t first = at;
  for (; at < pattern.size() && (pattern[at] != ']' || at == first); ++at) {
    char low = pattern[at], high = low;
    if (at + 2 < pattern.size() && pattern[at + 1] == '-' && pattern[at + 2] != ']') {
      high = pattern[at + 2];
      at += 2;
    }
    found = found || (static_cast<unsigned char>(low) <= static_cast<unsigned char>(c) &&
                      static_cast<unsigned char>(c) <= static_cast<unsigned char>(high));
  }
  if (at >= pattern.size()) return std::nullopt;
  return std::pair(found != negated, pattern.substr(at + 1));
}

// Within one name: a star goes back to the last one only, so the cost is a product, not a power.
bool name_matches(std::string_view pattern, std::string_view name) {
  std::optional<std::pair<std::string_view, std::string_view>> star;  // behind it, and what is left
  for (;;) {
    if (!pattern.empty() && pattern.front() == '*') {
      pattern.remove_prefix(1);
      star = {pattern, name};
      continue;
    }
    bool same = false;
    std::string_view rest;
    if (!pattern.empty() && !name.empty()) {
      rest = pattern.substr(1);
      same = pattern.front() == '?' || pattern.front() == name.front();
      if (pattern.front() == '[') {
        if (const auto set = match_set(pattern, name.front())) {
          same = set->first;
          rest = set->second;
        }
      }
    } else if (pattern.empty() && name.empty()) {
      return true;
    }
    if (same) {
      pattern = rest;
      name.remove_prefix(1);
    } else if (star && !star->second.empty()) {
      star->second.remove_prefix(1);
      pattern = star->first;
      name = star->second;
    } else {
      return false;
    }
  }
}

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    if (end > 0) segments.push_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return segments;
}

// reach[p]: whether the first p segments of the pattern match the path so far.
std::vector<char> after_doubles(std::vector<char> reach,
                                const std::vector<std::string_view>& pattern) {
  for (std::size_t p = 0; p < pattern.size(); ++p) {
    if (reach[p] != 0 && pattern[p] == "**") reach[p + 1] = 1;
  }
  return reach;
}

// How many leading segments of the path the whole pattern matches: all of them (a file), or fewer
// (a folder above it). 0 = none.
std::size_t matched_segments(const std::vector<std::string_view>& pattern,
                             const std::vector<std::string_view>& path) {
  std::vector<char> reach(pattern.size() + 1, 0);
  reach[0] = 1;
  reach = after_doubles(std::move(reach), pattern);
  for (std::size_t s = 0; s < path.size(); ++s) {
    std::vector<char> next(pattern.size() + 1, 0);
    for (std::size_t p = 0; p < pattern.size(); ++p) {
      if (reach[p] == 0) continue;
      if (pattern[p] == "**") {
        next[p] = 1;
      } else if (name_matches(pattern[p], path[s])) {
        next[p + 1] = 1;
      }
    }
    reach = after_doubles(std::move(next), pattern);
    if (reach.back() != 0) return s + 1;
  }
  return 0;
}

bool is_hidden(std::string_view segment) {
  return segment.starts_with('.') ||
         (segment.starts_with('_') && segment.find('=') == segment.npos);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// A '%' that no two hexadecimal digits follow stands for itself.
std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low < 0) {
      decoded += text[i];
    } else {
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return decoded;
}

PartFile make_part(const blob::Entry& entry, const std::string& root, std::string_view relative,
                   const std::vector<std::string_view>& segments) {
  PartFile part{entry.name, fmt::format("{}{}", root, relative), entry.size, {}};
  for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
    const std::size_t equal = segments[i].find('=');
    if (equal == segments[i].npos || equal == 0) continue;
    const std::string_view value = segments[i].substr(equal + 1);
    part.keys.emplace_back(
        percent_decoded(segments[i].substr(0, equal)),
        value == kHiveNull ? std::nullopt : std::optional(percent_decoded(value)));
  }
  return part;
}

std::string last_name(std::string_view place) {
  while (place.size() > 1 && place.ends_with('/')) place.remove_suffix(1);
  const std::size_t slash = place.rfind('/');
  return std::string(slash == place.npos ? place : place.substr(slash + 1));
}

// Files below `folder` that match `pattern` ("" = all of them).
Result<Parts> files_below(const std::string& folder, std::string_view pattern,
                          const std::string& place, const Environment& environment) {
  TORII_TRY(const std::vector<blob::Entry> entries,
            blob::list(folder.empty() ? "." : folder, environment));
  Parts parts;
  parts.many = true;
  const std::string root = folder.empty() ? "" : last_name(folder) + "/";
  parts.source = pattern.empty() ? root : fmt::format("{}{}", root, pattern);
  const std::vector<std::string_view> wanted = segments_of(pattern);
  std::size_t hidden = 0;
  for (const blob::Entry& entry : entries) {
    std::string_view relative = entry.name;
    if (folder.empty()) {
      if (relative.starts_with("./")) relative.remove_prefix(2);
    } else {
      relative.remove_prefix(std::min(folder.size(), relative.size()));
    }
    while (relative.starts_with('/')) relative.remove_prefix(1);
    if (relative.empty() || relative.ends_with('/')) continue;  // a store's mark of a folder
    const std::vector<std::string_view> segments = segments_of(relative);
    if (!wanted.empty() && matched_segments(wanted, segments) == 0) continue;
    if (std::any_of(segments.begin(), segments.end(), is_hidden)) {
      ++hidden;
      continue;
    }
    parts.files.push_back(make_part(entry, root, relative, segments));
  }
  if (!parts.files.empty()) return parts;
  const std::string left_out =
      hidden > 0 ? fmt::format(" ({} hidden ones, with '.' or '_' in front, do not count)", hidden)
                 : std::string();
  if (pattern.empty()) {
    return make_error(ErrorCode::kNotFound,
                      "{}: the folder holds no files{}; expected part files such as part-0.parquet",
                      place, left_out);
  }
  return make_error(ErrorCode::kNotFound,
                    "{}: nothing matches{}; looked at {} files below {} for '{}'", place, left_out,
                    entries.size(), folder.empty() ? "the current folder" : folder, pattern);
}

bool is_there(const std::string& name) {
  std::error_code ignored;
  return std::filesystem::exists(name, ignored);
}

}  // namespace

bool is_glob(std::string_view name) {
  return name.find_first_of("*?[") != name.npos;
}

bool glob_matches(std::string_view pattern, std::string_view path) {
  const std::vector<std::string_view> segments = segments_of(path);
  return !segments.empty() && matched_segments(segments_of(pattern), segments) == segments.size();
}

Result<Parts> find_parts(const std::string& named, const Environment& environment) {
  if (named.empty()) return invalid("the name of a table's file or folder is empty");
  const bool remote = blob::is_remote(named);
  std::string place = named;
  if (!remote) {
    TORII_TRY(const std::filesystem::path path, blob::parse_local_name(named));
    place = path.string();
  }
  if (is_glob(place) && (remote || !is_there(place))) {
    // The folders before the first name with a star.
    const std::size_t glob = place.find_first_of("*?[");
    const std::size_t slash = place.rfind('/', glob);
    const std::string folder = slash == place.npos ? "" : place.substr(0, std::max(slash, 1UL));
    if (remote && slash < std::string_view("s3://b").size()) {
      return invalid("{}: a bucket's name cannot hold a star", place);
    }
    const std::string_view pattern =
        slash == place.npos ? place : std::string_view(place).substr(slash + 1);
    return files_below(folder, pattern, place, environment);
  }
  TORII_TRY(const std::vector<blob::Entry> entries, blob::list(place, environment));
  std::string plain = place;
  while (plain.size() > 1 && plain.ends_with('/')) plain.pop_back();
  if (entries.size() == 1 && entries.front().name == place) {
    const std::string label = last_name(place);
    return Parts{label, {{place, label, entries.front().size, {}}}, false};
  }
  return files_below(plain, "", place, environment);
}

}  // namespace torii::data

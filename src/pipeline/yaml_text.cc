#include "pipeline/yaml_text.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace torii::pipeline {
namespace {

bool is_lower_or_upper(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
}

// Words that some reader takes for a boolean or for nothing.
bool is_reserved(std::string_view text) {
  constexpr std::array<std::string_view, 9> kReserved = {"y",   "n",    "yes",   "no",  "on",
                                                         "off", "true", "false", "null"};
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  });
  return std::ranges::find(kReserved, lower) != kReserved.end();
}

// Begins with a letter and holds nothing that YAML has a use for.
bool is_plain(std::string_view text) {
  return !text.empty() && text.size() < 200 && is_lower_or_upper(text.front()) &&
         !is_reserved(text) && std::ranges::all_of(text, [](char letter) {
           return is_lower_or_upper(letter) || (letter >= '0' && letter <= '9') || letter == '_' ||
                  letter == '-' || letter == '.' || letter == '/';
         });
}

std::string scalar(const Json& value) {
  if (value.is_string() && is_plain(value.as_string())) return value.as_string();
  return value.dump();  // JSON's texts in quotes are YAML's
}

bool is_empty_container(const Json& value) {
  return (value.is_object() && value.as_object().empty()) ||
         (value.is_array() && value.as_array().empty());
}

void write(const Json& value, std::size_t indent, std::string& out);

// What stands behind "key:" or "-".
void write_behind(const Json& value, std::size_t indent, bool in_list, std::string& out) {
  if (is_empty_container(value)) {
    out += value.is_object() ? " {}\n" : " []\n";
  } else if (value.is_object() && in_list) {
    std::string block;  // its first key stands behind the dash
    write(value, indent, block);
    out += " " + block.substr(indent);
  } else if (value.is_object() || value.is_array()) {
    out += "\n";
    write(value, indent, out);
  } else {
    out += " " + scalar(value) + "\n";
  }
}

void write(const Json& value, std::size_t indent, std::string& out) {
  const std::string margin(indent, ' ');
  if (value.is_object()) {
    for (const auto& [key, member] : value.as_object()) {
      out += margin + scalar(Json(key)) + ":";
      write_behind(member, indent + 2, false, out);
    }
  } else if (value.is_array()) {
    for (const Json& element : value.as_array()) {
      out += margin + "-";
      write_behind(element, indent + 2, true, out);
    }
  } else {
    out += margin + scalar(value) + "\n";
  }
}

}  // namespace

std::string yaml_text(const Json& tree) {
  if (is_empty_container(tree)) return tree.is_object() ? "{}\n" : "[]\n";
  std::string out;
  write(tree, 0, out);
  return out;
}

}  // namespace torii::pipeline

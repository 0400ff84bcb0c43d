#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace torii::text {

/// A token that is found in the text as it stands, before words are split.
struct AddedToken {
  std::string content;
  std::int32_t id = 0;
  bool normalized = false;  ///< looked for in the normalised text
};

struct NormalizerOptions {
  bool clean_text = true;
  bool handle_chinese_chars = true;
  bool strip_accents = true;
  bool lowercase = true;
};

struct SpecialTokens {
  std::int32_t unknown = 0;
  std::int32_t cls = 0;
  std::int32_t sep = 0;
  std::int32_t pad = 0;
};

/// What a tokenizer's files say, checked; ids are in [0, 2^31).
struct TokenizerSettings {
  std::map<std::string, std::int32_t, std::less<>> vocabulary;
  std::vector<AddedToken> added;
  NormalizerOptions normalizer;
  SpecialTokens special;
  std::string continuing_prefix = "##";
  std::size_t word_chars_max = 100;
  /// sentence_bert_config.json's do_lower_case: Python's lower() before all else.
  bool lower_first = false;
  std::size_t tokens_max = 0;  ///< model_max_length; 0 = not said
};

[[nodiscard]] Result<TokenizerSettings> read_tokenizer_settings(
    const std::filesystem::path& folder);

/// Looks pieces up by their text without allocation.
class PieceTable {
 public:
  PieceTable() = default;
  explicit PieceTable(const TokenizerSettings& settings);
  /// The longest piece that `word` starts with; nullopt if there is none. `first`: the piece begins
  /// a word (else it carries the continuing prefix). `size` gets its length in bytes.
  [[nodiscard]] std::optional<std::int32_t> longest(std::string_view word, bool first,
                                                    std::size_t& size) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  struct Table {
    std::unordered_map<std::string, std::int32_t, Hash, std::equal_to<>> pieces;
    std::size_t bytes_max = 0;
    void add(std::string_view piece, std::int32_t id);
  };
  Table initial_;
  Table continuing_;
};

/// A JSON file of the folder; nullopt if it is not there.
[[nodiscard]] Result<std::optional<Json>> read_json_if_there(const std::filesystem::path& path);

}  // namespace torii::text

#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace torii::text {

/// WordPiece after the BERT normaliser, exactly as the Hugging Face tokenizers library does it.
/// Immutable. Threads: const, concurrent.
class Tokenizer {
 public:
  /// Reads tokenizer.json, or vocab.txt if that is missing, and tokenizer_config.json
  /// (do_lower_case, strip_accents, tokenize_chinese_chars, names of the special tokens) from a
  /// folder in Hugging Face's layout. Errors: kNotFound (neither file), kCorrupt (no such JSON, a
  /// vocabulary without [UNK], [CLS], [SEP] or [PAD]), kUnsupported (another model, normaliser or
  /// splitter than BERT's).
  [[nodiscard]] static Result<Tokenizer> open(const std::filesystem::path& folder);
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  /// [CLS], pieces, [SEP]; at most tokens_max in all (>= 2), cut on the right. Ill-formed UTF-8 is
  /// read as Python's errors="replace" does. Cost: O(bytes read); reading stops once tokens_max is
  /// reached.
  [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text,
                                                 std::size_t tokens_max) const;

  [[nodiscard]] std::int32_t pad_id() const;
  /// One more than the largest id that encode() can return.
  [[nodiscard]] std::size_t vocabulary_size() const;
  /// tokenizer_config.json's model_max_length; 0 if it says nothing useful.
  [[nodiscard]] std::size_t tokens_max() const;
  /// Everything that ids depend on, in a stable form: part of the encoder's identity.
  [[nodiscard]] std::string fingerprint() const;

 private:
  struct State;
  class Encoding;
  explicit Tokenizer(std::unique_ptr<const State> state);
  std::unique_ptr<const State> state_;
};

}  // namespace torii::text

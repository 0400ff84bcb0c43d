#include "text/tokenizer.h"

#include <algorithm>
#include <bitset>
#include <utility>

#include "base/check.h"
#include "text/unicode.h"
#include "text/vocabulary.h"

namespace torii::text {

namespace {

/// Finds added tokens: the longest that starts at a place.
template <class Char>
class TokenFinder {
 public:
  void add(std::basic_string<Char> content, std::int32_t id) {
    starts_.set(bucket(content.front()));
    length_max_ = std::max(length_max_, content.size());
    tokens_.push_back({std::move(content), id});
  }
  void finish() {
    std::stable_sort(tokens_.begin(), tokens_.end(), [](const Token& a, const Token& b) {
      return a.content.size() > b.content.size();
    });
  }
  [[nodiscard]] std::size_t length_max() const { return length_max_; }

  struct Token {
    std::basic_string<Char> content;
    std::int32_t id;
  };
  /// Null if none starts at the front of `text` (not empty).
  [[nodiscard]] const Token* match(std::basic_string_view<Char> text) const {
    if (!starts_.test(bucket(text.front()))) return nullptr;
    for (const Token& token : tokens_) {
      if (text.starts_with(token.content)) return &token;
    }
    return nullptr;
  }

 private:
  static std::size_t bucket(Char c) { return static_cast<std::size_t>(c) & 0xFFu; }
  std::vector<Token> tokens_;
  std::bitset<256> starts_;
  std::size_t length_max_ = 0;
};

}  // namespace

struct Tokenizer::State {
  TokenizerSettings settings;
  PieceTable pieces;
  TokenFinder<char> raw;             ///< looked for in the text as it is
  TokenFinder<char32_t> normalized;  ///< looked for after normalisation
  std::size_t vocabulary_size = 0;
};

/// One text on its way to ids. Code points go through four stages, each without look-ahead beyond a
/// few of them, so that a long text costs no memory and reading can stop early:
/// read() -> normalize() -> add() -> split().
class Tokenizer::Encoding {
 public:
  Encoding(const State& state, std::size_t pieces_max)
      : state_(state), options_(state.settings.normalizer), pieces_max_(pieces_max) {}

  std::vector<std::int32_t> run(std::string_view text) {
    ids_.push_back(state_.settings.special.cls);
    read(text);
    if (ids_.size() > pieces_max_ + 1) ids_.resize(pieces_max_ + 1);
    ids_.push_back(state_.settings.special.sep);
    return std::move(ids_);
  }

 private:
  [[nodiscard]] bool full() const { return ids_.size() > pieces_max_; }

  void read(std::string_view text) {
    for (std::size_t position = 0; position < text.size() && !full();) {
      if (const auto* token = state_.raw.match(text.substr(position))) {
        end_segment();
        ids_.push_back(token->id);
        position += token->content.size();
        continue;
      }
      normalize(next_code_point(text, position));
    }
    end_segment();
  }

  void normalize(char32_t c) {
    if (options_.clean_text) {
      if (is_removed_by_cleaning(c)) return;
      if (is_white_space(c)) c = ' ';
    }
    if (options_.handle_chinese_chars && is_ideograph(c)) {
      strip_accents(' ');
      strip_accents(c);
      strip_accents(' ');
    } else {
      strip_accents(c);
    }
  }

  void strip_accents(char32_t c) {
    if (!options_.strip_accents) return lower(c);
    char32_t parts[4];
    const int count = decompose(c, parts);
    for (int i = 0; i < count; ++i) {
      // Marks of category Mn go; to drop them before the canonical order is made changes nothing
      // for the others, as long as those of class 0 still end a run.
      const int order = combining_class(parts[i]);
      if (order == 0) flush_marks();
      if (is_nonspacing_mark(parts[i])) continue;
      if (order == 0) {
        lower(parts[i]);
      } else {
        marks_.emplace_back(order, parts[i]);
      }
    }
  }

  void flush_marks() {
    if (marks_.empty()) return;
    std::stable_sort(marks_.begin(), marks_.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& mark : marks_) lower(mark.second);
    marks_.clear();
  }

  void lower(char32_t c) {
    if (!options_.lowercase) return add(c);
    char32_t parts[2];
    const int count = to_lower(c, parts);
    for (int i = 0; i < count; ++i) add(parts[i]);
  }

  void add(char32_t c) {
    if (state_.normalized.length_max() == 0) return split(c);
    window_.push_back(c);
    if (window_.size() >= state_.normalized.length_max()) step_window();
  }

  void step_window() {
    if (const auto* token = state_.normalized.match(window_)) {
      end_word();
      ids_.push_back(token->id);
      window_.erase(0, token->content.size());
    } else {
      split(window_.front());
      window_.erase(0, 1);
    }
  }

  void end_segment() {
    flush_marks();
    while (!window_.empty()) step_window();
    end_word();
  }

  void split(char32_t c) {
    if (is_white_space(c)) {
      end_word();
    } else if (is_punctuation(c)) {
      end_word();
      add_to_word(c);
      end_word();
    } else {
      add_to_word(c);
    }
  }

  void add_to_word(char32_t c) {
    if (++word_chars_ <= state_.settings.word_chars_max) append_utf8(c, word_);
  }

  void end_word() {
    if (word_chars_ == 0) return;
    const std::size_t before = ids_.size();
    bool known = word_chars_ <= state_.settings.word_chars_max;
    for (std::string_view rest = word_; known && !rest.empty();) {
      std::size_t size = 0;
      const auto id = state_.pieces.longest(rest, rest.size() == word_.size(), size);
      known = id.has_value();
      if (known) {
        ids_.push_back(*id);
        rest.remove_prefix(size);
      }
    }
    if (!known) {
      ids_.resize(before);
      ids_.push_back(state_.settings.special.unknown);
    }
    word_.clear();
    word_chars_ = 0;
  }

  const State& state_;
  const NormalizerOptions options_;
  const std::size_t pieces_max_;
  std::vector<std::int32_t> ids_;
  std::vector<std::pair<int, char32_t>> marks_;  ///< class, mark: a run not yet in order
  std::u32string window_;                        ///< normalised, not yet searched for added tokens
  std::string word_;
  std::size_t word_chars_ = 0;
};

Tokenizer::Tokenizer(std::unique_ptr<const State> state) : state_(std::move(state)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Result<Tokenizer> Tokenizer::open(const std::filesystem::path& folder) {
  auto state = std::make_unique<State>();
  TORII_TRY(state->settings, read_tokenizer_settings(folder));
  const TokenizerSettings& settings = state->settings;
  state->pieces = PieceTable(settings);
  std::int32_t id_max = 0;
  for (const auto& [token, id] : settings.vocabulary) id_max = std::max(id_max, id);
  for (const AddedToken& token : settings.added) {
    id_max = std::max(id_max, token.id);
    if (token.normalized) {
      // The finder sees normalised text, so it looks for the normalised form of the token.
      std::u32string content;
      for (std::size_t i = 0; i < token.content.size();) {
        const char32_t c = next_code_point(token.content, i);
        char32_t lower[2] = {c, 0};
        const int count = settings.normalizer.lowercase ? to_lower(c, lower) : 1;
        content.append(lower, static_cast<std::size_t>(count));
      }
      state->normalized.add(std::move(content), token.id);
    } else {
      state->raw.add(token.content, token.id);
    }
  }
  state->raw.finish();
  state->normalized.finish();
  state->vocabulary_size = static_cast<std::size_t>(id_max) + 1;
  return Tokenizer(std::move(state));
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text, std::size_t tokens_max) const {
  TORII_CHECK(tokens_max >= 2, "room for [CLS] and [SEP]");
  Encoding encoding(*state_, tokens_max - 2);
  if (state_->settings.lower_first) return encoding.run(lower_with_context(text));
  return encoding.run(text);
}

std::int32_t Tokenizer::pad_id() const {
  return state_->settings.special.pad;
}
std::size_t Tokenizer::vocabulary_size() const {
  return state_->vocabulary_size;
}
std::size_t Tokenizer::tokens_max() const {
  return state_->settings.tokens_max;
}

std::string Tokenizer::fingerprint() const {
  const TokenizerSettings& s = state_->settings;
  std::string out = fmt::format(
      "wordpiece 1\nprefix {} chars {} lower_first {} clean {} chinese {} strip {} lower {}\n"
      "unk {} cls {} sep {} pad {}\n",
      s.continuing_prefix, s.word_chars_max, s.lower_first, s.normalizer.clean_text,
      s.normalizer.handle_chinese_chars, s.normalizer.strip_accents, s.normalizer.lowercase,
      s.special.unknown, s.special.cls, s.special.sep, s.special.pad);
  for (const AddedToken& token : s.added) {
    out += fmt::format("added {} {} {}\n", token.id, token.normalized, token.content);
  }
  for (const auto& [token, id] : s.vocabulary) {
    out += token;
    out += fmt::format("\t{}\n", id);
  }
  return out;
}

}  // namespace torii::text

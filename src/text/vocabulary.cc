#include "text/vocabulary.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/file.h"

namespace torii::text {

namespace {

/// The largest WordPiece vocabularies in use (500,000 tokens) make files of 20 MB; a parsed file
/// takes some twenty times its bytes.
constexpr std::size_t kFileBytesMax = std::size_t{64} << 20;
constexpr std::int64_t kIdMax = std::numeric_limits<std::int32_t>::max();

Error corrupt(const std::filesystem::path& path, std::string_view what) {
  return make_error(ErrorCode::kCorrupt, "{}: {}", path.string(), what);
}

/// A token's text: a string, or an object with "content" as newer files have it.
std::optional<std::string> token_text(const Json& config, std::string_view key) {
  const Json* value = config.find(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return value->as_string();
  return value->string_at("content");
}

Result<void> read_vocab_text(const std::filesystem::path& path, TokenizerSettings& settings) {
  TORII_TRY(const std::string text, read_file(path, kFileBytesMax));
  std::int32_t id = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = text.find('\n', begin);
    if (end == std::string::npos) end = text.size();
    std::string_view line(text.data() + begin, end - begin);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    settings.vocabulary.insert_or_assign(std::string(line), id++);
    begin = end + 1;
  }
  return {};
}

Result<std::int32_t> token_id(const std::filesystem::path& path, std::string_view token,
                              const Json& value) {
  if (!value.is_int() || value.as_int() < 0 || value.as_int() > kIdMax) {
    return corrupt(path, fmt::format("token '{}' has no id in [0, 2^31)", token));
  }
  return static_cast<std::int32_t>(value.as_int());
}

Error unsupported(const std::filesystem::path& path, std::string_view what,
                  std::string_view expected) {
  return make_error(ErrorCode::kUnsupported,
                    "{}: {} is not BERT's (expected {}); only encoders of the BERT family are "
                    "supported",
                    path.string(), what, expected);
}

Result<void> read_word_piece(const std::filesystem::path& path, const Json& document,
                             TokenizerSettings& settings) {
  const Json* model = document.find("model");
  if (model == nullptr || !model->is_object()) return corrupt(path, "there is no \"model\" object");
  if (model->string_at("type").value_or("WordPiece") != "WordPiece") {
    return unsupported(path, "the tokenizer model", "WordPiece");
  }
  const Json* vocabulary = model->find("vocab");
  if (vocabulary == nullptr || !vocabulary->is_object()) {
    return corrupt(path, "model.vocab is no object from token to id");
  }
  for (const auto& [token, value] : vocabulary->as_object()) {
    TORII_TRY(const std::int32_t id, token_id(path, token, value));
    settings.vocabulary.insert_or_assign(token, id);
  }
  settings.continuing_prefix = model->string_at("continuing_subword_prefix").value_or("##");
  const std::int64_t chars = model->int_at("max_input_chars_per_word").value_or(100);
  if (chars < 0 || chars > 1'000'000) {
    return corrupt(path, "model.max_input_chars_per_word is out of range (0 to 1000000)");
  }
  settings.word_chars_max = static_cast<std::size_t>(chars);
  return {};
}

Result<void> read_normalizer(const std::filesystem::path& path, const Json& document,
                             NormalizerOptions& options) {
  const Json* normalizer = document.find("normalizer");
  if (normalizer == nullptr || normalizer->string_at("type") != "BertNormalizer") {
    return unsupported(path, "the normalizer", "BertNormalizer");
  }
  const Json* splitter = document.find("pre_tokenizer");
  if (splitter == nullptr || splitter->string_at("type") != "BertPreTokenizer") {
    return unsupported(path, "the pre_tokenizer", "BertPreTokenizer");
  }
  options.clean_text = normalizer->bool_at("clean_text").value_or(true);
  options.handle_chinese_chars = normalizer->bool_at("handle_chinese_chars").value_or(true);
  options.lowercase = normalizer->bool_at("lowercase").value_or(true);
  options.strip_accents = normalizer->bool_at("strip_accents").value_or(options.lowercase);
  return {};
}

Result<void> read_added_tokens(const std::filesystem::path& path, const Json& document,
                               TokenizerSettings& settings) {
  const Json* added = document.find("added_tokens");
  if (added == nullptr || !added->is_array()) return {};
  for (const Json& entry : added->as_array()) {
    const Json* id = entry.find("id");
    const auto content = entry.string_at("content");
    if (!content || id == nullptr) return corrupt(path, "an added token lacks content or id");
    TORII_TRY(const std::int32_t number, token_id(path, *content, *id));
    if (content->empty()) continue;
    if (entry.bool_at("single_word").value_or(false)) {
      return make_error(ErrorCode::kUnsupported,
                        "{}: added token '{}' is \"single_word\", which is not supported",
                        path.string(), *content);
    }
    // lstrip and rstrip take white space only, which makes no tokens anyway.
    settings.added.push_back({.content = *content,
                              .id = number,
                              .normalized = entry.bool_at("normalized").value_or(false)});
  }
  return {};
}

/// tokenizer_config.json overrules tokenizer.json, as in transformers.
void apply_config(const Json& config, NormalizerOptions& options) {
  const bool strips_as_lower = options.strip_accents == options.lowercase;
  if (const auto lower = config.bool_at("do_lower_case")) {
    options.lowercase = *lower;
    if (strips_as_lower) options.strip_accents = *lower;
  }
  if (const auto strip = config.bool_at("strip_accents")) options.strip_accents = *strip;
  if (const auto chinese = config.bool_at("tokenize_chinese_chars")) {
    options.handle_chinese_chars = *chinese;
  }
}

Result<void> find_special_tokens(const std::filesystem::path& path, const Json& config,
                                 TokenizerSettings& settings, bool add_to_text) {
  struct Role {
    const char* key;
    const char* usual;
    std::int32_t* id;
  };
  SpecialTokens& special = settings.special;
  const std::array roles = {
      Role{"unk_token", "[UNK]", &special.unknown}, Role{"cls_token", "[CLS]", &special.cls},
      Role{"sep_token", "[SEP]", &special.sep}, Role{"pad_token", "[PAD]", &special.pad}};
  const auto known = [&](const std::string& text) -> std::optional<std::int32_t> {
    for (const AddedToken& token : settings.added) {
      if (token.content == text) return token.id;
    }
    const auto found = settings.vocabulary.find(text);
    if (found == settings.vocabulary.end()) return std::nullopt;
    return found->second;
  };
  for (const Role& role : roles) {
    const std::string text = token_text(config, role.key).value_or(role.usual);
    const auto id = known(text);
    if (!id) {
      return corrupt(path, fmt::format("the vocabulary ({} tokens) has no '{}' ({})",
                                       settings.vocabulary.size(), text, role.key));
    }
    *role.id = *id;
    if (add_to_text) settings.added.push_back({.content = text, .id = *id});
  }
  if (add_to_text) {
    const std::string mask = token_text(config, "mask_token").value_or("[MASK]");
    if (const auto id = known(mask)) settings.added.push_back({.content = mask, .id = *id});
  }
  return {};
}

}  // namespace

Result<std::optional<Json>> read_json_if_there(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::optional<Json>();
  TORII_TRY(const std::string text, read_file(path, kFileBytesMax));
  TORII_TRY(Json document, Json::parse(text, path.string()));
  if (!document.is_object() && !document.is_array()) {
    return corrupt(path, "expected a JSON object or list");
  }
  return std::optional<Json>(std::move(document));
}

Result<TokenizerSettings> read_tokenizer_settings(const std::filesystem::path& folder) {
  TokenizerSettings settings;
  TORII_TRY(auto config, read_json_if_there(folder / "tokenizer_config.json"));
  if (!config) config = Json::object();
  TORII_TRY(const auto sentence, read_json_if_there(folder / "sentence_bert_config.json"));
  if (sentence) settings.lower_first = sentence->bool_at("do_lower_case").value_or(false);
  if (const auto length = config->int_at("model_max_length"); length && *length > 0) {
    settings.tokens_max = static_cast<std::size_t>(*length);
  }

  std::filesystem::path path = folder / "tokenizer.json";
  TORII_TRY(const auto document, read_json_if_there(path));
  if (document) {
    TORII_TRY_VOID(read_normalizer(path, *document, settings.normalizer));
    TORII_TRY_VOID(read_word_piece(path, *document, settings));
    TORII_TRY_VOID(read_added_tokens(path, *document, settings));
  } else {
    path = folder / "vocab.txt";
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) {
      return make_error(ErrorCode::kNotFound,
                        "{}: there is neither tokenizer.json nor vocab.txt; expected the folder of "
                        "a BERT-family encoder in Hugging Face's layout",
                        folder.string());
    }
    TORII_TRY_VOID(read_vocab_text(path, settings));
  }
  apply_config(*config, settings.normalizer);
  TORII_TRY_VOID(find_special_tokens(path, *config, settings, !document));
  return settings;
}

void PieceTable::Table::add(std::string_view piece, std::int32_t id) {
  if (piece.empty()) return;
  pieces.insert_or_assign(std::string(piece), id);
  bytes_max = std::max(bytes_max, piece.size());
}

PieceTable::PieceTable(const TokenizerSettings& settings) {
  const std::string& prefix = settings.continuing_prefix;
  for (const auto& [token, id] : settings.vocabulary) {
    // A piece with the prefix can begin a word too: the table of first pieces holds all.
    initial_.add(token, id);
    if (token.starts_with(prefix))
      continuing_.add(std::string_view(token).substr(prefix.size()), id);
  }
}

std::optional<std::int32_t> PieceTable::longest(std::string_view word, bool first,
                                                std::size_t& size) const {
  const Table& table = first ? initial_ : continuing_;
  size = std::min(word.size(), table.bytes_max);
  for (; size > 0; --size) {
    // Only whole code points.
    if (size < word.size() && (static_cast<unsigned char>(word[size]) & 0xC0u) == 0x80) continue;
    const auto found = table.pieces.find(word.substr(0, size));
    if (found != table.pieces.end()) return found->second;
  }
  return std::nullopt;
}

}  // namespace torii::text

#include "text/tokenizer.h"

#include <string>

#include "base/check.h"
#include "fuzz/scratch.h"
#include "fuzz/target.h"
#include "text/model_folder.h"

namespace torii::fuzz {
namespace {

constexpr const char* kFiles[] = {"tokenizer.json",       "vocab.txt",
                                  "config.json",          "tokenizer_config.json",
                                  "modules.json",         "sentence_bert_config.json",
                                  "1_Pooling/config.json"};
constexpr std::string_view kVocabulary =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n##a\n##b\nun\n##able\n";
constexpr std::string_view kConfig =
    R"({"model_type":"bert","num_hidden_layers":1,"hidden_size":8,"num_attention_heads":2,)"
    R"("intermediate_size":8,"vocab_size":11,"max_position_embeddings":16})";

void encode(const text::Tokenizer& tokenizer, std::string_view text) {
  const auto ids = tokenizer.encode(text, 64);
  TORII_CHECK(ids.size() >= 2 && ids.size() <= 64, "between 2 and tokens_max");
  for (const std::int32_t id : ids) {
    TORII_CHECK(id >= 0 && static_cast<std::size_t>(id) < tokenizer.vocabulary_size(), "id range");
  }
}

}  // namespace

// Input: one byte that chooses a file of the model's folder, then that file; or a text to encode.
void run_tokenizer(std::string_view input) {
  if (input.empty()) return;
  static const ScratchFolder folder;
  std::filesystem::create_directories(folder.path() / "1_Pooling");
  const std::size_t choice = static_cast<unsigned char>(input.front()) % (std::size(kFiles) + 1);
  input.remove_prefix(1);
  folder.put("vocab.txt", kVocabulary);
  folder.put("config.json", kConfig);
  const bool is_text = choice == std::size(kFiles);
  if (!is_text) folder.put(kFiles[choice], input);
  const auto tokenizer = text::Tokenizer::open(folder.path());
  if (tokenizer.ok()) {
    encode(*tokenizer, "Unable aab ba!");
    encode(*tokenizer, input.substr(0, 4096));
    (void)tokenizer->fingerprint();
  }
  const auto config = text::read_model_config({.model = folder.path()}, 0);
  if (config.ok()) (void)config->fingerprint();
  if (!is_text) std::filesystem::remove(folder.path() / kFiles[choice]);
}

}  // namespace torii::fuzz

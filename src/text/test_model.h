#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/random.h"
#include "base/safetensors.h"

namespace torii::text::testing {

/// For tests: a complete encoder folder with small random weights, so that no download is needed.
/// Change a member, then write().
struct TestModel {
  std::size_t layers = 2;
  std::size_t width = 8;
  std::size_t heads = 2;
  std::size_t inner_width = 12;
  std::size_t positions = 24;
  std::uint64_t seed = 7;
  std::string prefix;
  std::vector<std::string> vocabulary = usual_vocabulary();
  Json config = Json::object();            ///< members that replace or join config.json's
  Json tokenizer_config = Json::object();  ///< written if not empty
  std::map<std::string, std::vector<float>> tensors;

  static std::vector<std::string> usual_vocabulary() {
    std::vector<std::string> words = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]",
                                      "hello", "world", "##ing", "un",    "##able"};
    for (char c = 'a'; c <= 'z'; ++c) {
      words.push_back(std::string(1, c));
      words.push_back(std::string("##") + c);
    }
    for (const char* mark : {".", ",", "!", "?", "[", "]", "\xE4\xB8\x96"}) words.push_back(mark);
    return words;
  }

  void make_tensors() {
    Random random(seed);
    const auto add = [&](const std::string& name, std::size_t count, float scale, float shift) {
      std::vector<float> values(count);
      for (float& x : values) x = shift + scale * static_cast<float>(2.0 * random.uniform() - 1.0);
      tensors.emplace(name, std::move(values));
    };
    const auto linear = [&](const std::string& name, std::size_t out, std::size_t in) {
      add(name + ".weight", out * in, 0.5f, 0.0f);
      add(name + ".bias", out, 0.3f, 0.0f);
    };
    const auto norm = [&](const std::string& name) {
      add(name + ".weight", width, 0.2f, 1.0f);
      add(name + ".bias", width, 0.2f, 0.0f);
    };
    add("embeddings.word_embeddings.weight", vocabulary.size() * width, 1.0f, 0.0f);
    add("embeddings.position_embeddings.weight", positions * width, 0.5f, 0.0f);
    add("embeddings.token_type_embeddings.weight", 2 * width, 0.5f, 0.0f);
    norm("embeddings.LayerNorm");
    for (std::size_t i = 0; i < layers; ++i) {
      const std::string layer = "encoder.layer." + std::to_string(i) + ".";
      linear(layer + "attention.self.query", width, width);
      linear(layer + "attention.self.key", width, width);
      linear(layer + "attention.self.value", width, width);
      linear(layer + "attention.output.dense", width, width);
      norm(layer + "attention.output.LayerNorm");
      linear(layer + "intermediate.dense", inner_width, width);
      linear(layer + "output.dense", width, inner_width);
      norm(layer + "output.LayerNorm");
    }
  }

  /// Throws if the folder cannot be written.
  void write(const std::filesystem::path& folder) {
    if (tensors.empty()) make_tensors();
    std::filesystem::create_directories(folder);
    Json document = Json::object();
    document.set("model_type", "bert");
    document.set("hidden_act", "gelu");
    document.set("num_hidden_layers", std::uint64_t{layers});
    document.set("hidden_size", std::uint64_t{width});
    document.set("num_attention_heads", std::uint64_t{heads});
    document.set("intermediate_size", std::uint64_t{inner_width});
    document.set("max_position_embeddings", std::uint64_t{positions});
    document.set("type_vocab_size", 2);
    document.set("vocab_size", std::uint64_t{vocabulary.size()});
    for (const auto& [key, value] : config.as_object()) document.set(key, value);
    put(folder / "config.json", document.dump(2));
    if (!tokenizer_config.as_object().empty()) {
      put(folder / "tokenizer_config.json", tokenizer_config.dump());
    }
    std::string words;
    for (const std::string& word : vocabulary) words += word + "\n";
    put(folder / "vocab.txt", words);
    SafetensorsWriter writer;
    for (const auto& [name, values] : tensors) {
      writer.add(prefix + name, shape_of(name, values.size()), values);
    }
    if (auto written = writer.write(folder / "model.safetensors"); !written.ok()) {
      throw std::runtime_error(written.error().message);
    }
  }

  static void put(const std::filesystem::path& path, const std::string& text) {
    std::ofstream out(path, std::ios::binary);
    out << text;
    if (!out.flush()) throw std::runtime_error("cannot write " + path.string());
  }

 private:
  [[nodiscard]] std::vector<std::size_t> shape_of(const std::string& name,
                                                  std::size_t count) const {
    const bool is_vector = name.ends_with(".bias") || name.find("LayerNorm") != std::string::npos;
    if (is_vector) return {count};
    const std::size_t in =
        name.ends_with(".output.dense.weight") && name.find("attention") == std::string::npos
            ? inner_width
            : width;
    return {count / in, in};
  }
};

/// A folder of its own for one test, removed at the end.
class TestFolder {
 public:
  explicit TestFolder(const std::string& parent) {
    std::string name = parent + "/torii_text_XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
    path_ = name;
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace torii::text::testing

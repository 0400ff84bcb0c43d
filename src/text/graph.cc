#include "text/graph.h"

#include <fmt/format.h>

#include <initializer_list>
#include <openvino/core/model.hpp>
#include <openvino/opsets/opset13.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/safetensors.h"

namespace torii::text {

namespace {

namespace op = ov::opset13;
using Value = ov::Output<ov::Node>;

std::int64_t extent(std::size_t n) {
  return static_cast<std::int64_t>(n);
}

Value integers(std::initializer_list<std::int64_t> values) {
  return op::Constant::create(ov::element::i64, ov::Shape{values.size()},
                              std::vector<std::int64_t>(values));
}

Value number(std::int64_t value) {
  return op::Constant::create(ov::element::i64, ov::Shape{}, {value});
}

Value matrix(ov::Shape shape, const std::vector<float>& values) {
  return std::make_shared<op::Constant>(ov::element::f32, std::move(shape), values.data());
}

/// Weights of a folder, by name, with their shapes checked.
class Weights {
 public:
  [[nodiscard]] static Result<Weights> open(const ModelConfig& config) {
    TORII_TRY(SafetensorsFile file, SafetensorsFile::open(config.weights()));
    Weights weights(std::move(file), config.weights().string());
    for (const char* prefix : {"", "bert.", "model."}) {
      if (weights.file_.find(fmt::format("{}embeddings.word_embeddings.weight", prefix))) {
        weights.prefix_ = prefix;
        return weights;
      }
    }
    return make_error(ErrorCode::kCorrupt,
                      "{}: there is no tensor 'embeddings.word_embeddings.weight' (nor with prefix "
                      "'bert.'): no BERT weights",
                      weights.path_);
  }

  [[nodiscard]] Result<std::vector<float>> get(std::string_view name,
                                               std::initializer_list<std::size_t> shape) const {
    std::vector<std::int64_t> extents;
    for (const std::size_t n : shape) extents.push_back(extent(n));
    return file_.floats(fmt::format("{}{}", prefix_, name), extents);
  }

  /// gamma and beta: older files have these names for a norm's weight and bias.
  [[nodiscard]] Result<std::vector<float>> norm(std::string_view name, bool bias,
                                                std::size_t width) const {
    const std::string old = fmt::format("{}.{}", name, bias ? "beta" : "gamma");
    if (file_.find(prefix_ + old) != nullptr) return get(old, {width});
    return get(fmt::format("{}.{}", name, bias ? "bias" : "weight"), {width});
  }

 private:
  Weights(SafetensorsFile file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}
  SafetensorsFile file_;
  std::string path_;
  std::string prefix_;
};

/// Weight and bias of one or several linear layers side by side.
struct Linear {
  std::size_t in = 0;
  std::size_t out = 0;
  std::vector<float> weight;  ///< [out, in]
  std::vector<float> bias;    ///< [out]

  [[nodiscard]] Value apply(const Value& x) const {
    const auto product =
        std::make_shared<op::MatMul>(x, matrix({out, in}, weight), /*transpose_a=*/false,
                                     /*transpose_b=*/true);
    return std::make_shared<op::Add>(product, matrix({1, 1, out}, bias));
  }
};

class Builder {
 public:
  Builder(const ModelConfig& config, const Weights& weights) : config_(config), weights_(weights) {}

  Result<std::shared_ptr<ov::Model>> build() {
    const auto ids = std::make_shared<op::Parameter>(ov::element::i32, ov::PartialShape{-1, -1});
    const auto mask =
        std::make_shared<op::Parameter>(ov::element::f32, ov::PartialShape{-1, 1, 1, -1});
    ids->output(0).set_names({"ids"});
    mask->output(0).set_names({"mask"});
    TORII_TRY(Value x, embeddings(ids));
    for (std::size_t i = 0; i < config_.layers; ++i) {
      const bool only_first = config_.pooling == Pooling::kCls && i + 1 == config_.layers;
      TORII_TRY(x, layer(x, mask, fmt::format("encoder.layer.{}.", i), only_first));
    }
    return std::make_shared<ov::Model>(ov::OutputVector{x}, ov::ParameterVector{ids, mask}, "bert");
  }

 private:
  Result<Value> embeddings(const Value& ids) {
    const std::size_t width = config_.width;
    TORII_TRY(const auto words,
              weights_.get("embeddings.word_embeddings.weight", {config_.vocabulary, width}));
    TORII_TRY(auto positions,
              weights_.get("embeddings.position_embeddings.weight", {config_.positions, width}));
    // All tokens are of type 0: its vector joins the position's.
    TORII_TRY(const auto types, weights_.get("embeddings.token_type_embeddings.weight",
                                             {config_.token_types, width}));
    for (std::size_t i = 0; i < positions.size(); ++i) positions[i] += types[i % width];
    const Value word =
        std::make_shared<op::Gather>(matrix({config_.vocabulary, width}, words), ids, number(0));
    const Value shape = std::make_shared<op::ShapeOf>(ids);
    const Value tokens = std::make_shared<op::Gather>(shape, integers({1}), number(0));
    const Value position =
        std::make_shared<op::Slice>(matrix({config_.positions, width}, positions), integers({0}),
                                    tokens, integers({1}), integers({0}));
    return norm(std::make_shared<op::Add>(word, position), "embeddings.LayerNorm");
  }

  Result<Value> norm(const Value& x, std::string_view name) {
    TORII_TRY(const auto scale, weights_.norm(name, /*bias=*/false, config_.width));
    TORII_TRY(const auto shift, weights_.norm(name, /*bias=*/true, config_.width));
    const Value standard = std::make_shared<op::MVN>(x, integers({-1}), true, config_.norm_epsilon,
                                                     ov::op::MVNEpsMode::INSIDE_SQRT);
    const Value scaled =
        std::make_shared<op::Multiply>(standard, matrix({1, 1, config_.width}, scale));
    return Value(std::make_shared<op::Add>(scaled, matrix({1, 1, config_.width}, shift)));
  }

  Result<Linear> linear(std::string_view name, std::size_t out, std::size_t in) {
    Linear result{.in = in, .out = out, .weight = {}, .bias = {}};
    TORII_TRY(result.weight, weights_.get(fmt::format("{}.weight", name), {out, in}));
    TORII_TRY(result.bias, weights_.get(fmt::format("{}.bias", name), {out}));
    return result;
  }

  /// [B,T,W] -> [B,A,T,W/A]
  Value heads(const Value& x) {
    const Value split = std::make_shared<op::Reshape>(
        x, integers({0, 0, extent(config_.heads), extent(config_.width / config_.heads)}), true);
    return std::make_shared<op::Transpose>(split, integers({0, 2, 1, 3}));
  }

  Result<Value> layer(const Value& x, const Value& mask, const std::string& name, bool only_first) {
    const std::size_t width = config_.width;
    const std::size_t inner = config_.inner_width;
    TORII_TRY(const Linear query, linear(name + "attention.self.query", width, width));
    TORII_TRY(const Linear key, linear(name + "attention.self.key", width, width));
    TORII_TRY(const Linear value, linear(name + "attention.self.value", width, width));
    TORII_TRY(const Linear join, linear(name + "attention.output.dense", width, width));
    TORII_TRY(const Linear grow, linear(name + "intermediate.dense", inner, width));
    TORII_TRY(const Linear shrink, linear(name + "output.dense", width, inner));

    const Value own = only_first ? first_token(x) : x;
    const Value attended = std::make_shared<op::ScaledDotProductAttention>(
        heads(query.apply(own)), heads(key.apply(x)), heads(value.apply(x)), mask,
        /*causal=*/false);
    const Value back = std::make_shared<op::Transpose>(attended, integers({0, 2, 1, 3}));
    const Value merged = std::make_shared<op::Reshape>(back, integers({0, 0, extent(width)}), true);
    TORII_TRY(const Value middle, norm(std::make_shared<op::Add>(join.apply(merged), own),
                                       name + "attention.output.LayerNorm"));
    const Value wide = activate(grow.apply(middle));
    return norm(std::make_shared<op::Add>(shrink.apply(wide), middle), name + "output.LayerNorm");
  }

  Value first_token(const Value& x) {
    return std::make_shared<op::Slice>(x, integers({0}), integers({1}), integers({1}),
                                       integers({1}));
  }

  Value activate(const Value& x) {
    switch (config_.activation) {
      case Activation::kGelu:
        return std::make_shared<op::Gelu>(x, ov::op::GeluApproximationMode::ERF);
      case Activation::kGeluTanh:
        return std::make_shared<op::Gelu>(x, ov::op::GeluApproximationMode::TANH);
      case Activation::kRelu:
        break;
    }
    return std::make_shared<op::Relu>(x);
  }

  const ModelConfig& config_;
  const Weights& weights_;
};

}  // namespace

Result<std::shared_ptr<ov::Model>> build_graph(const ModelConfig& config) {
  TORII_TRY(const Weights weights, Weights::open(config));
  return Builder(config, weights).build();
}

}  // namespace torii::text

#include "text/model_folder.h"

#include <algorithm>
#include <optional>

#include "text/vocabulary.h"

namespace torii::text {

namespace {

constexpr std::int64_t kTokensLeast = 3;

Result<std::size_t> count_of(const Json& config, const std::filesystem::path& path, const char* key,
                             std::int64_t least, std::int64_t most) {
  const auto value = config.int_at(key);
  if (!value || *value < least || *value > most) {
    const Json* found = config.find(key);
    return make_error(ErrorCode::kCorrupt, "{}: {} is {}, expected an integer from {} to {}",
                      path.string(), key, found == nullptr ? "missing" : found->dump(), least,
                      most);
  }
  return static_cast<std::size_t>(*value);
}

Result<Activation> activation_of(const Json& config, const std::filesystem::path& path) {
  const std::string name = config.string_at("hidden_act").value_or("gelu");
  if (name == "gelu") return Activation::kGelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh") return Activation::kGeluTanh;
  if (name == "relu") return Activation::kRelu;
  return make_error(
      ErrorCode::kUnsupported,
      "{}: hidden_act '{}' is not supported (gelu, gelu_new, gelu_pytorch_tanh, relu)",
      path.string(), name);
}

Result<Pooling> pooling_by_name(const std::string& name, const std::string& where) {
  if (name == "mean") return Pooling::kMean;
  if (name == "cls") return Pooling::kCls;
  return make_error(ErrorCode::kUnsupported, "{}: pooling '{}' is not supported (mean, cls)", where,
                    name);
}

/// 1_Pooling/config.json: one of several flags, or one name in newer files.
Result<Pooling> read_pooling(const std::filesystem::path& path) {
  TORII_TRY(const auto config, read_json_if_there(path));
  if (!config) return Pooling::kMean;
  if (const auto name = config->string_at("pooling_mode")) {
    return pooling_by_name(*name, path.string());
  }
  std::optional<std::string> chosen;
  for (const auto& [key, value] : config->is_object() ? config->as_object() : Json::Object()) {
    if (!key.starts_with("pooling_mode_") || !value.is_bool() || !value.as_bool()) continue;
    if (chosen) {
      return make_error(ErrorCode::kUnsupported, "{}: several pooling modes at once ({}, {})",
                        path.string(), *chosen, key);
    }
    chosen = key;
  }
  if (!chosen || *chosen == "pooling_mode_mean_tokens") return Pooling::kMean;
  if (*chosen == "pooling_mode_cls_token") return Pooling::kCls;
  return pooling_by_name(*chosen, path.string());
}

/// The pooling that modules.json leads to; a module that would change the vectors in another way
/// (Dense and so on) is refused.
Result<Pooling> pooling_of_modules(const std::filesystem::path& folder) {
  const auto path = folder / "modules.json";
  TORII_TRY(const auto modules, read_json_if_there(path));
  if (!modules) return read_pooling(folder / "1_Pooling" / "config.json");
  if (!modules->is_array()) {
    return make_error(ErrorCode::kCorrupt, "{}: expected a list of modules", path.string());
  }
  std::filesystem::path pooling = "1_Pooling";
  for (const Json& module : modules->as_array()) {
    const std::string type = module.string_at("type").value_or("");
    const std::string kind = type.substr(type.find_last_of('.') + 1);
    if (kind == "Pooling") {
      pooling = module.string_at("path").value_or("1_Pooling");
    } else if (kind != "Transformer" && kind != "Normalize") {
      return make_error(ErrorCode::kUnsupported,
                        "{}: module '{}' is not supported (Transformer, Pooling, Normalize)",
                        path.string(), type);
    }
  }
  if (pooling.is_absolute() ||
      std::any_of(pooling.begin(), pooling.end(), [](const auto& part) { return part == ".."; })) {
    return make_error(ErrorCode::kCorrupt, "{}: the pooling's path '{}' leaves the folder",
                      path.string(), pooling.string());
  }
  return read_pooling(folder / pooling / "config.json");
}

Result<std::size_t> tokens_max_of(const EncoderOptions& options, std::size_t positions,
                                  std::size_t of_tokenizer) {
  if (options.tokens_max != 0) {
    if (options.tokens_max < kTokensLeast ||
        static_cast<std::size_t>(options.tokens_max) > positions) {
      return invalid("text.tokens_max is {}: expected 0 (as the model says) or {} to {}",
                     options.tokens_max, kTokensLeast, positions);
    }
    return static_cast<std::size_t>(options.tokens_max);
  }
  const auto path = options.model / "sentence_bert_config.json";
  TORII_TRY(const auto sentence, read_json_if_there(path));
  if (sentence && sentence->find("max_seq_length") != nullptr &&
      !sentence->find("max_seq_length")->is_null()) {
    return count_of(*sentence, path, "max_seq_length", kTokensLeast,
                    static_cast<std::int64_t>(positions));
  }
  if (of_tokenizer < static_cast<std::size_t>(kTokensLeast)) return positions;
  return std::min(positions, of_tokenizer);
}

std::string name_of(const std::filesystem::path& folder) {
  auto path = folder.lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  if (path.filename() == "model" && path.has_parent_path()) path = path.parent_path();
  return path.filename().string();
}

}  // namespace

std::string ModelConfig::fingerprint() const {
  return fmt::format(
      "bert 1\nlayers {} width {} heads {} inner {} vocabulary {} positions {} types {} epsilon {} "
      "activation {}\npooling {} tokens {} norm l2\n",
      layers, width, heads, inner_width, vocabulary, positions, token_types, norm_epsilon,
      static_cast<int>(activation), static_cast<int>(pooling), tokens_max);
}

Result<ModelConfig> read_model_config(const EncoderOptions& options,
                                      std::size_t tokenizer_tokens_max) {
  const auto path = options.model / "config.json";
  TORII_TRY(const auto found, read_json_if_there(path));
  if (!found) {
    return make_error(ErrorCode::kNotFound,
                      "{}: there is no config.json; expected the folder of a BERT-family encoder "
                      "in Hugging Face's layout",
                      options.model.string());
  }
  const Json& config = *found;
  const std::string type = config.string_at("model_type").value_or("bert");
  if (type != "bert") {
    return make_error(ErrorCode::kUnsupported, "{}: model_type is '{}', only 'bert' is supported",
                      path.string(), type);
  }
  const std::string positions = config.string_at("position_embedding_type").value_or("absolute");
  if (positions != "absolute") {
    return make_error(ErrorCode::kUnsupported,
                      "{}: position_embedding_type '{}' is not supported (absolute)", path.string(),
                      positions);
  }
  ModelConfig model;
  model.folder = options.model;
  model.name = name_of(options.model);
  TORII_TRY(model.layers, count_of(config, path, "num_hidden_layers", 1, 1000));
  TORII_TRY(model.width, count_of(config, path, "hidden_size", 1, 1 << 16));
  TORII_TRY(model.heads, count_of(config, path, "num_attention_heads", 1, 1 << 10));
  TORII_TRY(model.inner_width, count_of(config, path, "intermediate_size", 1, 1 << 18));
  TORII_TRY(model.vocabulary, count_of(config, path, "vocab_size", 4, 1 << 24));
  TORII_TRY(model.positions,
            count_of(config, path, "max_position_embeddings", kTokensLeast, 1 << 16));
  if (config.find("type_vocab_size") != nullptr) {
    TORII_TRY(model.token_types, count_of(config, path, "type_vocab_size", 1, 1 << 10));
  }
  if (model.width % model.heads != 0) {
    return make_error(ErrorCode::kCorrupt,
                      "{}: hidden_size {} is not a multiple of num_attention_heads {}",
                      path.string(), model.width, model.heads);
  }
  model.norm_epsilon = static_cast<float>(config.number_at("layer_norm_eps").value_or(1e-12));
  if (!(model.norm_epsilon > 0.0f) || model.norm_epsilon > 0.1f) {
    return make_error(ErrorCode::kCorrupt, "{}: layer_norm_eps is out of range (above 0 to 0.1)",
                      path.string());
  }
  TORII_TRY(model.activation, activation_of(config, path));
  if (options.pooling.empty()) {
    TORII_TRY(model.pooling, pooling_of_modules(options.model));
  } else if (options.pooling == "mean" || options.pooling == "cls") {
    model.pooling = options.pooling == "cls" ? Pooling::kCls : Pooling::kMean;
  } else {
    return invalid("text.pooling is '{}': expected mean, cls or nothing", options.pooling);
  }
  TORII_TRY(model.tokens_max, tokens_max_of(options, model.positions, tokenizer_tokens_max));
  return model;
}

}  // namespace torii::text

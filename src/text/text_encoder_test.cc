#include "text/text_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "text/encoder_files.h"
#include "text/test_model.h"

namespace torii::text {
namespace {

using ::testing::HasSubstr;
using testing::TestFolder;
using testing::TestModel;
using Row = std::vector<double>;

/// BERT's forward pass, written as plainly as can be: one text, no padding, doubles.
class NaiveBert {
 public:
  explicit NaiveBert(const TestModel& model) : model_(model) {}

  std::vector<Row> hidden(const std::vector<std::int32_t>& ids) const {
    std::vector<Row> x;
    for (std::size_t t = 0; t < ids.size(); ++t) {
      Row row(model_.width);
      for (std::size_t j = 0; j < model_.width; ++j) {
        const auto id = static_cast<std::size_t>(ids[t]);
        row[j] = at("embeddings.word_embeddings.weight", id * model_.width + j) +
                 at("embeddings.position_embeddings.weight", t * model_.width + j) +
                 at("embeddings.token_type_embeddings.weight", j);
      }
      x.push_back(norm(row, "embeddings.LayerNorm"));
    }
    for (std::size_t i = 0; i < model_.layers; ++i) {
      x = layer(x, "encoder.layer." + std::to_string(i) + ".");
    }
    return x;
  }

  static Row unit(Row x) {
    double sum = 0.0;
    for (const double v : x) sum += v * v;
    for (double& v : x) v /= std::sqrt(sum);
    return x;
  }

  Row mean(const std::vector<std::int32_t>& ids) const {
    Row sum(model_.width, 0.0);
    for (const Row& row : hidden(ids)) sum = plus(sum, row);
    return unit(sum);
  }
  Row cls(const std::vector<std::int32_t>& ids) const { return unit(hidden(ids)[0]); }

 private:
  double at(const std::string& name, std::size_t i) const {
    return double{model_.tensors.at(name).at(i)};
  }
  static Row plus(Row a, const Row& b) {
    for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
    return a;
  }
  Row norm(Row x, const std::string& name) const {
    double mean = 0.0;
    double variance = 0.0;
    for (const double v : x) mean += v / static_cast<double>(x.size());
    for (const double v : x) variance += (v - mean) * (v - mean) / static_cast<double>(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = (x[i] - mean) / std::sqrt(variance + 1e-12) * at(name + ".weight", i) +
             at(name + ".bias", i);
    }
    return x;
  }
  Row linear(const Row& x, const std::string& name) const {
    Row out(model_.tensors.at(name + ".bias").size());
    for (std::size_t o = 0; o < out.size(); ++o) {
      out[o] = at(name + ".bias", o);
      for (std::size_t i = 0; i < x.size(); ++i) {
        out[o] += x[i] * at(name + ".weight", o * x.size() + i);
      }
    }
    return out;
  }
  std::vector<Row> layer(const std::vector<Row>& x, const std::string& name) const {
    std::vector<Row> q;
    std::vector<Row> k;
    std::vector<Row> v;
    for (const Row& row : x) {
      q.push_back(linear(row, name + "attention.self.query"));
      k.push_back(linear(row, name + "attention.self.key"));
      v.push_back(linear(row, name + "attention.self.value"));
    }
    const std::size_t size = model_.width / model_.heads;
    std::vector<Row> out;
    for (std::size_t t = 0; t < x.size(); ++t) {
      Row joined(model_.width, 0.0);
      for (std::size_t h = 0; h < model_.heads; ++h) {
        Row weight(x.size());
        double sum = 0.0;
        for (std::size_t s = 0; s < x.size(); ++s) {
          double score = 0.0;
          for (std::size_t j = h * size; j < (h + 1) * size; ++j) score += q[t][j] * k[s][j];
          weight[s] = std::exp(score / std::sqrt(static_cast<double>(size)));
          sum += weight[s];
        }
        for (std::size_t s = 0; s < x.size(); ++s) {
          for (std::size_t j = h * size; j < (h + 1) * size; ++j) {
            joined[j] += weight[s] / sum * v[s][j];
          }
        }
      }
      const Row middle = norm(plus(linear(joined, name + "attention.output.dense"), x[t]),
                              name + "attention.output.LayerNorm");
      Row wide = linear(middle, name + "intermediate.dense");
      for (double& a : wide) a *= 0.5 * (1.0 + std::erf(a / std::sqrt(2.0)));
      out.push_back(
          norm(plus(linear(wide, name + "output.dense"), middle), name + "output.LayerNorm"));
    }
    return out;
  }

  const TestModel& model_;
};

/// Remembers what was reported; cancels after some calls of progress().
class Recorder final : public Reporter {
 public:
  void begin(std::string_view, std::uint64_t total, std::string_view) override {
    totals.push_back(total);
  }
  void progress(std::uint64_t done, std::string_view) override { last = done; }
  void warn(std::string_view text) override { warnings.emplace_back(text); }
  [[nodiscard]] bool cancelled() const override { return cancel; }
  std::vector<std::uint64_t> totals;
  std::uint64_t last = 0;
  std::vector<std::string> warnings;
  bool cancel = false;
};

const std::vector<std::string_view> kTexts = {
    "hello world", "",
    "a",           "unhelloing, worldable! what is this",
    "hello world", "b c d e f g h i j k l m n o p q r s t u v w x y z is far too long for it",
    "\xFF\xFE"};

class TextEncoderTest : public ::testing::Test {
 protected:
  void write() { model_.write(folder()); }
  std::filesystem::path folder() { return folder_.path() / "model"; }
  EncoderOptions options(const std::string& pooling = "") {
    return {.model = folder(), .pooling = pooling};
  }
  TextEncoder open(const std::string& pooling = "") {
    auto encoder = TextEncoder::open(options(pooling));
    if (!encoder.ok()) throw std::runtime_error(encoder.error().message);
    return std::move(*encoder);
  }
  std::string identity(EncoderOptions with) { return read_encoder_files(with)->identity; }
  Error error(const EncoderOptions& with) {
    const auto encoder = TextEncoder::open(with);
    EXPECT_FALSE(encoder.ok());
    return encoder.ok() ? Error{} : encoder.error();
  }
  void expect_as_naive(const std::string& pooling) {
    TextEncoder encoder = open(pooling);
    Recorder recorder;
    const auto found = encoder.encode(kTexts, recorder);
    ASSERT_TRUE(found.ok()) << found.error().message;
    ASSERT_EQ(found->rows(), kTexts.size());
    const auto tokenizer = Tokenizer::open(folder());
    const NaiveBert naive(model_);
    for (std::size_t i = 0; i < kTexts.size(); ++i) {
      const auto ids = tokenizer->encode(kTexts[i], model_.positions);
      const Row expected = pooling == "cls" ? naive.cls(ids) : naive.mean(ids);
      for (std::size_t j = 0; j < model_.width; ++j) {
        EXPECT_NEAR((*found)(i, j), expected[j], 2e-5) << pooling << ' ' << kTexts[i];
      }
    }
    EXPECT_EQ(recorder.totals, std::vector<std::uint64_t>{kTexts.size() - 1}) << "distinct texts";
    EXPECT_EQ(recorder.last, kTexts.size() - 1);
  }

  TestFolder folder_{::testing::TempDir()};
  TestModel model_;
  Recorder recorder_;
};

TEST_F(TextEncoderTest, ComputesBertWithBothPoolings) {
  write();
  expect_as_naive("mean");
  expect_as_naive("cls");
}

TEST_F(TextEncoderTest, ReadsWeightsWithPrefixAndOldNormNames) {
  model_.prefix = "bert.";
  model_.make_tensors();
  TestModel plain = model_;
  for (const char* part : {"weight", "bias"}) {
    auto node = model_.tensors.extract(std::string("embeddings.LayerNorm.") + part);
    node.key() = std::string("embeddings.LayerNorm.") + (part[0] == 'w' ? "gamma" : "beta");
    model_.tensors.insert(std::move(node));
  }
  write();
  model_.tensors = plain.tensors;
  expect_as_naive("mean");
}

TEST_F(TextEncoderTest, NoTextsGiveNoRows) {
  write();
  TextEncoder encoder = open();
  const auto found = encoder.encode({}, recorder_);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->rows(), 0u);
}

TEST_F(TextEncoderTest, PoolingComesFromTheFolder) {
  write();
  EXPECT_EQ(identity(options()), identity(options("mean")));
  std::filesystem::create_directories(folder() / "1_Pooling");
  const auto pooling = folder() / "1_Pooling/config.json";
  TestModel::put(pooling, R"({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false})");
  EXPECT_EQ(identity(options()), identity(options("cls")));
  TestModel::put(pooling, R"({"pooling_mode": "cls"})");
  EXPECT_EQ(identity(options()), identity(options("cls")));
  TestModel::put(pooling, R"({"pooling_mode_max_tokens": true})");
  EXPECT_EQ(error(options()).code, ErrorCode::kUnsupported);
  TestModel::put(pooling, R"({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true})");
  EXPECT_EQ(error(options()).code, ErrorCode::kUnsupported);
  TestModel::put(folder() / "modules.json", R"([{"type": "sentence_transformers.models.Dense"}])");
  EXPECT_THAT(error(options()).message, HasSubstr("Dense"));
  TestModel::put(folder() / "modules.json", R"([{"type": "x.Pooling", "path": "../elsewhere"}])");
  EXPECT_EQ(error(options()).code, ErrorCode::kCorrupt);
}

TEST_F(TextEncoderTest, TheIdentityCoversAllThatChangesVectors) {
  write();
  std::vector<std::string> seen = {identity(options("mean")), identity(options("cls"))};
  seen.push_back(identity({.model = folder(), .tokens_max = 10}));
  TestModel::put(folder() / "tokenizer_config.json", R"({"do_lower_case": false})");
  seen.push_back(identity(options()));
  std::filesystem::remove(folder() / "tokenizer_config.json");
  model_.tensors["encoder.layer.1.output.dense.bias"][0] += 0.001f;
  write();
  seen.push_back(identity(options()));
  std::swap(model_.vocabulary[7], model_.vocabulary[8]);
  write();
  seen.push_back(identity(options()));
  model_.config.set("layer_norm_eps", 1e-6);
  write();
  seen.push_back(identity(options()));
  const std::set<std::string> different(seen.begin(), seen.end());
  EXPECT_EQ(different.size(), seen.size());
}

TEST_F(TextEncoderTest, TheIdentityDoesNotDependOnThePlace) {
  write();
  std::filesystem::copy(folder(), folder_.path() / "copy");
  EXPECT_EQ(identity(options()), identity({.model = folder_.path() / "copy"}));
}

TEST_F(TextEncoderTest, HostileFoldersAreRefusedByName) {
  EXPECT_EQ(error(options()).code, ErrorCode::kNotFound);
  std::filesystem::create_directories(folder());
  EXPECT_THAT(error(options()).message, HasSubstr("config.json"));
  const auto with = [&](const char* key, Json value) {
    TestModel other = model_;
    other.config.set(key, std::move(value));
    other.write(folder());
    return error(options());
  };
  EXPECT_EQ(with("model_type", "roberta").code, ErrorCode::kUnsupported);
  EXPECT_EQ(with("position_embedding_type", "relative_key").code, ErrorCode::kUnsupported);
  EXPECT_EQ(with("hidden_act", "swish").code, ErrorCode::kUnsupported);
  for (const char* key : {"num_hidden_layers", "hidden_size", "num_attention_heads",
                          "intermediate_size", "vocab_size", "max_position_embeddings"}) {
    for (const Json& value : {Json(0), Json(-1), Json("8"), Json(std::int64_t{1} << 40)}) {
      const Error found = with(key, value);
      EXPECT_EQ(found.code, ErrorCode::kCorrupt) << key;
      EXPECT_THAT(found.message, HasSubstr(key));
    }
  }
  EXPECT_EQ(with("num_attention_heads", 3).code, ErrorCode::kCorrupt);
  EXPECT_EQ(with("layer_norm_eps", -1.0).code, ErrorCode::kCorrupt);
  EXPECT_EQ(with("vocab_size", 20).code, ErrorCode::kCorrupt) << "ids above the table";
  EXPECT_EQ(with("num_hidden_layers", 3).code, ErrorCode::kNotFound) << "a layer without weights";
  EXPECT_THAT(with("intermediate_size", 13).message, HasSubstr("intermediate.dense"));
}

TEST_F(TextEncoderTest, OptionsOutOfRangeAreRefused) {
  write();
  EXPECT_EQ(error({.model = folder(), .pooling = "max"}).code, ErrorCode::kInvalidArgument);
  for (const int tokens : {-1, 1, 2, 25}) {
    EXPECT_EQ(error({.model = folder(), .tokens_max = tokens}).code, ErrorCode::kInvalidArgument);
  }
}

TEST_F(TextEncoderTest, MissingOrForeignWeightsAreRefused) {
  write();
  std::filesystem::remove(folder() / "model.safetensors");
  EXPECT_EQ(error(options()).code, ErrorCode::kNotFound);
  TestModel::put(folder() / "model.safetensors", "no tensors");
  EXPECT_EQ(error(options()).code, ErrorCode::kCorrupt);
  model_.prefix = "roberta.";
  write();
  EXPECT_THAT(error(options()).message, HasSubstr("no BERT weights"));
}

TEST_F(TextEncoderTest, NotANumberInTheWeightsIsNamed) {
  model_.make_tensors();
  model_.tensors["encoder.layer.1.output.dense.bias"][0] = std::numeric_limits<float>::quiet_NaN();
  write();
  TextEncoder encoder = open();
  const auto found = encoder.encode(kTexts, recorder_);
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, ErrorCode::kCorrupt);
}

TEST_F(TextEncoderTest, StopsWhenAsked) {
  write();
  TextEncoder encoder = open();
  recorder_.cancel = true;
  const auto found = encoder.encode(kTexts, recorder_);
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().code, ErrorCode::kCancelled);
}

class CachedEncoderTest : public TextEncoderTest {
 protected:
  std::unique_ptr<TextVectors> cached(const std::filesystem::path& cache) {
    auto encoder = open_cached_encoder(options(), cache);
    if (!encoder.ok()) throw std::runtime_error(encoder.error().message);
    return std::move(*encoder);
  }
  static std::string bytes(const Matrix& matrix) {
    return {reinterpret_cast<const char*>(matrix.data()), matrix.size() * sizeof(float)};
  }
};

TEST_F(CachedEncoderTest, GivesTheSameBytesInAnyCompanyAndProcess) {
  write();
  const auto folder_of_cache = folder_.path() / "cache";
  const auto first = cached(folder_of_cache)->encode(kTexts, recorder_);
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_EQ(recorder_.totals, std::vector<std::uint64_t>{kTexts.size() - 1});
  const auto again = cached(folder_of_cache);
  EXPECT_EQ(bytes(*again->encode(kTexts, recorder_)), bytes(*first));
  const auto alone = again->encode(std::span(kTexts).subspan(3, 1), recorder_);
  EXPECT_TRUE(std::ranges::equal(alone->row(0), first->row(3)));
  EXPECT_EQ(recorder_.totals.size(), 1u) << "nothing was encoded again";
}

TEST_F(CachedEncoderTest, NewTextsJoinKnownOnes) {
  write();
  const auto encoder = cached(folder_.path() / "cache");
  ASSERT_TRUE(encoder->encode(std::span(kTexts).first(2), recorder_).ok());
  const auto all = encoder->encode(kTexts, recorder_);
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(recorder_.totals, (std::vector<std::uint64_t>{2, kTexts.size() - 3}));
  TextEncoder plain = open();
  const auto expected = plain.encode(kTexts, recorder_);
  for (std::size_t i = 0; i < all->size(); ++i) {
    EXPECT_NEAR(all->flat()[i], expected->flat()[i], 1e-5);
  }
}

TEST_F(CachedEncoderTest, TheEncoderIsNotOpenedForKnownTexts) {
  // Weights that OpenVINO could not compute with: only their bytes are looked at.
  model_.make_tensors();
  write();
  const auto cache = folder_.path() / "cache";
  ASSERT_TRUE(cached(cache)->encode(kTexts, recorder_).ok());
  const auto encoder = cached(cache);
  std::filesystem::remove(folder() / "model.safetensors");
  EXPECT_TRUE(encoder->encode(kTexts, recorder_).ok());
  const std::vector<std::string_view> other = {"unknown"};
  EXPECT_FALSE(encoder->encode(other, recorder_).ok());
}

TEST_F(CachedEncoderTest, OtherWeightsSeeNoOldVectors) {
  write();
  const auto cache = folder_.path() / "cache";
  const auto old = cached(cache)->encode(kTexts, recorder_);
  model_.seed = 8;
  model_.tensors.clear();
  write();
  const auto found = cached(cache)->encode(kTexts, recorder_);
  EXPECT_NE(bytes(*found), bytes(*old));
  EXPECT_EQ(recorder_.totals.size(), 2u);
}

TEST_F(CachedEncoderTest, AFullOrBrokenCacheOnlyWarns) {
  write();
  const auto cache = folder_.path() / "cache";
  const auto encoder = cached(cache);
  std::filesystem::create_directories(cache / (encoder->identity() + ".lock"));
  const auto found = encoder->encode(kTexts, recorder_);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(recorder_.warnings.size(), 1u);
  EXPECT_EQ(bytes(*encoder->encode(kTexts, recorder_)), bytes(*found));
}

TEST_F(CachedEncoderTest, WithoutAFolderItRemembersInMemory) {
  write();
  const auto encoder = cached({});
  const auto first = encoder->encode(kTexts, recorder_);
  EXPECT_EQ(bytes(*encoder->encode(kTexts, recorder_)), bytes(*first));
  EXPECT_EQ(recorder_.totals.size(), 1u);
}

}  // namespace
}  // namespace torii::text

#include "model/bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>

#include "base/file.h"
#include "base/safetensors.h"
#include "features/encoder.h"
#include "model/bundle_manifest.h"
#include "model/bundle_towers.h"
#include "support/fake_texts.h"
#include "support/tables.h"
#include "support/temporary_folder.h"

namespace torii::model {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using torii::testing::FakeTexts;
using torii::testing::TemporaryFolder;

constexpr std::size_t kTextWidth = 5;

data::Table item_table() {
  using namespace torii::testing;  // NOLINT: builders of columns
  return data::Table({numbers("price", {1.5, 2.5, 99}), texts("genre", {"a|b", "b", kNull}),
                      texts("title", {"Toy Story", "Heat", "Ran \xF0\x9F\x8E\xAC"})});
}

features::Spec sample_spec(bool has_oov) {
  features::Spec spec;
  spec.user.numeric = {{"age", features::ValueType::kNumber, 30.0, 2.0, true}};
  spec.item.numeric = {{"price", features::ValueType::kNumber, 2.0, 0.5, true}};
  spec.item.categorical = {{"genre", features::ValueType::kText, "|", {"a", "b"}, has_oov}};
  spec.item.text = {{"title"}};
  spec.text_identity = "fake";
  spec.text_model = "fake";
  spec.text_width = kTextWidth;
  return spec;
}

struct Wanted {
  bool ids = true;
  bool batch_norm = false;
  Metric metric = Metric::kCosine;
};

Bundle sample(Wanted wanted = {}) {
  Random random(7);
  features::Spec spec = sample_spec(true);
  const TowerShape user{
      .width = 8, .numeric = 1, .ids = wanted.ids ? 2U : 0U, .batch_norm = wanted.batch_norm};
  const TowerShape item{.width = 8,
                        .numeric = 1,
                        .categories = {3},
                        .text_columns = 1,
                        .text_width = kTextWidth,
                        .ids = wanted.ids ? 3U : 0U,
                        .batch_norm = wanted.batch_norm};
  TwoTower model{EntityTower(user, random), EntityTower(item, random), wanted.metric};
  FakeTexts texts(kTextWidth);
  Reporter silent;
  auto items = features::encode(item_table(), spec.item, "fake", &texts, silent);
  EXPECT_TRUE(items.ok());
  ThreadPool pool(1);
  Bundle bundle = make_bundle(std::move(spec), std::move(model), *items,
                              wanted.ids ? IdIndex({"u1", "u2"}, true) : IdIndex(),
                              IdIndex({"10", "9", "100"}, true), {3.0F, 0.0F, 1.0F}, pool);
  bundle.settings.set("train", Json(Json::Object{{"seed", 7}}));
  bundle.provenance.set("isa", "avx2");
  bundle.evaluation.set("ndcg@10", 0.125);
  return bundle;
}

std::string bytes_of(const fs::path& path) {
  auto bytes = read_file(path);
  EXPECT_TRUE(bytes.ok()) << path;
  return bytes.ok() ? *bytes : "";
}

void overwrite(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

class BundleFolder : public ::testing::Test {
 protected:
  void write(Wanted wanted = {}) {
    Bundle bundle = sample(wanted);
    auto written = write_bundle(path_, bundle);
    ASSERT_TRUE(written.ok()) << written.error().message;
  }
  [[nodiscard]] std::string open_error(ErrorCode code = ErrorCode::kCorrupt) const {
    auto bundle = open_bundle(path_);
    EXPECT_FALSE(bundle.ok());
    if (bundle.ok()) return "";
    EXPECT_EQ(bundle.error().code, code) << bundle.error().message;
    return bundle.error().message;
  }
  // Changes the manifest and seals it again, as a hostile writer would.
  template <class F>
  void forge(F change) {
    auto manifest = read_manifest(path_);
    ASSERT_TRUE(manifest.ok());
    Json::Object& members = manifest->as_object();
    std::erase_if(members, [](const auto& member) { return member.first == "manifest_sha256"; });
    change(*manifest);
    overwrite(path_ / kManifestFile, seal_manifest(*manifest));
  }
  // After a part was replaced: sizes and hashes of what is there now.
  void forge_parts() {
    forge([&](Json& manifest) {
      std::vector<BundlePart> parts;
      for (const char* name : {kTowersFile, kItemsFile, kUsersFile}) {
        parts.push_back(measure_part(path_, name).value());
      }
      manifest.set("parts", parts_to_json(parts));
    });
  }

  TemporaryFolder folder_;
  fs::path path_ = folder_.path() / "bundle";
};

TEST_F(BundleFolder, OpensAsItWasWritten) {
  Bundle bundle = sample();
  ASSERT_TRUE(write_bundle(path_, bundle).ok());
  auto opened = open_bundle(path_);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  EXPECT_EQ(opened->id, bundle.id);
  EXPECT_EQ(opened->id.size(), 64U);
  EXPECT_EQ(opened->spec.to_json(), bundle.spec.to_json());
  EXPECT_EQ(opened->model.metric, Metric::kCosine);
  EXPECT_EQ(opened->model.user.shape(), bundle.model.user.shape());
  EXPECT_EQ(opened->model.item.shape(), bundle.model.item.shape());
  EXPECT_EQ(opened->user_ids.all().bytes, "u1u2");
  EXPECT_EQ(opened->item_ids.all().bytes, "910100");  // by number
  EXPECT_TRUE(opened->item_ids.integers());
  EXPECT_EQ(opened->popularity, bundle.popularity);
  EXPECT_EQ(opened->settings, bundle.settings);
  EXPECT_EQ(opened->provenance, bundle.provenance);
  EXPECT_EQ(opened->evaluation, bundle.evaluation);
  EXPECT_TRUE(std::ranges::equal(opened->item_embeddings.flat(), bundle.item_embeddings.flat()));
  for (std::size_t i = 0; i < bundle.model.item.parameters().size(); ++i) {
    const Parameter& expected = bundle.model.item.parameters()[i];
    EXPECT_TRUE(std::ranges::equal(opened->model.item.parameters()[i].value, expected.value))
        << expected.name;
  }
}

TEST_F(BundleFolder, WithoutIdEmbeddingsThereIsNoUsersPart) {
  write({.ids = false, .batch_norm = true});
  EXPECT_FALSE(fs::exists(path_ / kUsersFile));
  auto opened = open_bundle(path_);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  EXPECT_EQ(opened->user_ids.size(), 0U);
}

TEST_F(BundleFolder, SameBundleSameBytes) {
  Bundle one = sample();
  Bundle two = sample();
  ASSERT_TRUE(write_bundle(path_, one).ok());
  ASSERT_TRUE(write_bundle(folder_.path() / "two", two).ok());
  EXPECT_EQ(one.id, two.id);
  for (const char* name : {kManifestFile, kTowersFile, kItemsFile, kUsersFile}) {
    EXPECT_EQ(bytes_of(path_ / name), bytes_of(folder_.path() / "two" / name)) << name;
  }
}

TEST_F(BundleFolder, CountersAreInt64AsInPyTorch) {
  write({.batch_norm = true});
  auto towers = SafetensorsFile::open(path_ / kTowersFile);
  ASSERT_TRUE(towers.ok());
  const TensorView* counter = towers->find("item_tower.numeric_norm.num_batches_tracked");
  ASSERT_NE(counter, nullptr);
  EXPECT_EQ(counter->dtype, DType::kI64);
  EXPECT_TRUE(counter->shape.empty());
}

TEST_F(BundleFolder, EveryFlippedByteIsFound) {
  write({.batch_norm = true});
  for (const char* name : {kManifestFile, kTowersFile, kItemsFile, kUsersFile}) {
    const std::string good = bytes_of(path_ / name);
    // Each file is under one hash, so a sample of its bytes stands for all; CoversEveryByte below
    // goes over a whole manifest.
    const std::size_t step = good.size() / 200 + 1;
    for (std::size_t i = 0; i < good.size(); i += step) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
      overwrite(path_ / name, bad);
      auto opened = open_bundle(path_);
      ASSERT_FALSE(opened.ok()) << name << " byte " << i;
      ASSERT_THAT(opened.error().message, HasSubstr(name)) << "byte " << i;
    }
    overwrite(path_ / name, good);
  }
  EXPECT_TRUE(open_bundle(path_).ok());
}

TEST_F(BundleFolder, TornOrMissingFilesAreFound) {
  write();
  for (const char* name : {kTowersFile, kItemsFile, kUsersFile}) {
    const std::string good = bytes_of(path_ / name);
    for (const std::size_t size : {std::size_t{0}, good.size() / 2, good.size() - 1}) {
      overwrite(path_ / name, good.substr(0, size));
      EXPECT_THAT(open_error(), HasSubstr(name));
    }
    overwrite(path_ / name, good + "x");
    EXPECT_THAT(open_error(), HasSubstr(name));
    fs::remove(path_ / name);
    EXPECT_THAT(open_error(), HasSubstr("is missing"));
    overwrite(path_ / name, good);
  }
  overwrite(path_ / kManifestFile, "");
  EXPECT_THAT(open_error(), HasSubstr("too short"));
  fs::remove(path_ / kManifestFile);
  EXPECT_THAT(open_error(ErrorCode::kNotFound), HasSubstr("no bundle there"));
  EXPECT_EQ(open_bundle(folder_.path() / "nowhere").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(read_manifest(folder_.path() / "nowhere").error().code, ErrorCode::kNotFound);
}

TEST_F(BundleFolder, NewerFormatSaysWhatToDo) {
  write();
  forge([](Json& manifest) { manifest.set("version", kBundleVersion + 1); });
  EXPECT_THAT(open_error(ErrorCode::kUnsupported), HasSubstr("use a newer torii"));
  EXPECT_EQ(read_manifest(path_).error().code, ErrorCode::kUnsupported);
}

TEST_F(BundleFolder, SealedNonsenseIsRefused) {
  const auto message = [&](auto change) {
    fs::remove_all(path_);
    write();
    forge(change);
    return open_error();
  };
  EXPECT_THAT(message([](Json& m) { m.set("format", "zip"); }), HasSubstr("no bundle of torii"));
  EXPECT_THAT(message([](Json& m) { m.set("version", "1"); }), HasSubstr("version"));
  EXPECT_THAT(message([](Json& m) { m.set("metric", "manhattan"); }), HasSubstr("metric"));
  EXPECT_THAT(message([](Json& m) { m.set("spec", Json()); }), HasSubstr("spec"));
  EXPECT_THAT(message([](Json& m) { m.set("parts", Json::array()); }), HasSubstr("missing"));
  EXPECT_THAT(message([](Json& m) {
                Json& first = m.as_object().back().second.as_array()[0];
                first.set("name", "../../etc/passwd");
              }),
              HasSubstr("no part of a bundle"));
  EXPECT_THAT(message([](Json& m) {
                m.set("items", Json(Json::Object{{"count", 4}, {"order", "integers"}}));
              }),
              HasSubstr("expected 4 ids, found 3"));
  EXPECT_THAT(message([](Json& m) {
                m.set("items", Json(Json::Object{{"count", 3}, {"order", "bytes"}}));
              }),
              HasSubstr(kItemsFile));
  const auto with_shape = [](const char* tower, auto change) {
    return [tower, change](Json& m) {
      Json shape = *m.find(tower);
      change(shape);
      m.set(tower, std::move(shape));
    };
  };
  const auto set = [](const char* key, Json value) {
    return [key, value](Json& shape) { shape.set(key, value); };
  };
  EXPECT_THAT(message(with_shape("user_tower", set("width", 9))), HasSubstr("differ in width"));
  EXPECT_THAT(message(with_shape("user_tower", set("width", 1))), HasSubstr("'width'"));
  EXPECT_THAT(message(with_shape("user_tower", set("numeric", -1))), HasSubstr("'numeric'"));
  EXPECT_THAT(message(with_shape("user_tower", set("numeric", 2))),
              HasSubstr("2 numeric columns, the spec has 1 (age)"));
  EXPECT_THAT(message(with_shape("item_tower", set("categories", Json(Json::Array{4})))),
              HasSubstr("column 'genre' of the spec has 3 codes"));
  EXPECT_THAT(message(with_shape("item_tower", set("ids", std::uint64_t{1} << 31))),
              HasSubstr("another number of rows"));
  EXPECT_THAT(message(with_shape("user_tower", set("ids", std::uint64_t{1} << 31))),
              HasSubstr("another number of rows"));
  EXPECT_THAT(message(with_shape("item_tower", set("ratio", Json(Json::Array{1000, 1, 1})))),
              HasSubstr("'width'"));
  EXPECT_THAT(message(with_shape("item_tower", set("ratio", Json(Json::Array{1, 2})))),
              HasSubstr("'ratio'"));
  EXPECT_THAT(message([](Json& m) {  // memory that nothing in the files stands for
                Json spec = *m.find("spec");
                Json shape = *m.find("item_tower");
                spec.set("text_width", 65536);
                shape.set("text_width", 65536).set("separate_text", true);
                m.set("spec", std::move(spec)).set("item_tower", std::move(shape));
              }),
              HasSubstr("'item_tower.*' hold"));
  EXPECT_THAT(message(with_shape("item_tower", set("batch_norm", true))),
              HasSubstr("missing: item_tower.numeric_norm.weight"));
}

TEST_F(BundleFolder, NumbersThatAreNotFiniteAreRefusedOnOpen) {
  write();
  const fs::path towers = path_ / kTowersFile;
  std::string bytes = bytes_of(towers);
  bytes.replace(bytes.size() - 4, 4, "\xFF\xFF\xFF\xFF");  // a NaN at the end of the last tensor
  overwrite(towers, bytes);
  forge_parts();
  EXPECT_THAT(open_error(), HasSubstr("element"));
}

TEST_F(BundleFolder, NaNIsNeverWritten) {
  Bundle bundle = sample();
  bundle.model.user.parameters()[0].value[1] = std::numeric_limits<float>::quiet_NaN();
  auto written = write_bundle(path_, bundle);
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code, ErrorCode::kDiverged);
  EXPECT_THAT(written.error().message, HasSubstr("user_tower."));
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(BundleFolder, ReplacesABundleAndNothingElse) {
  write();
  const std::string before = bytes_of(path_ / kManifestFile);
  write({.metric = Metric::kDot});
  EXPECT_NE(bytes_of(path_ / kManifestFile), before);
  EXPECT_TRUE(open_bundle(path_).ok());

  overwrite(path_ / "notes.txt", "mine");
  Bundle bundle = sample();
  auto refused = write_bundle(path_, bundle);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(bytes_of(path_ / "notes.txt"), "mine");

  const fs::path other = folder_.path() / "other";
  fs::create_directory(other);
  overwrite(other / kManifestFile, "{\"format\": \"something else\"}");
  EXPECT_FALSE(write_bundle(other, bundle).ok());
}

TEST(ManifestSeal, CoversEveryByte) {
  const Json manifest(Json::Object{{"format", kBundleFormat}, {"version", kBundleVersion}});
  const std::string good = seal_manifest(manifest);
  ASSERT_TRUE(unseal_manifest(good, "m").ok()) << unseal_manifest(good, "m").error().message;
  EXPECT_EQ(unseal_manifest(good, "m")->int_at("version"), kBundleVersion);
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      ASSERT_FALSE(unseal_manifest(bad, "m").ok()) << i << ' ' << bit;
    }
  }
  EXPECT_FALSE(unseal_manifest(good + " ", "m").ok());
}

TEST(TowerShapeJson, ReadsBackTheSame) {
  const TowerShape shape{.width = 48,
                         .numeric = 3,
                         .categories = {4, 5},
                         .text_columns = 2,
                         .text_width = 384,
                         .ids = 7,
                         .batch_norm = false,
                         .separate_text = true,
                         .ratio = {3, 1, 4}};
  auto again = shape_from_json(shape_to_json(shape), "shape");
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(*again, shape);
}

// ---- training pairs

TEST_F(BundleFolder, TrainingPairsAreAPartThatComesBackMapped) {
  Bundle bundle = sample();
  const std::vector<std::uint64_t> pairs = {1, 7, std::uint64_t{1} << 63, ~std::uint64_t{0}};
  ASSERT_TRUE(write_bundle(path_, bundle, pairs).ok());
  ASSERT_TRUE(open_bundle(path_).ok());
  const auto found = TrainingPairs::open(path_);
  ASSERT_TRUE(found.ok()) << found.error().message;
  ASSERT_TRUE(found->has_value());
  EXPECT_TRUE(std::ranges::equal((*found)->hashes(), pairs));
  EXPECT_TRUE(is_bundle_folder(path_));
}

TEST_F(BundleFolder, ABundleWithoutTrainingPairsSaysSo) {
  write();
  const auto found = TrainingPairs::open(path_);
  ASSERT_TRUE(found.ok());
  EXPECT_FALSE(found->has_value());
  EXPECT_EQ(TrainingPairs::open(folder_.path() / "nowhere").error().code, ErrorCode::kNotFound);
}

TEST_F(BundleFolder, DamagedTrainingPairsAreFoundByBoth) {
  Bundle bundle = sample();
  ASSERT_TRUE(write_bundle(path_, bundle, std::vector<std::uint64_t>{1, 2, 3}).ok());
  std::string bytes = bytes_of(path_ / kPairsFile);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  overwrite(path_ / kPairsFile, bytes);
  EXPECT_NE(open_error().find(kPairsFile), std::string::npos);
  EXPECT_EQ(TrainingPairs::open(path_).error().code, ErrorCode::kCorrupt);
  fs::remove(path_ / kPairsFile);
  EXPECT_NE(open_error().find("missing"), std::string::npos);
}

TEST_F(BundleFolder, ForgedTrainingPairsAreRefused) {
  Bundle bundle = sample();
  ASSERT_TRUE(write_bundle(path_, bundle, std::vector<std::uint64_t>{1, 2}).ok());
  const std::uint64_t falling[] = {2, 1};
  SafetensorsWriter writer;
  writer.add("pairs", DType::kI64, {2}, std::as_bytes(std::span(falling)));
  ASSERT_TRUE(writer.write(path_ / kPairsFile).ok());
  forge([&](Json& manifest) {
    std::vector<BundlePart> parts;
    for (const char* name : {kTowersFile, kItemsFile, kUsersFile, kPairsFile}) {
      parts.push_back(measure_part(path_, name).value());
    }
    manifest.set("parts", parts_to_json(parts));
  });
  EXPECT_NE(TrainingPairs::open(path_).error().message.find("do not ascend"), std::string::npos);
}

TEST_F(BundleFolder, FormatVersion1OpensAsBefore) {
  write();
  forge([](Json& manifest) { manifest.set("version", 1); });
  const auto opened = open_bundle(path_);
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  EXPECT_FALSE(TrainingPairs::open(path_)->has_value());
}

TEST_F(BundleFolder, AUserIdWithoutATrainingRowIsUnknown) {
  Bundle bundle = sample();
  const std::string first(bundle.user_ids[0]), second(bundle.user_ids[1]);
  const auto table = bundle.model.user.id_table();
  const std::size_t width = bundle.model.user.shape().width;
  std::fill_n(table.begin(), width, 0.0F);
  table[width] = 0.5F;
  EXPECT_EQ(find_trained_user(bundle, first), std::nullopt);
  EXPECT_EQ(find_trained_user(bundle, second), 1U);
  EXPECT_EQ(find_trained_user(bundle, "nobody at all"), std::nullopt);
}

}  // namespace
}  // namespace torii::model

#include "model/bundle_import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "base/safetensors.h"
#include "model/bundle_towers.h"
#include "support/temporary_folder.h"

namespace torii::model {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using torii::testing::TemporaryFolder;

features::Spec sample_spec() {
  features::Spec spec;
  spec.user.numeric = {{"signup", features::ValueType::kTimestamp, 0.0, 1.0, false}};
  spec.user.text = {{"likes"}, {"about"}};
  spec.item.numeric = {{"price", features::ValueType::kNumber, 0.0, 1.0, false},
                       {"stars", features::ValueType::kNumber, 0.0, 1.0, false}};
  spec.item.categorical = {{"kind", features::ValueType::kText, "", {"a", "b", "c"}, false}};
  spec.item.text = {{"title"}};
  spec.text_identity = "fake";
  spec.text_width = 16;
  return spec;
}
TowerShape user_shape() {
  return {.numeric = 1, .text_columns = 2, .text_width = 16};
}
TowerShape item_shape() {
  return {.numeric = 2, .categories = {3}, .text_columns = 1, .text_width = 16};
}

class ImportStateDict : public ::testing::Test {
 protected:
  // Both towers in one file, each tensor's name after `prefix`.
  fs::path write(const std::string& name, const std::vector<std::string>& prefixes) {
    TowerTensors tensors;
    for (const std::string& prefix : prefixes) {
      add_tower(user_, prefix + "user_tower.", tensors);
      add_tower(item_, prefix + "item_tower.", tensors);
    }
    return save(name, tensors.writer);
  }
  fs::path write_bare(const std::string& name, const EntityTower& tower) {
    TowerTensors tensors;
    add_tower(tower, "", tensors);
    return save(name, tensors.writer);
  }
  fs::path save(const std::string& name, const SafetensorsWriter& writer) {
    const fs::path path = folder_.path() / name;
    auto written = writer.write(path);
    EXPECT_TRUE(written.ok()) << written.error().message;
    return path;
  }
  void expect_imported(const StateDictOptions& options) {
    auto model = import_state_dict(spec_, options);
    ASSERT_TRUE(model.ok()) << model.error().message;
    EXPECT_EQ(model->metric, Metric::kEuclidean);
    for (const auto& [found, expected] :
         {std::pair(&model->user, &user_), std::pair(&model->item, &item_)}) {
      EXPECT_EQ(found->shape(), expected->shape());
      for (std::size_t i = 0; i < expected->parameters().size(); ++i) {
        EXPECT_TRUE(
            std::ranges::equal(found->parameters()[i].value, expected->parameters()[i].value))
            << expected->parameters()[i].name;
      }
    }
  }
  std::string error(const StateDictOptions& options) {
    auto model = import_state_dict(spec_, options);
    EXPECT_FALSE(model.ok());
    return model.ok() ? "" : model.error().message;
  }

  TemporaryFolder folder_;
  Random random_{3};
  features::Spec spec_ = sample_spec();
  EntityTower user_{user_shape(), random_};
  EntityTower item_{item_shape(), random_};
};

TEST_F(ImportStateDict, OneFileWithOrWithoutPrefix) {
  expect_imported({.files = {write("a", {""})}});
  expect_imported({.files = {write("b", {"model."})}});
  expect_imported({.files = {write("c", {"init.", "final."})}});  // final is preferred
  expect_imported({.files = {write("d", {"x.", "y."})}, .prefix = "y."});
}

TEST_F(ImportStateDict, OneBareFileForEachTower) {
  expect_imported({.files = {write_bare("item_tower.safetensors", item_),
                             write_bare("user_tower.safetensors", user_)}});
  EXPECT_THAT(error({.files = {write_bare("a.safetensors", item_)}}),
              HasSubstr("expected one state dict of the user tower"));
  EXPECT_THAT(error({.files = {}}), HasSubstr("no file given"));
}

TEST_F(ImportStateDict, ChoiceBetweenStrangePrefixesIsLeftToTheUser) {
  EXPECT_THAT(error({.files = {write("a", {"x.", "y."})}}), HasSubstr("'x.', 'y.'"));
  EXPECT_THAT(error({.files = {write("a", {"x.", "y."})}, .prefix = "z."}),
              HasSubstr("'x.', 'y.'"));
}

TEST_F(ImportStateDict, CounterMayBeMissingOtherTensorsNot) {
  SafetensorsWriter all;
  SafetensorsWriter short_of;
  for (const auto& [tower, prefix] :
       {std::pair(&user_, "user_tower."), std::pair(&item_, "item_tower.")}) {
    for (const Parameter& parameter : tower->parameters()) {
      if (parameter.name.ends_with("num_batches_tracked")) continue;
      all.add(prefix + parameter.name, parameter.shape, parameter.value);
      if (parameter.name == "fn2.bias") continue;
      short_of.add(prefix + parameter.name, parameter.shape, parameter.value);
    }
  }
  expect_imported({.files = {save("all", all)}});
  short_of.add("user_tower.fn3.weight", {1}, user_.parameters()[0].value.first(1));
  EXPECT_THAT(error({.files = {save("short", short_of)}}),
              AllOf(HasSubstr("missing: user_tower.fn2.bias"),
                    HasSubstr("unexpected: user_tower.fn3.weight")));
}

TEST_F(ImportStateDict, DisagreementWithTheSpecIsNamed) {
  const StateDictOptions options{.files = {write("a", {""})}};
  spec_.item.numeric.pop_back();
  EXPECT_THAT(error(options), HasSubstr("item tower: 2 numeric columns, the spec has 1 (price)"));
  spec_ = sample_spec();
  spec_.item.categorical[0].vocabulary.emplace_back("d");
  EXPECT_THAT(error(options), HasSubstr("3 categories, column 'kind' of the spec has 4 codes"));
  spec_ = sample_spec();
  spec_.item.categorical.clear();
  EXPECT_THAT(error(options), HasSubstr("1 categorical columns, the spec has 0"));
  spec_ = sample_spec();
  spec_.user.text.clear();
  EXPECT_THAT(error(options), HasSubstr("user tower: 1 text columns, the spec has 0"));
  spec_ = sample_spec();
  spec_.text_width = 384;
  EXPECT_THAT(error(options), HasSubstr("texts of 16 numbers, the text encoder gives 384"));
}

TEST_F(ImportStateDict, AnotherRatioIsAnotherShape) {
  const fs::path file = write("a", {""});
  EXPECT_THAT(error({.files = {file}, .ratio = {2, 1, 7}}), HasSubstr("expected shape"));
  EXPECT_THAT(error({.files = {file}, .ratio = {0, 1, 7}}), HasSubstr("ratio"));
}

TEST_F(ImportStateDict, NaNAndForeignFilesAreRefused) {
  user_.parameters()[0].value[0] = NAN;
  EXPECT_THAT(error({.files = {write("a", {""})}}), HasSubstr("element 0 is nan"));
  const fs::path text = folder_.path() / "text";
  std::ofstream(text) << "this is no tensor file at all";
  EXPECT_FALSE(import_state_dict(spec_, {.files = {text}}).ok());
  EXPECT_EQ(import_state_dict(spec_, {.files = {folder_.path() / "none"}}).error().code,
            ErrorCode::kNotFound);
}

}  // namespace
}  // namespace torii::model

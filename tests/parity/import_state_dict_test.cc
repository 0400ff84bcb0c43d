// Weights of the reference, imported from the golden files, reproduce its embeddings, and a bundle
// gives the same tensors back under the same names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <set>

#include "base/safetensors.h"
#include "model/bundle.h"
#include "model/bundle_import.h"
#include "support/shared_dir.h"
#include "support/temporary_folder.h"

namespace torii {
namespace {

using features::EncodedTable;

std::size_t extent(const SafetensorsFile& golden, const std::string& name, std::size_t axis) {
  const TensorView* tensor = golden.find(name);
  return tensor == nullptr ? 0 : tensor->shape.at(axis);
}

// "step9.": the last of the golden steps; its inputs gave the golden embeddings.
std::string last_step(const SafetensorsFile& golden) {
  return fmt::format("step{}.", extent(golden, "losses", 0) - 1);
}

// A spec with made-up columns, as many as the golden towers have.
features::EntitySpec spec_of(const SafetensorsFile& golden, const std::string& side) {
  const std::string tower = "final." + side + "_tower.";
  features::EntitySpec spec;
  for (std::size_t i = 0; i < extent(golden, tower + "numeric_embed.weight", 1); ++i) {
    spec.numeric.push_back({.column = fmt::format("n{}", i), .standardize = false});
  }
  if (const std::size_t codes = extent(golden, tower + "categorical_embed.weight", 0)) {
    features::CategoricalColumn column{.column = "c", .has_oov = false};
    for (std::size_t i = 0; i < codes; ++i) column.vocabulary.push_back(fmt::format("{:06}", i));
    spec.categorical.push_back(std::move(column));
  }
  if (golden.find(tower + "project_text.weight") != nullptr) {
    for (std::size_t i = 0; i < extent(golden, last_step(golden) + side + ".text_features", 1);
         ++i) {
      spec.text.push_back({fmt::format("t{}", i)});
    }
  }
  return spec;
}

EncodedTable last_inputs(const SafetensorsFile& golden, const features::EntitySpec& spec,
                         const std::string& side) {
  const std::string prefix = last_step(golden) + side + ".";
  EncodedTable table;
  table.rows = extent(golden, "eval." + side + "_embedding", 0);
  table.numeric = Matrix(table.rows, spec.numeric.size());
  if (!spec.numeric.empty()) {
    std::ranges::copy(*golden.floats(prefix + "numerical_features"), table.numeric.data());
  }
  for (std::size_t c = 0; c < spec.categorical.size(); ++c) {
    features::CodeLists lists;
    const std::vector<std::int64_t> codes = *golden.ints(prefix + "categorical_features");
    for (const std::int64_t code : codes) {
      lists.codes.push_back(static_cast<std::uint32_t>(code));
      lists.offsets.push_back(static_cast<std::uint32_t>(lists.codes.size()));
    }
    table.categorical.push_back(std::move(lists));
  }
  const std::size_t columns = spec.text.size();
  table.text.resize(columns);
  if (columns == 0) return table;
  table.text_vectors = Matrix(table.rows * columns, extent(golden, prefix + "text_features", 2));
  std::ranges::copy(*golden.floats(prefix + "text_features"), table.text_vectors.data());
  for (std::size_t i = 0; i < table.rows * columns; ++i) {
    table.text[i % columns].push_back(static_cast<std::int32_t>(i));
  }
  return table;
}

void expect_close(const Matrix& found, const std::vector<float>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  double largest = 0.0;
  double worst = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(expected[i])));
    worst = std::max(worst, std::abs(static_cast<double>(found.flat()[i]) - expected[i]));
  }
  EXPECT_LE(worst, 1e-5 * largest);
}

void check_file(const std::filesystem::path& path) {
  SCOPED_TRACE(path);
  auto golden = SafetensorsFile::open(path);
  ASSERT_TRUE(golden.ok()) << golden.error().message;
  features::Spec spec{.user = spec_of(*golden, "user"), .item = spec_of(*golden, "item")};
  if (!spec.user.text.empty() || !spec.item.text.empty()) {
    spec.text_identity = "golden";
    const std::string side = spec.item.text.empty() ? "user" : "item";
    spec.text_width = extent(*golden, last_step(*golden) + side + ".text_features", 2);
  }
  auto model = model::import_state_dict(spec, {.files = {path}});
  ASSERT_TRUE(model.ok()) << model.error().message;

  ThreadPool pool(2);
  const EncodedTable items = last_inputs(*golden, spec.item, "item");
  expect_close(embed(model->user, last_inputs(*golden, spec.user, "user"), {}, pool),
               *golden->floats("eval.user_embedding"));
  expect_close(embed(model->item, items, {}, pool), *golden->floats("eval.item_embedding"));

  std::vector<std::string> ids;
  for (std::size_t i = 0; i < items.rows; ++i) ids.push_back(std::to_string(i));
  model::Bundle bundle = make_bundle(spec, std::move(*model), items, IdIndex(), IdIndex(ids, true),
                                     std::vector<float>(items.rows, 1.0F), pool);
  testing::TemporaryFolder folder;
  ASSERT_TRUE(write_bundle(folder.path() / "bundle", bundle).ok());
  auto opened = model::open_bundle(folder.path() / "bundle");
  ASSERT_TRUE(opened.ok()) << opened.error().message;
  expect_close(opened->item_embeddings, *golden->floats("eval.item_embedding"));

  auto towers = SafetensorsFile::open(folder.path() / "bundle" / "towers.safetensors");
  ASSERT_TRUE(towers.ok());
  std::set<std::string> expected;
  for (const auto& [name, view] : golden->tensors()) {
    if (name.starts_with("final.")) expected.insert(name.substr(std::string("final.").size()));
  }
  std::set<std::string> found;
  for (const auto& [name, view] : towers->tensors()) {
    found.insert(name);
    const TensorView* reference = golden->find("final." + name);
    if (reference == nullptr) continue;
    EXPECT_EQ(view.shape, reference->shape) << name;
    if (view.dtype == DType::kI64) {
      EXPECT_EQ(*towers->ints(name), *golden->ints("final." + name)) << name;
    }
  }
  EXPECT_EQ(found, expected);
}

std::vector<std::filesystem::path> golden_files() {
  std::vector<std::filesystem::path> files;
  const auto folder = testing::parity_dir();
  if (!folder) return files;
  for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("two_tower_") && name.ends_with(".safetensors")) {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  return files;
}

TEST(ImportParity, EmbeddingsAndNamesOfTheReference) {
  const auto files = golden_files();
  if (files.empty()) GTEST_SKIP() << "no golden files: set TORII_SHARED_DIR or TORII_PARITY_DIR";
  for (const auto& file : files) check_file(file);
}

}  // namespace
}  // namespace torii

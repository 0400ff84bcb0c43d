#include "train/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "base/file.h"
#include "support/temporary_folder.h"
#include "train/toy_world.h"

namespace torii::train {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::make_toy;
using testing::Toy;
using testing::ToyOptions;
using torii::testing::TemporaryFolder;

// Ctrl-C after so many batches; remembers what it was told.
class Interrupting : public Reporter {
 public:
  explicit Interrupting(int batches = 1 << 30) : batches_(batches) {}
  [[nodiscard]] bool cancelled() const override { return ++asked_ >= batches_; }
  void note(std::string_view text) override { notes.emplace_back(text); }
  void warn(std::string_view text) override { warnings.emplace_back(text); }
  std::vector<std::string> notes, warnings;

 private:
  int batches_;
  mutable int asked_ = 0;
};

Json identity(int seed = 1) {
  Json settings = Json::object().set("train", Json::object().set("seed", seed));
  return Json::object().set("settings", std::move(settings)).set("data", "abc");
}

TrainOptions options_for(const std::string& loss) {
  TrainOptions options;
  options.loss = loss;
  options.epochs = 6;
  options.patience = 3;
  options.batch_size = 64;
  options.learning_rate = 0.01;
  options.weight_decay = 0.01;
  options.negatives = 20;
  options.id_dropout = 0.3;
  options.embedding_dropout = 0.2;
  options.seed = 1;
  return options;
}

model::ModelOptions model_for(const std::string& loss) {
  model::ModelOptions options;
  options.width = 16;
  options.metric = loss == "magnitude" ? "euclidean" : "cosine";
  options.batch_norm = loss == "magnitude";
  return options;
}

Result<TrainResult> run(const Toy& toy, const std::string& loss, Reporter& reporter,
                        Checkpoints* checkpoints) {
  ThreadPool pool(2);
  return train(toy.input(), model_for(loss), options_for(loss), pool, reporter, checkpoints);
}

Result<Checkpoints> open(const fs::path& folder, bool resume, Reporter& reporter,
                         double interval_s = 1e-9, int seed = 1) {
  return Checkpoints::open(folder, identity(seed), {.interval_s = interval_s, .resume = resume},
                           reporter);
}

std::string bytes(const TrainResult& result) {
  std::string all = fmt::format("best {};", result.best_epoch);
  for (const EpochRecord& record : result.history) {
    all += fmt::format("{} {};", record.epoch, record.loss);
    for (const auto& [name, value] : record.valid) all += fmt::format("{} {};", name, value);
  }
  for (const model::EntityTower* tower : {&result.model.user, &result.model.item}) {
    for (const model::Parameter& parameter : tower->parameters()) {
      all.append(reinterpret_cast<const char*>(parameter.value.data()),
                 parameter.value.size_bytes());
    }
  }
  return all;
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// A folder with a checkpoint of a training that was stopped after so many batches.
void stop_after(const Toy& toy, const std::string& loss, int batches, const fs::path& folder,
                bool resume = false) {
  Interrupting reporter(batches);
  auto checkpoints = open(folder, resume, reporter);
  ASSERT_TRUE(checkpoints.ok()) << checkpoints.error().message;
  const auto result = run(toy, loss, reporter, &*checkpoints);
  ASSERT_FALSE(result.ok());
  ASSERT_EQ(result.error().code, ErrorCode::kCancelled) << result.error().message;
  EXPECT_TRUE(checkpoints->kept());
}

TEST(Checkpoints, AStoppedTrainingEndsWithTheSameBytes) {
  for (const bool has_parts : {true, false}) {
    ToyOptions world;
    world.has_parts = has_parts;
    const Toy toy = make_toy(world);
    for (const std::string loss : {"softmax", "magnitude"}) {
      Reporter silent;
      const auto whole = run(toy, loss, silent, nullptr);
      ASSERT_TRUE(whole.ok()) << whole.error().message;
      // In the first epoch, at the end of one (15 or 19 batches), in the middle of a later one.
      for (const int batches : {1, 7, 15, 16, 19, 20, 41}) {
        const TemporaryFolder folder;
        stop_after(toy, loss, batches, folder.path() / "c");
        stop_after(toy, loss, 5, folder.path() / "c", true);
        Interrupting reporter;
        auto checkpoints = open(folder.path() / "c", true, reporter);
        ASSERT_TRUE(checkpoints.ok()) << checkpoints.error().message;
        const auto resumed = run(toy, loss, reporter, &*checkpoints);
        ASSERT_TRUE(resumed.ok()) << resumed.error().message;
        EXPECT_EQ(bytes(*whole), bytes(*resumed)) << loss << " " << batches;
        EXPECT_THAT(reporter.notes, Contains(HasSubstr("goes on in epoch")));
        checkpoints->remove();
        EXPECT_FALSE(fs::exists(folder.path() / "c"));
      }
    }
  }
}

TEST(Checkpoints, TwoAreKeptAndOthersFilesStay) {
  const Toy toy = make_toy();
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "c";
  fs::create_directory(path);
  std::ofstream(path / "notes.txt") << "mine";
  stop_after(toy, "softmax", 9, path);
  const auto names = names_in(path);
  ASSERT_EQ(names.size(), 3U);
  EXPECT_EQ(names.back(), "notes.txt");
  Interrupting reporter;
  auto checkpoints = open(path, true, reporter);
  ASSERT_TRUE(checkpoints.ok());
  checkpoints->remove();
  EXPECT_EQ(names_in(path), std::vector<std::string>{"notes.txt"});
}

TEST(Checkpoints, ADamagedOneGivesWayToTheOneBefore) {
  const Toy toy = make_toy();
  Reporter silent;
  const auto whole = run(toy, "softmax", silent, nullptr);
  ASSERT_TRUE(whole.ok());
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "c";
  // Two in any case: of two stops.
  stop_after(toy, "softmax", 9, path);
  stop_after(toy, "softmax", 9, path, true);
  const auto names = names_in(path);
  ASSERT_EQ(names.size(), 2U);
  const auto damage = [&](const std::string& name) {
    auto text = read_file(path / name);
    ASSERT_TRUE(text.ok());
    (*text)[text->size() - 100] = static_cast<char>((*text)[text->size() - 100] ^ 1);
    ASSERT_TRUE(write_file_durably(path / name, *text).ok());
  };
  damage(names[1]);
  {
    Interrupting reporter;
    auto checkpoints = open(path, true, reporter);
    ASSERT_TRUE(checkpoints.ok()) << checkpoints.error().message;
    EXPECT_THAT(reporter.warnings, Contains(HasSubstr(names[1])));
    const auto resumed = run(toy, "softmax", reporter, &*checkpoints);
    ASSERT_TRUE(resumed.ok()) << resumed.error().message;
    EXPECT_EQ(bytes(*whole), bytes(*resumed));
  }
  for (const std::string& name : names_in(path)) damage(name);
  Interrupting reporter;
  const auto none = open(path, true, reporter);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(none.error().message, HasSubstr("without --resume"));
}

TEST(Checkpoints, AnotherTrainingIsRefusedByWhatDiffers) {
  const Toy toy = make_toy();
  const TemporaryFolder folder;
  stop_after(toy, "softmax", 3, folder.path() / "c");
  Interrupting reporter;
  const auto other = open(folder.path() / "c", true, reporter, 30.0, 7);
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(other.error().message, HasSubstr("settings.train.seed was 1 and is 7"));
  EXPECT_THAT(other.error().message, HasSubstr("without --resume"));
}

TEST(Checkpoints, WithoutResumeAnOldOneIsToldOfAndReplaced) {
  const Toy toy = make_toy();
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "c";
  stop_after(toy, "softmax", 3, path);
  const auto before = names_in(path);
  Interrupting reporter(1);
  auto checkpoints = open(path, false, reporter, 30.0, 7);
  ASSERT_TRUE(checkpoints.ok()) << checkpoints.error().message;
  EXPECT_FALSE(checkpoints->kept());
  EXPECT_THAT(reporter.warnings, Contains(HasSubstr("add --resume")));
  EXPECT_EQ(names_in(path), before);
  ASSERT_FALSE(run(toy, "softmax", reporter, &*checkpoints).ok());
  EXPECT_TRUE(checkpoints->kept());
  ASSERT_EQ(names_in(path).size(), 1U);
  EXPECT_GT(names_in(path).front(), before.back());
}

TEST(Checkpoints, NothingToGoOnFromIsNoError) {
  const TemporaryFolder folder;
  Interrupting reporter;
  auto checkpoints = open(folder.path() / "c", true, reporter);
  ASSERT_TRUE(checkpoints.ok());
  EXPECT_FALSE(checkpoints->take_saved().has_value());
  EXPECT_THAT(reporter.notes, Contains(HasSubstr("from the beginning")));
  EXPECT_FALSE(fs::exists(folder.path() / "c"));
}

TEST(Checkpoints, AFileOfThatNameIsRefused) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "c") << "mine";
  Interrupting reporter;
  const auto checkpoints = open(folder.path() / "c", false, reporter);
  ASSERT_FALSE(checkpoints.ok());
  EXPECT_THAT(checkpoints.error().message, HasSubstr("no folder"));
}

// A full disk, in effect: the place cannot be written.
TEST(Checkpoints, WhatCannotBeWrittenDoesNotEndTheTraining) {
  const Toy toy = make_toy();
  const TemporaryFolder folder;
  Interrupting reporter;
  auto checkpoints = open(folder.path() / "none" / "c", false, reporter);
  ASSERT_TRUE(checkpoints.ok());
  std::ofstream(folder.path() / "none") << "a file where a folder is wanted";
  const auto result = run(toy, "softmax", reporter, &*checkpoints);
  ASSERT_TRUE(result.ok()) << result.error().message;
  ASSERT_EQ(reporter.warnings.size(), 1U);
  EXPECT_THAT(reporter.warnings.front(), HasSubstr("the training goes on"));
}

TEST(Checkpoints, AreDueByTheClockOrAtTheEndOfAnEpoch) {
  const TemporaryFolder folder;
  Interrupting reporter;
  const auto by_epoch = open(folder.path() / "c", false, reporter, 0.0);
  EXPECT_FALSE(by_epoch->due(false));
  EXPECT_TRUE(by_epoch->due(true));
  const auto seldom = open(folder.path() / "c", false, reporter, 1000.0);
  EXPECT_FALSE(seldom->due(false));
  EXPECT_FALSE(seldom->due(true));
  const auto often = open(folder.path() / "c", false, reporter, 1e-12);
  EXPECT_TRUE(often->due(false));
}

// A checkpoint with a sound seal and senseless contents: never past the gate, never a crash.
TEST(Checkpoints, SenselessStatesAreCorrupt) {
  const Toy toy = make_toy();
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "c";
  const std::vector<float> some(3, 1.0F);
  const StateTensor tensors[] = {{"user_tower.fn1.weight", some}};
  Json good = Json::object();
  Json words = Json::array();
  for (int i = 0; i < 4; ++i) words.push("00000000000000ff");
  good.set("epoch", 1).set("rows_done", 0).set("batches", 0).set("loss_sum", 0.0);
  good.set("random", words).set("user_steps", 0).set("item_steps", 0).set("epoch_seconds", 0.0);
  good.set("best_epoch", 0).set("best_value", 0.0).set("history", Json::array());
  std::vector<Json> states = {Json::object(), good};
  for (const auto& [key, value] : good.as_object()) {
    Json bad = good;
    states.push_back(bad.set(key, Json("senseless")));
    states.push_back(bad.set(key, Json(-1)));
    states.push_back(bad.set(key, Json(1000000)));
  }
  for (const Json& state : states) {
    Interrupting reporter;
    auto writer = open(path, false, reporter);
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE(writer->write(state, tensors).ok());
    auto checkpoints = open(path, true, reporter);
    ASSERT_TRUE(checkpoints.ok()) << checkpoints.error().message;
    const auto result = run(toy, "softmax", reporter, &*checkpoints);
    ASSERT_FALSE(result.ok()) << state.dump();
    EXPECT_EQ(result.error().code, ErrorCode::kCorrupt) << result.error().message;
  }
}

}  // namespace
}  // namespace torii::train

// The main job with what does not fit, is not there, is damaged or is stopped.
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "e2e/main_job.h"

namespace torii {
namespace {

using testing::file_text;
using testing::Finished;
using testing::MainJob;
using testing::run_program;
using testing::RunOptions;
using testing::write_text;

TEST_F(MainJob, EvaluateRefusesRowsItWasTrainedOn) {
  const Json all = answer({"train", "--data=shop", "--split=none", "--out=all.bundle"});
  ASSERT_TRUE(all.is_object());
  expect_error(torii({"evaluate", "--bundle=all.bundle", "--data=shop", "--split=loo", "--json"}),
               3, "check_failed");
}

TEST_F(MainJob, WhatTheBundleFixesCannotBeSet) {
  const std::vector<std::vector<std::string>> calls = {
      {"evaluate", "--split=loo"},
      {"candidates", "--out=no.parquet"},
      {"recommend", "--user=u01"},
      {"embed", "--out=no-vectors"},
  };
  const std::map<std::string, std::string> keys = {{"model.metric=dot", "model.metric"},
                                                   {"model={width: 8}", "model.width"},
                                                   {"train.epochs=2", "train.epochs"},
                                                   {"data.users.skip=[age]", "data.users.skip"},
                                                   {"data.items.text=[kind]", "data.items.text"}};
  for (std::vector<std::string> words : calls) {
    words.insert(words.end(), {"--bundle=shop.bundle", "--data=shop", "--json", "--set"});
    for (const auto& [assignment, key] : keys) {
      std::vector<std::string> call = words;
      call.push_back(assignment);
      const Finished finished = torii(call);
      expect_error(finished, 2, "invalid_argument");
      EXPECT_NE(finished.err.find(key + ": the bundle fixes it"), std::string::npos)
          << finished.err;
    }
  }
  // What a call has a use for stays free.
  answer({"evaluate", "--bundle=shop.bundle", "--data=shop", "--set", "train.seed=7", "--set",
          "evaluate.k=[\"5\"]"});
}

TEST_F(MainJob, AFileThatSaysOtherwiseIsWarnedOf) {
  const std::string data =
      "data:\n  users: {path: shop/users.csv}\n  items: {path: shop/items.csv}\n"
      "  interactions: {path: shop/interactions.csv}\n";
  write_text(*folder_ / "same.yaml", data + "model: {width: 16}\n");
  write_text(*folder_ / "other.yaml", data + "model: {width: 32, metric: dot}\n");
  const std::vector<std::string> words = {"recommend", "--bundle=shop.bundle", "--user=u01"};
  std::vector<std::string> same = words, other = words;
  same.emplace_back("--config=same.yaml");
  other.emplace_back("--config=other.yaml");
  const Finished quiet = torii(same), warned = torii(other);
  ASSERT_EQ(quiet.exit_code, 0) << quiet.err;
  ASSERT_EQ(warned.exit_code, 0) << warned.err;
  EXPECT_EQ(quiet.err.find("other values"), std::string::npos) << quiet.err;
  EXPECT_NE(warned.err.find("other values of model.width, model.metric"), std::string::npos)
      << warned.err;
  EXPECT_EQ(quiet.out, warned.out);
}

TEST_F(MainJob, MissingColumnsAreToldOf) {
  write_text(*folder_ / "poor/items.csv", "item_id,title,price,kind\ni00,A teapot,,rain\n");
  write_text(*folder_ / "poor/interactions.csv", file_text(*folder_ / "shop/interactions.csv"));
  const std::vector<std::vector<std::string>> calls = {
      {"evaluate", "--split=loo"},
      {"candidates", "--out=poor.parquet"},
      {"recommend", "--user=u01"},
      {"embed", "--out=poor-vectors"},
  };
  const std::map<std::string, int> expected = {
      {"users: columns of the bundle that are not in the data: age, city; they count as unknown",
       2},
      {"items: columns of the bundle that are empty in the data: price; they count as unknown", 1}};
  for (std::vector<std::string> words : calls) {
    words.insert(words.end(), {"--bundle=shop.bundle", "--data=poor", "--json"});
    const Finished finished = torii(words);
    ASSERT_EQ(finished.exit_code, 0) << finished.err;
    const auto document = Json::parse(finished.out, "stdout");
    ASSERT_TRUE(document.ok()) << finished.out;
    ASSERT_NE(document->find("findings"), nullptr) << finished.out;
    for (const auto& [finding, count] : expected) {
      EXPECT_NE(finished.err.find(finding), std::string::npos) << finished.err;
      EXPECT_EQ(document->find("findings")->int_at(finding), count) << finished.out;
    }
    // Nothing is said where nothing is missing.
    words[words.size() - 2] = "--data=shop";
    EXPECT_EQ(torii(words).err.find("columns of the bundle"), std::string::npos);
  }
}

TEST_F(MainJob, CorruptBundleIsNamedAndRefused) {
  namespace fs = std::filesystem;
  fs::copy(*folder_ / "shop.bundle", *folder_ / "torn.bundle");
  const std::string part = *folder_ / "torn.bundle/items.safetensors";
  std::string bytes = file_text(part);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write_text(part, bytes);
  expect_error(torii({"bundle", "verify", "torn.bundle", "--json"}), 2, "corrupt");
  expect_error(torii({"recommend", "--bundle=torn.bundle", "--data=shop", "--user=u01", "--json"}),
               2, "corrupt");
  EXPECT_EQ(answer({"bundle", "verify", "shop.bundle"}).bool_at("ok"), true);
  EXPECT_TRUE(answer({"bundle", "show", "shop.bundle"}).find("parts") != nullptr);
}

TEST_F(MainJob, BundleVerbsNameForeignFilesAndDamagedParts) {
  namespace fs = std::filesystem;
  fs::copy(*folder_ / "shop.bundle", *folder_ / "odd.bundle");
  EXPECT_EQ(torii({"bundle", "show", "odd.bundle"}).err, "");
  write_text(*folder_ / "odd.bundle/notes.txt", "mine\n");
  const Finished verified = torii({"bundle", "verify", "odd.bundle", "--json"});
  EXPECT_EQ(verified.exit_code, 0) << verified.err;
  EXPECT_NE(verified.err.find("notes.txt"), std::string::npos) << verified.err;
  const auto document = Json::parse(verified.out, "stdout");
  ASSERT_TRUE(document.ok());
  EXPECT_EQ(document->find("foreign")->as_array().size(), 1U);
  // It would be lost: said before the training.
  const Finished train = torii({"train", "--data=shop", "--out=odd.bundle", "--json"});
  expect_error(train, 2, "invalid_argument");
  EXPECT_EQ(train.err.find("interactions"), std::string::npos) << train.err;

  write_text(*folder_ / "odd.bundle/items.safetensors", "");
  expect_error(torii({"bundle", "verify", "odd.bundle", "--json"}), 2, "corrupt");
  const Finished shown = torii({"bundle", "show", "odd.bundle"});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_NE(shown.err.find("damaged: odd.bundle/items.safetensors"), std::string::npos);
}

TEST_F(MainJob, RecommendPrintsNothingThatATerminalObeys) {
  const Finished finished =
      torii({"recommend", "--bundle=shop.bundle", "--data=shop", "--user=\x1b[2Jnobody"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_EQ(finished.out.find('\x1b'), std::string::npos) << finished.out;
  EXPECT_NE(finished.out.find("user ␛[2Jnobody"), std::string::npos) << finished.out;
}

TEST_F(MainJob, MissingFilesAreNamed) {
  write_text(*folder_ / "empty/users.csv", "user_id\nu1\n");
  const Finished finished = torii({"train", "--data=empty", "--out=e.bundle", "--json"});
  expect_error(finished, 2, "not_found");
  EXPECT_NE(finished.err.find("interactions"), std::string::npos) << finished.err;
  EXPECT_FALSE(std::filesystem::exists(*folder_ / "e.bundle"));
}

TEST_F(MainJob, ASplitThatNobodyChoseDoesNotStopATinyDataSet) {
  write_text(*folder_ / "tiny/interactions.csv", "user_id,item_id\nu1,a\nu1,b\nu2,a\nu2,c\n");
  const Finished finished = torii({"train", "--data=tiny", "--out=tiny.bundle", "--json"});
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_NE(finished.err.find("too few rows for the split"), std::string::npos) << finished.err;
  const auto document = Json::parse(finished.out, "stdout");
  ASSERT_TRUE(document.ok());
  EXPECT_EQ(document->find("split")->string_at("spec"), "none");
  EXPECT_EQ(document->find("split")->int_at("train"), 4);
  // The bundle says so too: its rows are no rows to judge by.
  expect_error(torii({"evaluate", "--bundle=tiny.bundle", "--data=tiny", "--json"}), 2,
               "invalid_argument");
  for (const char* chosen :
       {"--split=random:0.8/0.1/0.1", "--set=evaluate.split=random:0.8/0.1/0.1"}) {
    expect_error(torii({"train", "--data=tiny", "--out=no.bundle", chosen, "--json"}), 2,
                 "invalid_argument");
  }
}

TEST_F(MainJob, InterruptEndsWithoutABundle) {
  RunOptions options;
  options.interrupt = [](const std::string& err) { return err.find("epoch") != std::string::npos; };
  write_text(*folder_ / "long.yaml",
             "data:\n  interactions: {path: shop/interactions.csv}\n"
             "train: {epochs: 10000, patience: 0}\n");
  std::vector<std::string> words = {
      TORII_PROGRAM, "train", "--config=long.yaml", "--split=loo", "--out=never.bundle", "--json"};
  options.folder = folder_->path();
  const Finished stopped = run_program(words, options);
  expect_error(stopped, 1, "cancelled");
  EXPECT_FALSE(std::filesystem::exists(*folder_ / "never.bundle"));
}

// Ctrl-C, and the command that the message says: the bundle of an uninterrupted run, byte for byte.
TEST_F(MainJob, AnInterruptedTrainingIsGoneOnWith) {
  write_text(*folder_ / "stopped.yaml",
             "data:\n  interactions: {path: shop/interactions.csv}\n"
             "  users: {path: shop/users.csv}\n"
             "train: {epochs: 300, patience: 0}\n");
  RunOptions options;
  options.folder = folder_->path();
  const auto words = [](const std::string& out) {
    return std::vector<std::string>{TORII_PROGRAM, "train",        "--config=stopped.yaml",
                                    "--split=loo", "--out=" + out, "--json"};
  };
  ASSERT_EQ(run_program(words("whole.bundle"), options).exit_code, 0);
  options.interrupt = [](const std::string& err) {
    return err.find("epoch 3:") != std::string::npos;
  };
  expect_error(run_program(words("stopped.bundle"), options), 1, "cancelled");
  EXPECT_TRUE(std::filesystem::exists(*folder_ / "stopped.bundle.checkpoint"));
  const Finished again = run_program(words("stopped.bundle"), options);  // without --resume: told
  const std::string told = "; nothing is lost, go on with: ";
  const std::size_t at = again.err.rfind(told);
  ASSERT_NE(at, std::string::npos) << again.err;
  EXPECT_NE(again.err.find("warning: stopped.bundle.checkpoint: a training that did not end"),
            std::string::npos)
      << again.err;
  std::string line = again.err.substr(at + told.size());
  line = line.substr(0, line.find('\n'));
  options.interrupt = {};
  const Finished resumed = run_program({"/bin/sh", "-c", line}, options);
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_NE(resumed.err.find("goes on in epoch"), std::string::npos) << resumed.err;
  for (const char* part : {"bundle.json", "towers.safetensors", "items.safetensors"}) {
    EXPECT_EQ(file_text(*folder_ / "whole.bundle/" + part),
              file_text(*folder_ / "stopped.bundle/" + part))
        << part;
  }
  EXPECT_FALSE(std::filesystem::exists(*folder_ / "stopped.bundle.checkpoint"));
}

}  // namespace
}  // namespace torii

#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "support/process.h"

/// A small shop as files, a bundle trained on it by the program, and calls of the program beside
/// it.
namespace torii::testing {

inline constexpr int kUsers = 60;
inline constexpr int kItems = 40;

// Two kinds of people and two kinds of things: who is even likes what is even.
inline void write_shop(const std::filesystem::path& folder) {
  std::string users = "user_id,age,city\n";
  for (int u = 0; u < kUsers; ++u) {
    users += fmt::format("u{:02},{},{}\n", u, 20 + u % 40, u % 2 == 0 ? "Kyoto" : "Nara");
  }
  write_text(folder / "users.csv", users);
  std::string items = "item_id,title,price,kind\n";
  for (int i = 0; i < kItems; ++i) {
    items += fmt::format("i{:02},The {} number {} for every day,{}.5,{}\n", i,
                         i % 2 == 0 ? "teapot" : "umbrella", i, i, i % 2 == 0 ? "kitchen" : "rain");
  }
  write_text(folder / "items.csv", items);
  std::string rows = "user_id,item_id,timestamp\n";
  for (int u = 0; u < kUsers; ++u) {
    for (int n = 0; n < 9; ++n) {
      const int item = (2 * (u * 7 + n * 3) + u % 2) % kItems;
      rows += fmt::format("u{:02},i{:02},{}\n", u, item, 1700000000 + u * 100 + n);
    }
  }
  write_text(folder / "interactions.csv", rows);
}

// One shop and one trained bundle for all tests that only read them.
class MainJob : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TempFolder>();
    write_shop(folder_->path() / "shop");
    trained_ = std::make_unique<Finished>(
        torii({"train", "--data=shop", "--split=loo", "--out=shop.bundle", "--json"}));
  }
  static void TearDownTestSuite() {
    trained_.reset();
    folder_.reset();
  }
  static Finished torii(std::vector<std::string> words, RunOptions options = {}) {
    words.insert(words.begin(), TORII_PROGRAM);
    if (words[1] == "train") {
      words.insert(words.end(), {"--set", "train.epochs=4", "--set", "model.width=16"});
    }
    options.folder = folder_->path();
    options.environment.emplace_back("XDG_CACHE_HOME", (*folder_ / "cache"));
    return run_program(words, options);
  }
  // Runs with --json, expects success, and returns the document.
  static Json answer(std::vector<std::string> words) {
    words.emplace_back("--json");
    const Finished finished = torii(words);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    auto document = Json::parse(finished.out, "stdout");
    EXPECT_TRUE(document.ok()) << finished.out;
    return document.ok() ? *document : Json();
  }
  static void expect_error(const Finished& finished, int exit_code, const std::string& code) {
    EXPECT_EQ(finished.exit_code, exit_code) << finished.err;
    const auto document = Json::parse(finished.out, "stdout");
    ASSERT_TRUE(document.ok()) << finished.out;
    ASSERT_NE(document->find("error"), nullptr) << finished.out;
    EXPECT_EQ(document->find("error")->string_at("code"), code) << finished.out;
  }
  static inline std::unique_ptr<TempFolder> folder_;
  static inline std::unique_ptr<Finished> trained_;
};

}  // namespace torii::testing

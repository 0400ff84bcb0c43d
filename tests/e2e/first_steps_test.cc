#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/random.h"
#include "support/process.h"

namespace torii::testing {
namespace {

// A shop whose tables are called and written as no manual says: semicolons, other names.
void write_shop(const TempFolder& folder, double loyalty) {
  Random random(5);
  std::string events = "ts;visitorid;event;sku;split_ours\n";
  for (int user = 0; user < 250; ++user) {
    for (int i = 0; i < 12; ++i) {
      const std::uint64_t item = random.uniform() < loyalty
                                     ? static_cast<std::uint64_t>(user % 4) * 15 + random.below(15)
                                     : random.below(60);
      const char* event = i % 6 == 5 ? "return" : "purchase";
      events += std::to_string(1'600'000'000 + (i * 250 + user) * 3600) + ";v" +
                std::to_string(user) + ";" + event + ";0" + std::to_string(item) + ";" +
                (i < 10    ? "train"
                 : i == 10 ? "valid"
                           : "test") +
                "\n";
    }
  }
  write_text(folder / "shop/export_2024.csv", events);
  std::string catalogue = "sku;price;department;cold\n";
  for (int item = 0; item < 60; ++item) {
    catalogue += "0" + std::to_string(item) + ";" + std::to_string(random.below(90)) + ".5;d" +
                 std::to_string(item / 15) + ";" + (item % 9 == 0 ? "true" : "false") + "\n";
  }
  write_text(folder / "shop/catalogue.csv", catalogue);
  write_text(folder / "shop/readme.txt", "not a table\n");
}

class FirstSteps : public ::testing::Test {
 protected:
  [[nodiscard]] Finished torii(std::vector<std::string> words) const {
    words.insert(words.begin(), TORII_PROGRAM);
    return run_program(words, {.folder = folder_.path()});
  }
  TempFolder folder_;
};

// The commands that init prints, as words, without "torii" and comments.
std::vector<std::vector<std::string>> hints_of(const std::string& out) {
  std::vector<std::vector<std::string>> hints;
  std::istringstream lines(out.substr(out.find("Next:")));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::vector<std::string> hint;
    for (std::string word; words >> word;) hint.push_back(word);
    if (hint.size() < 2 || hint.front() != "torii") continue;
    hints.emplace_back(hint.begin() + 1, hint.end());
  }
  return hints;
}

TEST_F(FirstSteps, InitAndItsHintsLeadFromForeignTablesToCandidates) {
  write_shop(folder_, 0.8);
  const Finished init = torii({"init", "--data=shop", "--quiet"});
  ASSERT_EQ(init.exit_code, 0) << init.err;
  const std::string yaml = file_text(folder_ / "torii.yaml");
  for (const char* line :
       {"user_id: visitorid", "item_id: sku", "timestamp: ts", "type: event",
        "negative_types: [\"return\"]", "path: shop/export_2024.csv", "split: time:0.8/0.1/0.1",
        "or split: column:split_ours", "- cold  # a mark of an experiment", "- department  #"}) {
    EXPECT_NE(yaml.find(line), std::string::npos) << line << "\nin\n" << yaml;
  }
  const Finished check = torii({"config", "--check", "--config=torii.yaml"});
  EXPECT_EQ(check.exit_code, 0) << check.err;
  const auto hints = hints_of(init.out);
  ASSERT_GE(hints.size(), 4U) << init.out;
  for (std::vector<std::string> hint : hints) {
    hint.emplace_back("--cache=none");
    const Finished done = torii(hint);
    EXPECT_EQ(done.exit_code, 0) << hint.front() << "\n" << done.out << done.err;
  }
  EXPECT_TRUE(std::filesystem::exists(folder_ / "candidates.parquet"));
}

TEST_F(FirstSteps, InitReplacesNothingUnlessForced) {
  write_shop(folder_, 0.8);
  write_text(folder_ / "torii.yaml", "train: {epochs: 3}\n");
  const Finished refused = torii({"init", "--data=shop"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_EQ(file_text(folder_ / "torii.yaml"), "train: {epochs: 3}\n");
  EXPECT_EQ(torii({"init", "--data=shop", "--force", "--quiet"}).exit_code, 0);
  EXPECT_NE(file_text(folder_ / "torii.yaml").find("visitorid"), std::string::npos);
}

TEST_F(FirstSteps, DoctorSaysNoToDataWithoutPreferences) {
  write_shop(folder_, 0.0);
  ASSERT_EQ(torii({"init", "--data=shop", "--quiet"}).exit_code, 0);
  const Finished found = torii({"doctor", "--config=torii.yaml", "--json", "--quiet",
                                "--no-forecast", "--split=random:0.4/0.3/0.3"});
  EXPECT_EQ(found.exit_code, 3) << found.err;
  const auto document = Json::parse(found.out, "stdout", Json::DuplicateKeys::kRefuse);
  ASSERT_TRUE(document.ok()) << found.out;
  EXPECT_EQ(document->int_at("fatal"), 1);
  ASSERT_NE(document->find("error"), nullptr);
  EXPECT_EQ(document->find("error")->string_at("code"), "check_failed");
  bool none = false;
  for (const Json& finding : document->find("findings")->as_array()) {
    none = none || finding.string_at("check") == "signal.none";
  }
  EXPECT_TRUE(none) << found.out;
}

TEST_F(FirstSteps, DoctorForecastsATraining) {
  write_shop(folder_, 0.8);
  ASSERT_EQ(torii({"init", "--data=shop", "--quiet"}).exit_code, 0);
  const Finished found =
      torii({"doctor", "--config=torii.yaml", "--json", "--quiet", "--set", "train.epochs=7"});
  ASSERT_EQ(found.exit_code, 0) << found.err;
  const auto document = Json::parse(found.out, "stdout");
  ASSERT_TRUE(document.ok()) << found.out;
  const Json* forecast = document->find("forecast");
  ASSERT_TRUE(forecast != nullptr && forecast->is_object()) << found.out;
  EXPECT_GT(*forecast->int_at("memory_bytes"), 10'000'000);
  EXPECT_EQ(forecast->find("train_seconds")->int_at("epochs_max"), 7);
  EXPECT_GT(*forecast->find("train_seconds")->number_at("total_max"), 0.0);
}

}  // namespace
}  // namespace torii::testing

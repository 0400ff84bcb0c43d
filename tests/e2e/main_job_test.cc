#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "data/table.h"
#include "support/process.h"

namespace torii {
namespace {

using testing::file_text;
using testing::Finished;
using testing::run_program;
using testing::RunOptions;
using testing::TempFolder;
using testing::write_text;

constexpr int kUsers = 60;
constexpr int kItems = 40;

// Two kinds of people and two kinds of things: who is even likes what is even.
void write_shop(const std::filesystem::path& folder) {
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
  static std::unique_ptr<TempFolder> folder_;
  static std::unique_ptr<Finished> trained_;
};
std::unique_ptr<TempFolder> MainJob::folder_;
std::unique_ptr<Finished> MainJob::trained_;

TEST_F(MainJob, TrainTellsWhatItDid) {
  ASSERT_EQ(trained_->exit_code, 0) << trained_->err;
  const auto document = Json::parse(trained_->out, "stdout");
  ASSERT_TRUE(document.ok()) << trained_->out;
  EXPECT_EQ(document->string_at("bundle"), "shop.bundle");
  EXPECT_EQ(document->int_at("users"), kUsers);
  EXPECT_EQ(document->int_at("items"), kItems);
  EXPECT_EQ(document->find("split")->int_at("test"), kUsers);
  EXPECT_FALSE(document->find("epochs")->as_array().empty());
  EXPECT_EQ(document->find("plan")->find("items")->as_array().size(), 3U);
  // The plan is shown to people as YAML that can be pasted.
  EXPECT_NE(trained_->err.find("categorical:"), std::string::npos) << trained_->err;
}

TEST_F(MainJob, BundleKeepsTheLearningCurve) {
  const Json manifest = answer({"bundle", "show", "shop.bundle"});
  const auto trained = Json::parse(trained_->out, "stdout");
  const Json* sealed = manifest.find("evaluation")->find("epochs");
  ASSERT_NE(sealed, nullptr);
  const auto& told = trained->find("epochs")->as_array();
  ASSERT_EQ(sealed->as_array().size(), told.size());
  for (std::size_t i = 0; i < told.size(); ++i) {
    const Json& epoch = sealed->as_array()[i];
    EXPECT_EQ(epoch.int_at("epoch"), told[i].int_at("epoch"));
    EXPECT_EQ(epoch.number_at("loss"), told[i].number_at("loss"));
    EXPECT_EQ(epoch.find("valid")->number_at("ndcg@10"),
              told[i].find("valid")->number_at("ndcg@10"));
    EXPECT_EQ(epoch.find("seconds"), nullptr) << "two runs must give the same bytes";
  }
}

TEST_F(MainJob, EvaluateMeasuresBundleAndBaselines) {
  const Json document =
      answer({"evaluate", "--bundle=shop.bundle", "--data=shop", "--split=loo", "--k=5,10"});
  ASSERT_EQ(document.int_at("users"), kUsers);
  EXPECT_EQ(document.int_at("items"), kItems);
  for (const char* name : {"hit@5", "recall@10", "ndcg@10", "ndcg_all@10", "mrr@10", "map@10"}) {
    const auto value = document.find("metrics")->number_at(name);
    ASSERT_TRUE(value.has_value()) << name;
    EXPECT_GE(*value, 0.0);
    EXPECT_LE(*value, 1.0);
  }
  EXPECT_NE(document.find("intervals")->find("ndcg@10"), nullptr);
  for (const char* name : {"popularity", "item-knn"}) {
    ASSERT_NE(document.find("baselines")->find(name), nullptr);
    EXPECT_TRUE(document.find("baselines")->find(name)->number_at("ndcg@10").has_value());
  }
  const Json baseline =
      answer({"evaluate", "--baseline=item-knn", "--data=shop", "--split=loo", "--k=10"});
  EXPECT_EQ(baseline.find("metrics")->number_at("ndcg@10"),
            document.find("baselines")->find("item-knn")->number_at("ndcg@10"));
}

TEST_F(MainJob, EvaluateRefusesRowsItWasTrainedOn) {
  const Json all = answer({"train", "--data=shop", "--split=none", "--out=all.bundle"});
  ASSERT_TRUE(all.is_object());
  expect_error(torii({"evaluate", "--bundle=all.bundle", "--data=shop", "--split=loo", "--json"}),
               3, "check_failed");
}

TEST_F(MainJob, CandidatesHoldNothingThatWasSeen) {
  const Json document =
      answer({"candidates", "--bundle=shop.bundle", "--data=shop", "--k=7", "--out=c.parquet"});
  EXPECT_EQ(document.int_at("users"), kUsers);
  const auto table = data::read_table(*folder_ / "c.parquet");
  ASSERT_TRUE(table.ok()) << table.error().message;
  ASSERT_EQ(table->rows(), std::size_t{kUsers});
  const auto rows = data::read_table(*folder_ / "shop/interactions.csv");
  ASSERT_TRUE(rows.ok());
  std::set<std::pair<std::string, std::string>> seen;
  for (std::size_t r = 0; r < rows->rows(); ++r) {
    seen.emplace(rows->find("user_id")->text_at(r), rows->find("item_id")->text_at(r));
  }
  const data::StringLists& items = table->find("item_ids")->string_lists();
  const data::FloatLists& scores = table->find("scores")->float_lists();
  for (std::size_t u = 0; u < table->rows(); ++u) {
    ASSERT_EQ(items.offsets[u + 1] - items.offsets[u], 7U);
    for (std::uint64_t e = items.offsets[u]; e < items.offsets[u + 1]; ++e) {
      const std::string user = table->find("user_id")->text_at(u);
      EXPECT_FALSE(seen.contains({user, std::string(items.values[e])}));
      if (e > items.offsets[u]) {
        EXPECT_LE(scores.values[e], scores.values[e - 1]);
      }
    }
  }
}

TEST_F(MainJob, ShardsTogetherAreTheWhole) {
  answer({"candidates", "--bundle=shop.bundle", "--data=shop", "--k=5", "--out=whole.parquet"});
  const auto whole = data::read_table(*folder_ / "whole.parquet");
  ASSERT_TRUE(whole.ok());
  std::size_t row = 0;
  for (int shard = 1; shard <= 3; ++shard) {
    answer({"candidates", "--bundle=shop.bundle", "--data=shop", "--k=5", "--out=part.parquet",
            fmt::format("--shard={}/3", shard)});
    const auto part = data::read_table(*folder_ / "part.parquet");
    ASSERT_TRUE(part.ok());
    for (std::size_t r = 0; r < part->rows(); ++r, ++row) {
      EXPECT_EQ(part->find("user_id")->text_at(r), whole->find("user_id")->text_at(row));
      EXPECT_EQ(part->find("item_ids")->string_lists().values[r * 5],
                whole->find("item_ids")->string_lists().values[row * 5]);
    }
  }
  EXPECT_EQ(row, whole->rows());
}

TEST_F(MainJob, RecommendShowsTitlesAndEqualsCandidates) {
  const Json document =
      answer({"recommend", "--bundle=shop.bundle", "--data=shop", "--user=u08", "--k=5"});
  ASSERT_EQ(document.bool_at("known"), true);
  EXPECT_EQ(document.string_at("source"), "live");
  const auto& items = document.find("items")->as_array();
  ASSERT_EQ(items.size(), 5U);
  EXPECT_TRUE(items[0].string_at("title")->starts_with("The "));
  answer({"candidates", "--bundle=shop.bundle", "--data=shop", "--k=5", "--out=r.parquet"});
  const auto table = data::read_table(*folder_ / "r.parquet");
  ASSERT_TRUE(table.ok());
  for (std::size_t e = 0; e < 5; ++e) {  // u08 is the ninth
    EXPECT_EQ(items[e].string_at("item_id"),
              std::string(table->find("item_ids")->string_lists().values[8 * 5 + e]));
  }
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

TEST_F(MainJob, ReportIsOnePageWithoutUserIds) {
  const std::vector<std::string> call = {"evaluate", "--bundle=shop.bundle", "--data=shop",
                                         "--report=report.html"};
  EXPECT_EQ(answer(call).string_at("report"), "report.html");
  const std::string page = file_text(*folder_ / "report.html");
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>")) << page.substr(0, 80);
  EXPECT_TRUE(page.ends_with("</html>\n"));
  EXPECT_NE(page.find("The teapot number"), std::string::npos);
  EXPECT_NE(page.find("Of 4 epochs"), std::string::npos) << "the learning curve of the bundle";
  EXPECT_NE(page.find("<code>train.epochs</code>"), std::string::npos) << "a changed key";
  EXPECT_EQ(page.find(*folder_ / "shop"), std::string::npos) << "no folders of this machine";
  for (int u = 0; u < kUsers; ++u) {
    EXPECT_EQ(page.find(fmt::format("u{:02}<", u)), std::string::npos) << u;
  }
  std::vector<std::string> with_ids = call;
  with_ids.emplace_back("--report-ids");
  answer(with_ids);
  EXPECT_NE(file_text(*folder_ / "report.html").find("Person u"), std::string::npos);
  // A baseline has one too.
  answer({"evaluate", "--baseline=item-knn", "--data=shop", "--split=loo", "--report=knn.html"});
  EXPECT_NE(file_text(*folder_ / "knn.html").find("A baseline has no embeddings"),
            std::string::npos);
  // Said before the work.
  expect_error(torii({"evaluate", "--bundle=shop.bundle", "--data=shop", "--report-ids", "--json"}),
               2, "invalid_argument");
  expect_error(
      torii({"evaluate", "--bundle=shop.bundle", "--data=shop", "--report=shop", "--json"}), 2,
      "invalid_argument");
  expect_error(
      torii({"evaluate", "--bundle=shop.bundle", "--data=shop", "--report=no/r.html", "--json"}), 2,
      "not_found");
}

TEST_F(MainJob, UnknownUserGetsAnAnswerAndAReason) {
  const Json document =
      answer({"recommend", "--bundle=shop.bundle", "--data=shop", "--user=nobody ☃", "--k=3"});
  ASSERT_EQ(document.string_at("user"), "nobody ☃");
  EXPECT_EQ(document.bool_at("known"), false);
  EXPECT_EQ(document.string_at("source"), "fallback");
  EXPECT_FALSE(document.string_at("reason").value_or("").empty());
  EXPECT_EQ(document.find("items")->as_array().size(), 3U);
}

TEST_F(MainJob, EmbedWritesBothSidesAndTheirMetric) {
  answer({"train", "--data=shop", "--out=far.bundle", "--set", "model.metric=euclidean"});
  const Json document = answer({"embed", "--bundle=far.bundle", "--data=shop", "--out=vectors"});
  EXPECT_EQ(document.string_at("metric"), "euclidean");
  const std::map<std::string, std::size_t> expected = {{"user", kUsers}, {"item", kItems}};
  for (const auto& [side, count] : expected) {
    const auto table = data::read_table(*folder_ / ("vectors/" + side + "_embeddings.parquet"));
    ASSERT_TRUE(table.ok()) << table.error().message;
    ASSERT_EQ(table->rows(), count);
    EXPECT_EQ(table->columns()[0].name, side + "_id");
    EXPECT_EQ(table->columns()[1].name, "embedding");
    EXPECT_EQ(table->columns()[1].float_lists().values.size(), count * 16);
  }
}

TEST_F(MainJob, ImportedWeightsGiveTheSameEmbeddings) {
  answer({"train", "--data=shop", "--preset=article", "--out=article.bundle"});
  const Json imported =
      answer({"bundle", "import", "--data=shop", "--set", "model.width=16",
              "--state-dict=article.bundle/towers.safetensors", "--out=imported.bundle"});
  EXPECT_EQ(imported.string_at("metric"), "euclidean");
  answer({"embed", "--bundle=article.bundle", "--data=shop", "--out=ours"});
  answer({"embed", "--bundle=imported.bundle", "--data=shop", "--out=theirs"});
  for (const char* side : {"user", "item"}) {
    const std::string name = fmt::format("{}_embeddings.parquet", side);
    const std::string ours = file_text(*folder_ / ("ours/" + name));
    EXPECT_FALSE(ours.empty());
    EXPECT_EQ(ours, file_text(*folder_ / ("theirs/" + name)));
  }
  // The metric goes with the weights.
  expect_error(
      torii({"bundle", "import", "--data=shop", "--json", "--out=no.bundle",
             "--state-dict=article.bundle/towers.safetensors", "--set", "model.metric=cosine"}),
      2, "invalid_argument");
  EXPECT_FALSE(std::filesystem::exists(*folder_ / "no.bundle"));
  // Weights for other columns than those of the data are refused, with the columns named.
  write_text(*folder_ / "fewer/items.csv", "item_id,price,kind\ni00,1.5,rain\ni01,2.5,sun\n");
  write_text(*folder_ / "fewer/interactions.csv", "user_id,item_id\nu00,i00\nu01,i01\n");
  expect_error(torii({"bundle", "import", "--data=fewer", "--json", "--out=no.bundle",
                      "--state-dict=article.bundle/towers.safetensors"}),
               2, "invalid_argument");
}

TEST_F(MainJob, SameSeedGivesTheSameBytes) {
  for (const char* call : {"--out=once.bundle", "--out=again.bundle"}) {
    answer({"train", "--data=shop", "--split=loo", "--seed=7", "--threads=2", call});
  }
  answer({"train", "--data=shop", "--split=loo", "--seed=8", "--threads=2", "--out=other.bundle"});
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(*folder_ / "once.bundle")) {
    const std::string name = entry.path().filename().string();
    EXPECT_EQ(file_text(entry.path()), file_text(*folder_ / ("again.bundle/" + name))) << name;
    ++files;
  }
  EXPECT_GE(files, 3U);
  EXPECT_NE(file_text(*folder_ / "once.bundle/towers.safetensors"),
            file_text(*folder_ / "other.bundle/towers.safetensors"));
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

TEST_F(MainJob, EveryVerbTakesAConfiguration) {
  write_text(*folder_ / "small.yaml", "train: {epochs: 3}\n");
  for (const std::vector<std::string>& verb :
       std::vector<std::vector<std::string>>{{"version"},
                                             {"--version"},
                                             {"bundle", "show", "shop.bundle"},
                                             {"bundle", "verify", "shop.bundle"}}) {
    std::vector<std::string> words = verb;
    words.insert(words.end(), {"--config=small.yaml", "--set", "train.width=1"});
    EXPECT_EQ(torii(words).exit_code, 2) << verb.back();
    words.back() = "train.epochs=5";
    EXPECT_TRUE(answer(words).is_object());
  }
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

TEST_F(MainJob, NothingButTheDocumentOnStdout) {
  const Finished finished = torii(
      {"recommend", "--bundle=shop.bundle", "--data=shop", "--user=u01", "--json", "--quiet"});
  EXPECT_EQ(finished.err, "");
  EXPECT_TRUE(Json::parse(finished.out, "stdout").ok());
  const Finished people = torii({"recommend", "--bundle=shop.bundle", "--data=shop", "--user=u01"});
  EXPECT_EQ(people.out.find('\x1b'), std::string::npos) << "no colours without a terminal";
  EXPECT_NE(people.out.find("The "), std::string::npos);
}

}  // namespace
}  // namespace torii

// Splits, segments, comparisons and refits as people call them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "support/process.h"

namespace torii {
namespace {

using testing::Finished;
using testing::run_program;
using testing::RunOptions;
using testing::TempFolder;
using testing::write_text;

constexpr int kUsers = 120;
constexpr int kItems = 40;

// Two kinds of people and two kinds of things: who is even likes what is even.
void write_shop(const std::filesystem::path& folder) {
  std::string users = "user_id,age,city\n";
  for (int u = 0; u < kUsers; ++u) {
    users += fmt::format("u{:03},{},{}\n", u, 20 + u % 40, u % 2 == 0 ? "Kyoto" : "Nara");
  }
  write_text(folder / "users.csv", users);
  std::string items = "item_id,price,kind\n";
  for (int i = 0; i < kItems; ++i) {
    items += fmt::format("i{:02},{}.5,{}\n", i, i, i % 2 == 0 ? "kitchen" : "rain");
  }
  write_text(folder / "items.csv", items);
  std::string rows = "user_id,item_id,timestamp,interaction_type\n";
  for (int u = 0; u < kUsers; ++u) {
    for (int n = 0; n < 9; ++n) {
      const int item = (2 * (u * 7 + n * 3) + u % 2) % kItems;
      rows += fmt::format("u{:03},i{:02},{},{}\n", u, item, 1700000000 + u * 100 + n,
                          n % 2 == 0 ? "purchase" : "view");
    }
  }
  write_text(folder / "interactions.csv", rows);
}

class Evaluation : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TempFolder>();
    write_shop(folder_->path() / "shop");
    train("shop.bundle", "loo", "6");
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static Finished torii(std::vector<std::string> words) {
    words.insert(words.begin(), TORII_PROGRAM);
    RunOptions options;
    options.folder = folder_->path();
    return run_program(words, options);
  }
  static void train(const std::string& out, const std::string& split, const std::string& epochs) {
    const Finished finished = torii({"train", "--data=shop", "--split=" + split, "--out=" + out,
                                     "--set", "model.width=16", "--set", "train.epochs=" + epochs});
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
  }
  static Json answer(std::vector<std::string> words) {
    words.emplace_back("--json");
    const Finished finished = torii(words);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    auto document = Json::parse(finished.out, "stdout");
    EXPECT_TRUE(document.ok()) << finished.out;
    return document.ok() ? *document : Json::object();
  }
  static void expect_refused(const std::vector<std::string>& words, int exit_code,
                             const std::string& part) {
    const Finished finished = torii(words);
    EXPECT_EQ(finished.exit_code, exit_code) << finished.err;
    EXPECT_NE(finished.err.find(part), std::string::npos) << finished.err;
  }

  static std::unique_ptr<TempFolder> folder_;
};
std::unique_ptr<TempFolder> Evaluation::folder_;

TEST_F(Evaluation, SegmentsDivideTheResult) {
  const Json document = answer({"evaluate", "--bundle=shop.bundle", "--data=shop",
                                "--segments=users.city,items.kind,users.age,interactions.type"});
  const Json* city = document.find("segments")->find("users.city");
  ASSERT_NE(city, nullptr);
  ASSERT_EQ(city->find("groups")->as_array().size(), 2U);
  EXPECT_EQ(city->find("groups")->as_array()[0].int_at("users"), kUsers / 2);
  for (const char* name : {"items.kind", "users.age", "interactions.type"}) {
    const Json* segment = document.find("segments")->find(name);
    ASSERT_NE(segment, nullptr) << name;
    EXPECT_FALSE(segment->find("groups")->as_array().empty()) << name;
  }
  const Finished told =
      torii({"evaluate", "--bundle=shop.bundle", "--data=shop", "--segments=users.city"});
  EXPECT_NE(told.out.find("Kyoto"), std::string::npos) << told.out;
  EXPECT_NE(told.out.find("coverage"), std::string::npos) << told.out;
  expect_refused({"evaluate", "--bundle=shop.bundle", "--data=shop", "--segments=users.ctiy"}, 2,
                 "did you mean 'city'");
}

TEST_F(Evaluation, TwoBundlesAreComparedUserByUser) {
  train("hasty.bundle", "loo", "1");
  const Json document =
      answer({"evaluate", "--bundle=shop.bundle", "--against=hasty.bundle", "--data=shop"});
  const Json* comparison = document.find("comparison")->find("hasty.bundle");
  ASSERT_NE(comparison, nullptr);
  EXPECT_EQ(comparison->int_at("users"), kUsers);
  const Json* ndcg = comparison->find("metrics")->find("ndcg@10");
  ASSERT_NE(ndcg, nullptr);
  EXPECT_EQ(ndcg->number_at("ours"), document.find("metrics")->number_at("ndcg@10"));
  EXPECT_TRUE(ndcg->string_at("verdict").has_value());
  EXPECT_NE(document.find("comparison")->find("popularity"), nullptr);
  EXPECT_TRUE(document.find("against")->string_at("hasty.bundle").has_value());
  // The other way round it is the same difference.
  const Json back =
      answer({"evaluate", "--bundle=hasty.bundle", "--against=shop.bundle", "--data=shop"});
  EXPECT_EQ(back.find("comparison")
                ->find("shop.bundle")
                ->find("metrics")
                ->find("ndcg@10")
                ->number_at("difference"),
            -*ndcg->number_at("difference"));
  expect_refused({"evaluate", "--bundle=shop.bundle", "--against=shop.bundle", "--data=shop"}, 2,
                 "takes part already");
  expect_refused({"evaluate", "--bundle=shop.bundle", "--against=none.bundle", "--data=shop"}, 2,
                 "no bundle there");
}

TEST_F(Evaluation, ABundleOfOtherDataTakesPartAsLongAsItHasNotSeenTheRows) {
  // The same ids, each with one row that the shop's split does not judge by.
  write_text(folder_->path() / "other" / "interactions.csv",
             "user_id,item_id\nu000,i00\nx1,y1\nx1,y2\nx2,y1\nx2,y3\nx3,y2\n");
  const Finished trained = torii({"train", "--data=other", "--split=none", "--out=other.bundle",
                                  "--set", "train.epochs=1", "--set", "model.width=16"});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const Json document =
      answer({"evaluate", "--bundle=shop.bundle", "--against=other.bundle", "--data=shop"});
  EXPECT_NE(document.find("comparison")->find("other.bundle"), nullptr);
  // One that was trained on the test rows does not.
  train("all.bundle", "none", "1");
  expect_refused({"evaluate", "--bundle=shop.bundle", "--against=all.bundle", "--data=shop"}, 3,
                 "all.bundle: the bundle was trained on pairs that are to judge it");
}

TEST_F(Evaluation, ARefitOnTrainAndValidCanBeJudgedAndOneOnAllRowsCannot) {
  const Json fit = answer({"bundle", "show", "shop.bundle"});
  const Json refit = answer({"train", "--refit=shop.bundle", "--refit-on=train+valid",
                             "--data=shop", "--out=refit.bundle"});
  EXPECT_EQ(refit.find("split")->int_at("valid"), 0);
  EXPECT_EQ(refit.find("split")->int_at("test"), kUsers);
  const Json shown = answer({"bundle", "show", "refit.bundle"});
  EXPECT_EQ(shown.find("provenance")->string_at("refit_on"), "train+valid");
  EXPECT_EQ(shown.find("provenance")->int_at("train_rows"), kUsers * 8);
  EXPECT_EQ(static_cast<std::int64_t>(shown.find("evaluation")->find("epochs")->as_array().size()),
            fit.find("evaluation")->int_at("epoch"));
  const Json judged =
      answer({"evaluate", "--bundle=refit.bundle", "--data=shop", "--against=shop.bundle"});
  EXPECT_EQ(judged.int_at("users"), kUsers);
  expect_refused({"evaluate", "--bundle=refit.bundle", "--data=shop", "--part=valid"}, 3,
                 "refit of the bundle");

  answer({"train", "--refit=shop.bundle", "--data=shop", "--out=ship.bundle"});
  expect_refused({"evaluate", "--bundle=ship.bundle", "--data=shop"}, 3, "on all rows");
  expect_refused({"train", "--refit=ship.bundle", "--data=shop", "--out=x.bundle"}, 2,
                 "trained on all rows already");
  expect_refused({"train", "--refit=shop.bundle", "--split=loo", "--data=shop", "--out=x.bundle"},
                 2, "--split");
  expect_refused(
      {"train", "--refit=shop.bundle", "--refit-on=test", "--data=shop", "--out=x.bundle"}, 2,
      "expected all or train+valid");
  expect_refused({"train", "--refit-on=all", "--data=shop", "--out=x.bundle"}, 2, "--refit=BUNDLE");
}

TEST_F(Evaluation, ColdItemsAreRankedFromTheirFeatures) {
  train("cold.bundle", "cold-items", "12");
  const Json document = answer({"evaluate", "--bundle=cold.bundle", "--data=shop"});
  EXPECT_EQ(document.string_at("split"), "cold-items");
  // Every relevant item is new: nobody has a row of it in the history.
  EXPECT_EQ(document.find("slices")->find("items:new")->int_at("users"), document.int_at("users"));
  EXPECT_EQ(document.find("slices")->find("items:many"), nullptr);
  EXPECT_EQ(document.int_at("items"), kItems);
  // Even likes even: the features alone tell what popularity cannot.
  const double ours = *document.find("metrics")->number_at("hit@10");
  EXPECT_GT(ours, *document.find("random")->number_at("hit@10"));
  EXPECT_GT(ours, *document.find("baselines")->find("popularity")->number_at("hit@10"));
}

TEST_F(Evaluation, ColdUsersAreUnknownToTheModel) {
  train("strangers.bundle", "cold-users", "6");
  const Json document = answer({"evaluate", "--bundle=strangers.bundle", "--data=shop"});
  EXPECT_EQ(document.find("slices")->find("users:new")->int_at("users"), document.int_at("users"));
  EXPECT_EQ(document.find("slices")->find("users:few"), nullptr);
  // The program that serves calls them cold as well: their ids have no trained row.
  const Json lists = answer(
      {"candidates", "--bundle=strangers.bundle", "--data=shop", "--k=3", "--out=lists.parquet"});
  ASSERT_NE(lists.find("sources"), nullptr) << lists.dump();
  EXPECT_GE(lists.find("sources")->int_at("cold").value_or(0), *document.int_at("users"));
}

TEST_F(Evaluation, OneUserGetsNoVerdict) {
  write_text(folder_->path() / "lonely" / "interactions.csv",
             "user_id,item_id,timestamp\nu,a,1\nu,b,2\nu,c,3\nu,d,4\n");
  const Json document =
      answer({"evaluate", "--baseline=popularity", "--data=lonely", "--split=loo"});
  EXPECT_EQ(document.int_at("users"), 1);
  for (const auto& [metric, difference] :
       document.find("comparison")->find("item-knn")->find("metrics")->as_object()) {
    EXPECT_EQ(difference.string_at("verdict"), "no clear difference") << metric;
  }
}

}  // namespace
}  // namespace torii

// The main job as its users run it, from tables to lists.
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "data/table.h"
#include "e2e/main_job.h"

namespace torii {
namespace {

using testing::file_text;
using testing::Finished;
using testing::kItems;
using testing::kUsers;
using testing::MainJob;
using testing::write_text;

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

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>

#include "base/thread_pool.h"
#include "data/interactions.h"
#include "data/test_files.h"
#include "support/shared_dir.h"

namespace torii::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

std::vector<std::string> ids(const IdIndex& index) {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < index.size(); ++i) result.emplace_back(index[i]);
  return result;
}

class LoadDataset : public testing::FilesTest {
 protected:
  Result<LoadedDataset> try_load(const std::vector<std::string>& extra = {}) {
    TORII_TRY(const DataOptions found, options_for_folder(folder(), options));
    return load_dataset(found, extra);
  }
  LoadedDataset load(const std::vector<std::string>& extra = {}) {
    auto loaded = try_load(extra);
    EXPECT_TRUE(loaded.ok()) << loaded.error().message;
    return loaded.ok() ? *std::move(loaded) : LoadedDataset{};
  }
  std::string error() {
    const auto loaded = try_load();
    return loaded.ok() ? "no error" : loaded.error().message;
  }

  DataOptions options;
};

TEST_F(LoadDataset, JoinsThreeTables) {
  write("users.csv", "user_id,age\nb,30\na,20\nc,40\n");
  write("items.csv", "item_id,title\ny,Y!\nx,X!\n");
  write("interactions.csv", "user_id,item_id\nb,x\nd,z\na,x\n");
  const LoadedDataset loaded = load();
  const Dataset& dataset = loaded.dataset;
  EXPECT_THAT(ids(dataset.users), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(ids(dataset.items), ElementsAre("x", "y", "z"));
  EXPECT_THAT(dataset.interactions.user, ElementsAre(1, 3, 0));
  EXPECT_THAT(dataset.interactions.item, ElementsAre(0, 2, 0));
  ASSERT_EQ(dataset.user_table.rows(), 4U);
  EXPECT_EQ(dataset.user_table.find("user_id"), nullptr);
  EXPECT_EQ(dataset.user_table.find("age")->text_at(0), "20");
  EXPECT_EQ(dataset.user_table.find("age")->text_at(2), "40");
  EXPECT_TRUE(dataset.user_table.find("age")->is_null(3));
  EXPECT_EQ(dataset.item_table.find("title")->text_at(1), "Y!");
  EXPECT_THAT(dataset.findings, UnorderedElementsAre(Pair("users: only in interactions", 1),
                                                     Pair("items: only in interactions", 1),
                                                     Pair("interactions: no timestamp", 3)));
  EXPECT_THAT(dataset.dropped, IsEmpty());
}

TEST_F(LoadDataset, WorksWithoutUsersAndItems) {
  write("interactions.csv", "user_id,item_id\n2,5\n10,4\n");
  const Dataset dataset = load().dataset;
  EXPECT_THAT(ids(dataset.users), ElementsAre("2", "10"));
  EXPECT_TRUE(dataset.users.integers());
  EXPECT_EQ(dataset.user_table.rows(), 2U);
  EXPECT_EQ(dataset.item_table.rows(), 2U);
  EXPECT_THAT(dataset.item_table.columns(), IsEmpty());
  EXPECT_THAT(dataset.interactions.type_names, ElementsAre(""));
  EXPECT_THAT(dataset.interactions.position, ElementsAre(0, 1));
  EXPECT_EQ(dataset.interactions.time[0], Interactions::kNoTime);
  EXPECT_TRUE(std::isnan(dataset.interactions.rating[0]));
}

TEST_F(LoadDataset, OneOddIdMakesAllIdsTexts) {
  write("users.csv", "user_id\n007\n7\n");
  write("interactions.csv", "user_id,item_id\n7,1\n10,1\n");
  const Dataset dataset = load().dataset;
  EXPECT_FALSE(dataset.users.integers());
  EXPECT_THAT(ids(dataset.users), ElementsAre("007", "10", "7"));
  EXPECT_TRUE(dataset.items.integers());
}

Column column(std::string name, ColumnType type, decltype(Column::values) values,
              std::vector<std::uint8_t> valid = {}) {
  return {std::move(name), type, std::move(values), std::move(valid)};
}

StringArray strings(const std::vector<std::string>& texts) {
  StringArray result;
  for (const std::string& text : texts) result.push_back(text);
  return result;
}

TEST_F(LoadDataset, IntegerColumnsJoinWithWholeFloatsAndWithTexts) {
  using Ints = std::vector<std::int64_t>;
  ASSERT_TRUE(write_parquet(path("users.parquet"),
                            Table({column("user_id", ColumnType::kInt64, Ints{10, 9})}))
                  .ok());
  ASSERT_TRUE(write_parquet(path("items.parquet"),
                            Table({column("item_id", ColumnType::kInt64, Ints{10, 9})}))
                  .ok());
  ASSERT_TRUE(
      write_parquet(
          path("interactions.parquet"),
          Table({column("user_id", ColumnType::kFloat64, std::vector<double>{9, 0, 10}, {1, 0, 1}),
                 column("item_id", ColumnType::kString, strings({"9", "9", "10"}))}))
          .ok());
  const Dataset dataset = load().dataset;
  EXPECT_THAT(ids(dataset.users), ElementsAre("9", "10"));
  EXPECT_THAT(ids(dataset.items), ElementsAre("10", "9"));
  EXPECT_THAT(dataset.interactions.user, ElementsAre(0, 1));
  EXPECT_THAT(dataset.interactions.item, ElementsAre(1, 0));
  EXPECT_THAT(dataset.dropped, ElementsAre(Pair("interactions: no user id", 1)));
}

TEST_F(LoadDataset, RefusesColumnsThatCannotHoldIds) {
  for (const auto& values : {std::vector<double>{1.5}, {1e300}, {INFINITY}}) {
    ASSERT_TRUE(write_parquet(path("interactions.parquet"),
                              Table({column("user_id", ColumnType::kFloat64, values),
                                     column("item_id", ColumnType::kString, strings({"x"}))}))
                    .ok());
    EXPECT_THAT(error(),
                HasSubstr("interactions.parquet: 1 of 1 rows cannot be used (user id is no "
                          "whole number and no text: 1)"));
    EXPECT_THAT(error(), HasSubstr("row 1"));
  }
  ASSERT_TRUE(
      write_parquet(path("interactions.parquet"),
                    Table({column("user_id", ColumnType::kBool, std::vector<std::uint8_t>{1}),
                           column("item_id", ColumnType::kString, strings({"x"}))}))
          .ok());
  EXPECT_THAT(error(), HasSubstr("found yes/no"));
}

TEST_F(LoadDataset, CountsRowsWithoutIdsAndKeepsTheLastOfDuplicates) {
  write("users.csv", "user_id,age\na,1\n,2\na,3\na,4\n");
  write("interactions.csv", "user_id,item_id\na,x\n,x\na,\n,\n");
  options.bad_rows_max = 0.75;
  const Dataset dataset = load().dataset;
  EXPECT_EQ(dataset.user_table.find("age")->text_at(0), "4");
  EXPECT_THAT(dataset.dropped,
              UnorderedElementsAre(Pair("users: no id", 1), Pair("interactions: no user id", 2),
                                   Pair("interactions: no item id", 1)));
  EXPECT_EQ(dataset.findings.at("users: duplicate id, last row kept"), 2U);
  EXPECT_THAT(dataset.interactions.file_row, ElementsAre(0));
}

TEST_F(LoadDataset, BadBytesAreRefusedInIdsAndCountedElsewhere) {
  write("interactions.csv", "user_id,item_id\na,x\n");
  write("items.csv", "item_id,title\nx,caf\xE9\ny,tea\n");
  const Dataset dataset = load().dataset;
  EXPECT_EQ(dataset.item_table.find("title")->text_at(0), "caf\xEF\xBF\xBD");
  EXPECT_EQ(dataset.findings.at("items: texts in 'title' not in UTF-8, bad bytes replaced"), 1U);
  write("items.csv", "item_id,title\ncaf\xE9,x\n");
  EXPECT_THAT(error(), HasSubstr("items.csv: column 'item_id': expected text in UTF-8"));
}

TEST_F(LoadDataset, OrdersByTimeThenPositionThenRow) {
  write("interactions.csv",
        "user_id,item_id,timestamp,position\n"
        "a,0,2024-01-02,1\n"
        "a,1,2024-01-01,9\n"
        "a,2,2024-01-02,0\n"
        "a,3,,5\n"
        "a,4,2024-01-02,0\n"
        "a,5,1969-01-01,0\n");
  const Dataset dataset = load().dataset;
  EXPECT_THAT(dataset.interactions.item, ElementsAre(3, 5, 1, 2, 4, 0));
  EXPECT_THAT(dataset.interactions.file_row, ElementsAre(3, 5, 1, 2, 4, 0));
  EXPECT_EQ(dataset.interactions.time[0], Interactions::kNoTime);
  EXPECT_EQ(dataset.findings.at("interactions: no timestamp"), 1U);
}

TEST_F(LoadDataset, ExtraColumnsFollowTheOrderOfInteractions) {
  write("interactions.csv", "user_id,item_id,timestamp,part\na,0,9,x\na,1,5,y\n,2,1,z\na,3,7,\n");
  const LoadedDataset loaded = load({"part"});
  ASSERT_EQ(loaded.extra.size(), 1U);
  EXPECT_EQ(loaded.extra[0].text_at(0), "y");
  EXPECT_TRUE(loaded.extra[0].is_null(1));
  EXPECT_EQ(loaded.extra[0].text_at(2), "x");
  EXPECT_THAT(try_load({"parts"}).error().message, HasSubstr("did you mean 'part'?"));
}

TEST_F(LoadDataset, NumbersAsTimesBySize) {
  const std::pair<const char*, const char*> cases[] = {{"1700000000", "seconds"},
                                                       {"1700000000000", "milliseconds"},
                                                       {"1700000000000000", "microseconds"},
                                                       {"1700000000000000000", "nanoseconds"},
                                                       {"1700000000.0", "seconds"}};
  for (const auto& [number, unit] : cases) {
    write("interactions.csv", std::string("user_id,item_id,timestamp\na,x,") + number + "\n");
    const Dataset dataset = load().dataset;
    EXPECT_EQ(dataset.interactions.time[0], 1'700'000'000'000) << number;
    EXPECT_EQ(dataset.findings.count(std::string("interactions: numbers in 'timestamp' read as ") +
                                     unit + " since 1970"),
              1U)
        << number;
  }
}

TEST_F(LoadDataset, TextTimesMustBeTimes) {
  write("interactions.csv",
        "user_id,item_id,timestamp\na,x,2024-03-01T10:00:00+02:00\na,y,yesterday\n"
        "a,z,now\n");
  EXPECT_THAT(error(), HasSubstr("interactions.csv: 2 of 3 rows cannot be used (timestamp is not a "
                                 "time such as 2024-03-01T12:30:00Z: 2)"));
  EXPECT_THAT(error(), HasSubstr("row 2 (\"yesterday\")"));
  options.null_values = {"yesterday", "now"};
  EXPECT_EQ(load().dataset.interactions.time[2], 1'709'280'000'000);
}

TEST_F(LoadDataset, OneDirtyValueStopsNobody) {
  write("interactions.csv",
        "user_id,item_id,timestamp,rating\na,x,100,1\na,y,200,n/a\nb,x,300,4.5\n");
  const Dataset dataset = load().dataset;
  EXPECT_THAT(dataset.interactions.rating, ElementsAre(1.0F, 4.5F));
  EXPECT_THAT(dataset.dropped, ElementsAre(Pair("interactions: rating is not a number", 1)));
  EXPECT_THAT(dataset.dropped_examples.at("interactions: rating is not a number"),
              ElementsAre("row 2 (\"n/a\")"));
  options.bad_rows_max = 0;
  EXPECT_THAT(error(), HasSubstr("1 of 3 rows cannot be used"));
}

TEST_F(LoadDataset, RefusesMoreBadRowsThanDeclaredAndShowsThem) {
  std::string text = "user_id,item_id,timestamp,rating\n";
  for (int i = 0; i < 200; ++i) {
    text += i % 50 == 7 ? ",x,1,1\n" : i == 100 ? "a,x,1,inf\n" : "a,x,1,1\n";
  }
  write("interactions.csv", text);
  EXPECT_THAT(error(), HasSubstr("interactions.csv: 5 of 200 rows cannot be used (no user id: 4, "
                                 "rating is not finite: 1), more than data.bad_rows_max=0.01"));
  EXPECT_THAT(error(), HasSubstr("no user id in row 8; rating is not finite in row 101 (\"inf\"); "
                                 "no user id in row 58"));
  options.bad_rows_max = 0.025;
  EXPECT_EQ(load().dataset.interactions.size(), 195U);
}

TEST_F(LoadDataset, FarTimesAreTimes) {
  write("interactions.csv", "user_id,item_id,timestamp\na,x,9999-12-31\na,y,2024-01-01\n");
  EXPECT_THAT(load().dataset.interactions.item, ElementsAre(1, 0));
}

TEST_F(LoadDataset, ReadsFoldersOfPartsAndJsonLines) {
  std::filesystem::create_directories(path("interactions/date=2024-01-02"));
  std::filesystem::create_directories(path("interactions/date=2024-01-01"));
  write("interactions/_SUCCESS", "");
  write("interactions/date=2024-01-02/part-0.jsonl", "{\"user_id\": 1, \"item_id\": \"x\"}\n");
  write("interactions/date=2024-01-01/part-0.jsonl",
        "{\"user_id\": 2, \"item_id\": \"x\", \"rating\": \"bad\"}\n"
        "{\"user_id\": 2, \"item_id\": \"y\"}\n");
  write("items.ndjson", "{\"item_id\": \"x\", \"title\": \"tea\"}\n");
  options.interactions.timestamp = "date";
  ThreadPool pool(2);
  const auto found = options_for_folder(folder(), options);
  ASSERT_TRUE(found.ok()) << found.error().message;
  const auto loaded = load_dataset(*found, {}, {.pool = &pool});
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  const Dataset& dataset = loaded->dataset;
  EXPECT_THAT(ids(dataset.users), ElementsAre("1", "2"));
  EXPECT_THAT(dataset.interactions.user, ElementsAre(1, 0));
  EXPECT_EQ(dataset.interactions.time[1] - dataset.interactions.time[0], 86'400'000);
  EXPECT_EQ(dataset.item_table.find("title")->text_at(0), "tea");
  EXPECT_THAT(dataset.dropped_examples.at("interactions: rating is not a number"),
              ElementsAre("row 1 of interactions/date=2024-01-01/part-0.jsonl (\"bad\")"));
  EXPECT_EQ(dataset.fingerprint, load().dataset.fingerprint);
}

TEST_F(LoadDataset, PositiveFollowsTypesAndRatings) {
  write("interactions.csv",
        "user_id,item_id,interaction_type,rating,quantity\n"
        "a,0,view,5,1\na,1,return,5,2\na,2,,2,\na,3,negative_view,,\na,4,buy,,3\na,5,view,3,\n");
  const Dataset all = load().dataset;
  EXPECT_THAT(all.interactions.type_names,
              ElementsAre("", "buy", "negative_view", "return", "view"));
  EXPECT_THAT(all.interactions.type, ElementsAre(4, 3, 0, 2, 1, 4));
  EXPECT_THAT(all.interactions.positive, ElementsAre(1, 0, 1, 0, 1, 1));
  EXPECT_EQ(all.interactions.quantity[4], 3.0F);
  options.interactions.min_rating = 3;
  EXPECT_THAT(load().dataset.interactions.positive, ElementsAre(1, 0, 0, 0, 1, 1));
  options.interactions.negative_types = {"view"};
  EXPECT_THAT(load().dataset.interactions.positive, ElementsAre(0, 1, 0, 1, 1, 0));
}

TEST_F(LoadDataset, ACartTakenBackIsNeverPositive) {
  write("interactions.csv",
        "user_id,item_id,interaction_type\na,0,cart\na,0,cart_remove\na,1,onboarding_select\n");
  EXPECT_THAT(load().dataset.interactions.positive, ElementsAre(1, 0, 1));
  options.interactions.negative_types = {"cart"};
  EXPECT_THAT(load().dataset.interactions.positive, ElementsAre(0, 0, 1));
}

TEST_F(LoadDataset, RenamedColumnsMustExistDefaultOnesNeedNot) {
  write("interactions.csv", "uid,item_id,stars,rating\na,x,4,bad\n");
  EXPECT_THAT(error(), HasSubstr("no column 'user_id'"));
  options.interactions.user_id = "uid";
  EXPECT_THAT(error(), HasSubstr("rating is not a number in row 1 (\"bad\")"));
  options.interactions.rating = "";
  EXPECT_TRUE(std::isnan(load().dataset.interactions.rating[0]));
  options.interactions.rating = "stars";
  EXPECT_EQ(load().dataset.interactions.rating[0], 4.0F);
  options.interactions.timestamp = "when";
  EXPECT_THAT(error(), HasSubstr("no column 'when'"));
}

TEST_F(LoadDataset, TooManyTypesAreAnError) {
  std::string text = "user_id,item_id,interaction_type\n";
  for (int i = 0; i < 256; ++i) text += "a,x,t" + std::to_string(i) + "\n";
  write("interactions.csv", text);
  EXPECT_THAT(error(), HasSubstr("more than 255 different types"));
}

TEST_F(LoadDataset, TakesOddIds) {
  const std::string big(10'000'000, 'k');
  write("interactions.csv", "user_id,item_id\n🎸,\"a\nb\"\n" + big + ",x\n 🎸,NaN\n");
  const Dataset dataset = load().dataset;
  EXPECT_THAT(ids(dataset.users), ElementsAre(" 🎸", big, "🎸"));
  EXPECT_THAT(ids(dataset.items), ElementsAre("NaN", "a\nb", "x"));
}

TEST_F(LoadDataset, TakesNoRowsAndOnlyUnusableRows) {
  write("interactions.csv", "user_id,item_id,timestamp,rating\n");
  EXPECT_EQ(load().dataset.interactions.size(), 0U);
  write("interactions.csv", "user_id,item_id,timestamp,rating\n,x,,\n,y,,\n");
  EXPECT_THAT(error(), HasSubstr("2 of 2 rows cannot be used (no user id: 2)"));
  options.bad_rows_max = 1;
  const Dataset dataset = load().dataset;
  EXPECT_EQ(dataset.users.size(), 0U);
  EXPECT_EQ(dataset.items.size(), 2U);
  EXPECT_EQ(dataset.dropped.at("interactions: no user id"), 2U);
}

TEST_F(LoadDataset, FingerprintIsOfTheContentOnly) {
  write("interactions.csv", "user_id,item_id,rating\na,x,1\nb,y,2\n");
  const std::string first = load().dataset.fingerprint;
  EXPECT_EQ(load().dataset.fingerprint, first);
  std::filesystem::rename(path("interactions.csv"), path("interactions.tsv"));
  options.delimiter = ",";
  EXPECT_EQ(load().dataset.fingerprint, first);
  std::filesystem::remove(path("interactions.tsv"));
  write("interactions.csv", "user_id,item_id,rating\na,x,1\nb,y,3\n");
  EXPECT_NE(load().dataset.fingerprint, first);
}

TEST_F(LoadDataset, FoldersSayWhatIsMissingOrTwice) {
  EXPECT_THAT(error(), HasSubstr("no interactions.parquet"));
  EXPECT_EQ(options_for_folder(folder() + "/none").error().code, ErrorCode::kNotFound);
  write("interactions.csv", "user_id,item_id\na,x\n");
  write("items.csv", "item_id\nx\n");
  write("items.tsv", "item_id\nx\n");
  EXPECT_THAT(error(), HasSubstr("several tables of items (items.csv, items.tsv)"));
}

TEST_F(LoadDataset, ReadsAtomicFiles) {
  write("ml.inter",
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
        "10\t5\t3\t881250949\n9\t5\t\t881250948\n");
  write("ml.item", "item_id:token\ttitle:token_seq\n5\tToy Story\n");
  const Dataset dataset = load().dataset;
  EXPECT_THAT(ids(dataset.users), ElementsAre("9", "10"));
  EXPECT_EQ(dataset.interactions.time[0], 881'250'948'000);
  EXPECT_EQ(dataset.item_table.find("title")->type, ColumnType::kStringList);
}

TEST_F(LoadDataset, OptionsAreDeclaredAndPathsResolved) {
  OptionSet set;
  declare(options, set);
  ASSERT_TRUE(set.apply_assignment("data.users.path=u.csv").ok());
  ASSERT_TRUE(set.apply_assignment("data.items.path=/abs/i.csv").ok());
  ASSERT_TRUE(set.apply_assignment("data.interactions.type=kind").ok());
  EXPECT_FALSE(set.apply_assignment("data.interactions.typ=kind").ok());
  resolve_paths(options, "/base");
  EXPECT_EQ(options.users.path, "/base/u.csv");
  EXPECT_EQ(options.items.path, "/abs/i.csv");
  EXPECT_EQ(options.interactions.path, "");
  EXPECT_EQ(options.interactions.type, "kind");
}

TEST(UserItems, AreDistinctAscendingAndFiltered) {
  Interactions rows;
  rows.user = {2, 0, 2, 2, 0};
  rows.item = {5, 1, 3, 5, 0};
  const UserItems all = user_items(rows, 4);
  EXPECT_THAT(all.offsets, ElementsAre(0, 2, 2, 4, 4));
  EXPECT_THAT(all.items, ElementsAre(0, 1, 3, 5));
  EXPECT_THAT(all.of(1), IsEmpty());
  const std::uint8_t use[] = {0, 1, 1, 0, 0};
  const UserItems some = user_items(rows, 4, use);
  EXPECT_THAT(some.of(0), ElementsAre(1));
  EXPECT_THAT(some.of(2), ElementsAre(3));
  EXPECT_EQ(user_items(Interactions{}, 0).offsets.size(), 1U);
}

struct RealSet {
  const char* name;
  std::size_t users, items, interactions;
};

class RealData : public ::testing::TestWithParam<RealSet> {};

TEST_P(RealData, LoadsWithTheCountsOfItsReadme) {
  const auto shared = torii::testing::shared_dir();
  if (!shared) GTEST_SKIP() << "TORII_SHARED_DIR is not set";
  const RealSet& expected = GetParam();
  const auto options = options_for_folder((*shared / "data" / expected.name).string());
  ASSERT_TRUE(options.ok()) << options.error().message;
  const auto loaded = load_dataset(*options);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  const Dataset& dataset = loaded->dataset;
  EXPECT_EQ(dataset.users.size(), expected.users);
  EXPECT_EQ(dataset.items.size(), expected.items);
  EXPECT_EQ(dataset.interactions.size(), expected.interactions);
  EXPECT_EQ(dataset.user_table.rows(), expected.users);
  EXPECT_EQ(dataset.item_table.rows(), expected.items);
  EXPECT_THAT(dataset.dropped, IsEmpty());
  EXPECT_FALSE(dataset.findings.contains("items: only in interactions"));
  EXPECT_FALSE(dataset.users.integers());
}

INSTANTIATE_TEST_SUITE_P(Shared, RealData,
                         ::testing::Values(RealSet{"reference", 1000, 101, 20000},
                                           RealSet{"ml-100k", 943, 1682, 100000},
                                           RealSet{"amazon-beauty", 22363, 12101, 198502},
                                           RealSet{"completejourney-sample", 2377, 20902, 75000},
                                           RealSet{"retailrocket-small", 3431, 8885, 92487}),
                         [](const auto& param) {
                           std::string name = param.param.name;
                           std::erase(name, '-');
                           return name;
                         });

TEST(RealData, ReadsACatalogueWithoutInteractions) {
  const auto shared = torii::testing::shared_dir();
  if (!shared) GTEST_SKIP() << "TORII_SHARED_DIR is not set";
  const auto folder = *shared / "data" / "hm-articles";
  EXPECT_EQ(options_for_folder(folder.string()).error().code, ErrorCode::kNotFound);
  const auto table = read_table(folder / "items.parquet");
  ASSERT_TRUE(table.ok()) << table.error().message;
  EXPECT_EQ(table->rows(), 105542U);
  EXPECT_EQ(table->columns().size(), 8U);
}

TEST(RealData, ReadsTheReferencesOwnFiles) {
  const auto shared = torii::testing::shared_dir();
  if (!shared) GTEST_SKIP() << "TORII_SHARED_DIR is not set";
  const auto folder = *shared / "data" / "reference" / "original" / "feature_repo";
  DataOptions options;
  options.users.path = "recommendation_users.parquet";
  options.items.path = "recommendation_items.parquet";
  options.interactions.path = "recommendation_interactions.parquet";
  resolve_paths(options, folder);
  const auto loaded = load_dataset(options);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  const Interactions& rows = loaded->dataset.interactions;
  EXPECT_EQ(rows.size(), 20000U);
  EXPECT_EQ(std::count(rows.positive.begin(), rows.positive.end(), 0), 12067);
  const auto vector = read_table(folder / "dummy_item_embed.parquet");
  ASSERT_TRUE(vector.ok());
  EXPECT_EQ(vector->find("embedding")->type, ColumnType::kFloatList);
}

}  // namespace
}  // namespace torii::data

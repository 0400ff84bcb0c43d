#include "data/split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "base/random.h"
#include "support/shared_dir.h"

namespace torii::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr Part kTrain = Part::kTrain, kValid = Part::kValid, kTest = Part::kTest,
               kUnused = Part::kUnused;

struct Row {
  std::string user, item;
  std::int64_t time = Interactions::kNoTime;
  bool positive = true;
};

Dataset dataset_of(const std::vector<Row>& rows) {
  std::vector<std::string> users, items;
  for (const Row& row : rows) {
    users.push_back(row.user);
    items.push_back(row.item);
  }
  Dataset dataset;
  dataset.users = IdIndex(users, false);
  dataset.items = IdIndex(items, false);
  Interactions& to = dataset.interactions;
  to.type_names = {""};
  for (const Row& row : rows) {
    to.user.push_back(*dataset.users.find(row.user));
    to.item.push_back(*dataset.items.find(row.item));
    to.time.push_back(row.time);
    to.position.push_back(static_cast<std::int64_t>(to.position.size()));
    to.type.push_back(0);
    to.rating.push_back(0);
    to.quantity.push_back(0);
    to.positive.push_back(row.positive ? 1 : 0);
    to.file_row.push_back(static_cast<std::uint32_t>(to.file_row.size()));
  }
  return dataset;
}

Result<Split> split(const Dataset& dataset, std::string_view spec, std::uint64_t seed = 1,
                    const std::vector<Column>& extra = {}) {
  TORII_TRY(const SplitSpec parsed, SplitSpec::parse(spec));
  return make_split(dataset, extra, parsed, seed);
}

TEST(SplitSpec, ReadsAndWritesEveryKind) {
  for (const char* text : {"loo", "none", "time:0.8/0.1/0.1", "random:0.7/0.2/0.1",
                           "column:split_mcrec", "cold-items", "cold-users"}) {
    const auto spec = SplitSpec::parse(text);
    ASSERT_TRUE(spec.ok()) << spec.error().message;
    EXPECT_EQ(spec->text(), text);
  }
  EXPECT_EQ(SplitSpec::parse("time:0.9/0/0.1")->valid, 0.0);
}

TEST(SplitSpec, RefusesTheRestAndSaysWhatIsUnderstood) {
  for (const char* text :
       {"", "leave-one-out", "LOO", "time", "time:", "time:0.8/0.2", "time:0.8/0.1/0.2",
        "random:0.8/0.1/0.1/0", "random:-0.1/1/0.1", "random:nan/0/0", "random:0/0.5/0.5",
        "random:a/b/c", "column:", "time:0.8/0.1/0.1 "}) {
    const auto spec = SplitSpec::parse(text);
    ASSERT_FALSE(spec.ok()) << text;
    EXPECT_EQ(spec.error().code, ErrorCode::kInvalidArgument) << text;
    EXPECT_THAT(spec.error().message, HasSubstr("split '"));
  }
  for (const char* text : {"cold", "cold-item", "cold-items:0.2"}) {
    EXPECT_FALSE(SplitSpec::parse(text).ok()) << text;
  }
}

TEST(Split, NoneTrainsOnEverything) {
  const Dataset dataset = dataset_of({{"a", "x"}, {"b", "y"}});
  EXPECT_THAT(split(dataset, "none")->part, ElementsAre(kTrain, kTrain));
  EXPECT_THAT(split(Dataset{}, "none").error().message, HasSubstr("no rows in train"));
}

// zlib.crc32(id) % 10 in Python: 0 for i35, 1 for i9 and i10, others for i1 and i2.
TEST(Split, ColdItemsLeaveTrainingWithEveryRow) {
  const Dataset dataset = dataset_of(
      {{"a", "i35"}, {"a", "i1"}, {"b", "i35"}, {"b", "i9"}, {"c", "i10", 0, false}, {"c", "i2"}});
  const auto result = split(dataset, "cold-items");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_THAT(result->part, ElementsAre(kTest, kTrain, kTest, kValid, kValid, kTrain));
  EXPECT_EQ(result->test_rows, 2U);
}

// 0 for u8 and u9, 1 for u6.
TEST(Split, ColdUsersLeaveTrainingWithEveryRow) {
  const Dataset dataset = dataset_of({{"u8", "x"}, {"u6", "x"}, {"u1", "x"}, {"u9", "y"}});
  const auto result = split(dataset, "cold-users");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_THAT(result->part, ElementsAre(kTest, kValid, kTrain, kTest));
}

TEST(Split, AColdColumnCountsAndItsNullsGoByTheId) {
  Dataset dataset = dataset_of({{"a", "i1"}, {"a", "i2"}, {"a", "i35"}, {"a", "i9"}});
  Column cold{"cold", ColumnType::kInt64, std::vector<std::int64_t>(dataset.items.size(), 0), {}};
  cold.valid.assign(dataset.items.size(), 1);
  auto& values = std::get<std::vector<std::int64_t>>(cold.values);
  values[*dataset.items.find("i1")] = 1;
  cold.valid[*dataset.items.find("i35")] = 0;
  dataset.item_table = Table({cold}, "items.csv");
  const auto result = split(dataset, "cold-items");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_THAT(result->part, ElementsAre(kTest, kTrain, kTest, kValid));

  values[0] = 7;
  dataset.item_table = Table({cold}, "items.csv");
  EXPECT_THAT(split(dataset, "cold-items").error().message,
              HasSubstr("items.csv: column 'cold': expected yes/no or 0 and 1, found \"7\""));
}

TEST(Split, NothingColdIsAnError) {
  const Dataset dataset = dataset_of({{"u1", "i1"}, {"u2", "i2"}});
  for (const char* spec : {"cold-items", "cold-users"}) {
    const auto result = split(dataset, spec);
    ASSERT_FALSE(result.ok()) << spec;
    EXPECT_THAT(result.error().message, HasSubstr("nothing that is cold"));
  }
}

TEST(Split, ARefitTrainsOnMorePartsAndKeepsTheRest) {
  const Dataset dataset = dataset_of({{"a", "1", 1}, {"a", "2", 2}, {"a", "3", 3}, {"a", "4", 4}});
  const auto fit = split(dataset, "loo");
  const Part valid[] = {kValid};
  const Split refit = train_on(dataset, *fit, valid);
  EXPECT_THAT(refit.part, ElementsAre(kTrain, kTrain, kTrain, kTest));
  EXPECT_EQ(refit.train_rows, 3U);
  EXPECT_EQ(refit.valid_rows, 0U);
  EXPECT_NE(refit.train_fingerprint, fit->train_fingerprint);
}

TEST(Split, LeaveOneOutTakesTheLastTwoPositiveRows) {
  const Dataset dataset = dataset_of({{"a", "1"},
                                      {"a", "2", 0, false},
                                      {"b", "1"},
                                      {"a", "3"},
                                      {"b", "2", 0, false},
                                      {"a", "4", 0, false},
                                      {"a", "5"},
                                      {"a", "6", 0, false},
                                      {"b", "3"}});
  const auto result = split(dataset, "loo");
  ASSERT_TRUE(result.ok());
  EXPECT_THAT(result->part,
              ElementsAre(kTrain, kTrain, kTrain, kValid, kTrain, kUnused, kTest, kUnused, kTrain));
  EXPECT_EQ(result->train_rows, 5U);
  EXPECT_EQ(result->valid_rows, 1U);
  EXPECT_EQ(result->test_rows, 1U);
  const auto none = split(dataset_of({{"a", "1"}, {"a", "2"}}), "loo");
  EXPECT_THAT(none.error().message, HasSubstr("no user has 3 positive"));
}

TEST(Split, TimeCutsTheGlobalOrder) {
  std::vector<Row> rows;
  for (int i = 0; i < 10; ++i) rows.push_back({"u" + std::to_string(i % 3), "x", i / 4});
  const auto result = split(dataset_of(rows), "time:0.5/0.2/0.3");
  ASSERT_TRUE(result.ok());
  EXPECT_THAT(result->part, ElementsAre(kTrain, kTrain, kTrain, kTrain, kTrain, kValid, kValid,
                                        kTest, kTest, kTest));
  EXPECT_EQ(split(dataset_of(rows), "time:0.9/0.1/0")->valid_rows, 1U);
  EXPECT_THAT(split(dataset_of(rows), "time:0.99/0.005/0.005").error().message,
              HasSubstr("no rows in valid"));
}

TEST(Split, TimeNeedsATimeInEveryRow) {
  const auto result = split(dataset_of({{"a", "x", 5}, {"a", "y"}}), "time:0.8/0.1/0.1");
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, HasSubstr("1 of 2 interactions have no timestamp; use loo"));
}

std::vector<Row> many_rows(int users) {
  std::vector<Row> rows;
  for (int u = 0; u < users; ++u) {
    for (int i = 0; i <= u % 25; ++i) {
      rows.push_back({"u" + std::to_string(u), "i" + std::to_string(i * 7 % 50), i});
    }
  }
  return rows;
}

std::map<std::pair<std::string, std::string>, Part> by_pair(const std::vector<Row>& rows,
                                                            const Split& result) {
  std::map<std::pair<std::string, std::string>, Part> parts;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    parts[{rows[i].user, rows[i].item}] = result.part[i];
  }
  return parts;
}

TEST(Split, RandomDependsOnTheUsersRowsAndTheSeedOnly) {
  std::vector<Row> rows = many_rows(60);
  const auto first = split(dataset_of(rows), "random:0.8/0.1/0.1", 7);
  ASSERT_TRUE(first.ok());
  const auto expected = by_pair(rows, *first);
  const std::string fingerprint = first->train_fingerprint;
  Random random(3);
  random.shuffle(std::span(rows));
  const auto shuffled = split(dataset_of(rows), "random:0.8/0.1/0.1", 7);
  EXPECT_EQ(by_pair(rows, *shuffled), expected);
  EXPECT_EQ(shuffled->train_fingerprint, fingerprint);
  std::vector<Row> more = rows;
  more.push_back({"a newcomer", "an item"});
  const auto with_more = by_pair(more, *split(dataset_of(more), "random:0.8/0.1/0.1", 7));
  for (const auto& [pair, part] : expected) EXPECT_EQ(with_more.at(pair), part);
  const auto other_seed = split(dataset_of(rows), "random:0.8/0.1/0.1", 8);
  EXPECT_NE(by_pair(rows, *other_seed), expected);
  EXPECT_NE(other_seed->train_fingerprint, fingerprint);
}

TEST(Split, RandomCutsEachUserAndLeavesARowToTrainOn) {
  // Rows of a user -> train, valid, test rows.
  const std::map<int, std::array<int, 3>> expected = {
      {1, {1, 0, 0}},  {2, {1, 0, 1}},   {3, {1, 1, 1}},   {9, {7, 1, 1}},
      {10, {8, 1, 1}}, {19, {17, 1, 1}}, {20, {16, 2, 2}}, {100, {80, 10, 10}}};
  std::vector<Row> rows;
  for (const auto& [count, parts] : expected) {
    for (int i = 0; i < count; ++i) rows.push_back({std::to_string(count), std::to_string(i)});
  }
  const Dataset dataset = dataset_of(rows);
  const auto result = split(dataset, "random:0.8/0.1/0.1");
  ASSERT_TRUE(result.ok());
  std::map<int, std::array<int, 3>> found;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ++found[std::stoi(rows[i].user)][static_cast<std::size_t>(result->part[i])];
  }
  EXPECT_EQ(found, expected);
  // Even if everything should go elsewhere.
  const auto lean = split(dataset, "random:0.0001/0.4999/0.5");
  ASSERT_TRUE(lean.ok());
  std::map<std::string, int> train;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    train[rows[i].user] += lean->part[i] == kTrain ? 1 : 0;
  }
  for (const auto& [user, count] : train) EXPECT_GE(count, 1) << user;
}

Column text_column(const std::string& name, const std::vector<std::string>& texts,
                   std::vector<std::uint8_t> valid = {}) {
  StringArray array;
  for (const std::string& text : texts) array.push_back(text);
  return {name, ColumnType::kString, std::move(array), std::move(valid)};
}

TEST(Split, ColumnNamesThePart) {
  const Dataset dataset = dataset_of({{"a", "1"}, {"a", "2"}, {"a", "3"}, {"a", "4"}, {"a", "5"}});
  const std::vector<Column> extra = {
      text_column("s", {"train", "VALID", "val", "Validation", "Test"})};
  EXPECT_THAT(split(dataset, "column:s", 1, extra)->part,
              ElementsAre(kTrain, kValid, kValid, kValid, kTest));
  EXPECT_THAT(split(dataset, "column:t", 1, extra).error().message, HasSubstr("no column 't'"));
  const std::vector<Column> odd = {
      text_column("s", {"train", "fold 2", "fold 2", "", "test"}, {1, 1, 1, 0, 1})};
  const auto result = split(dataset, "column:s", 1, odd);
  ASSERT_FALSE(result.ok());
  EXPECT_THAT(result.error().message, HasSubstr("\"fold 2\" in 2 rows"));
  EXPECT_THAT(result.error().message, HasSubstr("\"(null)\" in 1 rows"));
  const std::vector<Column> no_test = {text_column("s", std::vector<std::string>(5, "train"))};
  EXPECT_THAT(split(dataset, "column:s", 1, no_test).error().message, HasSubstr("no rows in test"));
  const std::vector<Column> folds = {
      {"s", ColumnType::kInt64, std::vector<std::int64_t>{1, 2, 3, 4, 5}, {}}};
  EXPECT_THAT(split(dataset, "column:s", 1, folds).error().message, HasSubstr("\"3\" in 1 rows"));
}

TEST(Split, FingerprintSeesEveryChangeOfATrainingRow) {
  const std::vector<Row> rows = {{"a", "1", 5}, {"a", "2", 6}, {"b", "1", 7}};
  const std::string base = split(dataset_of(rows), "none")->train_fingerprint;
  std::vector<std::vector<Row>> changes(4, rows);
  changes[0][2].time = 8;
  changes[1][2].user = "a";
  changes[2][2].item = "2";
  changes[3].push_back(rows[0]);
  for (const auto& change : changes) {
    EXPECT_NE(split(dataset_of(change), "none")->train_fingerprint, base);
  }
  const std::vector<Row> reversed(rows.rbegin(), rows.rend());
  EXPECT_EQ(split(dataset_of(reversed), "none")->train_fingerprint, base);
}

struct RealSplit {
  const char* set;
  const char* spec;
  std::uint64_t train, valid, test;
};

class RealSplits : public ::testing::TestWithParam<RealSplit> {};

TEST_P(RealSplits, HaveTheSizesOfTheReadme) {
  const auto shared = torii::testing::shared_dir();
  if (!shared) GTEST_SKIP() << "TORII_SHARED_DIR is not set";
  const RealSplit& expected = GetParam();
  const auto spec = SplitSpec::parse(expected.spec);
  const auto options = options_for_folder((*shared / "data" / expected.set).string());
  ASSERT_TRUE(options.ok()) << options.error().message;
  const std::vector<std::string> extra =
      spec->column.empty() ? std::vector<std::string>{} : std::vector<std::string>{spec->column};
  const auto loaded = load_dataset(*options, extra);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  const auto result = make_split(loaded->dataset, loaded->extra, *spec, 1);
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->train_rows, expected.train);
  EXPECT_EQ(result->valid_rows, expected.valid);
  EXPECT_EQ(result->test_rows, expected.test);
}

INSTANTIATE_TEST_SUITE_P(
    Shared, RealSplits,
    ::testing::Values(RealSplit{"ml-100k", "column:split_mcrec", 80000, 0, 20000},
                      RealSplit{"ml-100k", "loo", 98114, 943, 943},
                      RealSplit{"ml-100k", "time:0.8/0.1/0.1", 80000, 10000, 10000},
                      RealSplit{"ml-100k", "random:0.8/0.1/0.1", 80808, 9596, 9596},
                      RealSplit{"amazon-beauty", "column:split_loo", 153776, 22363, 22363},
                      RealSplit{"amazon-beauty", "loo", 153776, 22363, 22363},
                      RealSplit{"completejourney-sample", "column:split_time", 59031, 7211, 8758},
                      RealSplit{"retailrocket-small", "column:split_purchase", 89438, 0, 3049}));

TEST(RealSplits, LeaveOneOutEqualsThePublishedColumn) {
  const auto shared = torii::testing::shared_dir();
  if (!shared) GTEST_SKIP() << "TORII_SHARED_DIR is not set";
  for (const char* set : {"ml-100k", "amazon-beauty"}) {
    const auto options = options_for_folder((*shared / "data" / set).string());
    const auto loaded = load_dataset(*options, {"split_loo"});
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    const auto own = make_split(loaded->dataset, {}, *SplitSpec::parse("loo"), 1);
    const auto published =
        make_split(loaded->dataset, loaded->extra, *SplitSpec::parse("column:split_loo"), 1);
    ASSERT_TRUE(own.ok() && published.ok());
    EXPECT_EQ(own->part, published->part) << set;
    EXPECT_EQ(own->train_fingerprint, published->train_fingerprint);
  }
}

}  // namespace
}  // namespace torii::data

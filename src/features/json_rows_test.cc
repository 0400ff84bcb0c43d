#include "features/json_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "features/encoder.h"
#include "support/fake_texts.h"

namespace torii::features {
namespace {

using ::testing::HasSubstr;

EntitySpec small_spec() {
  EntitySpec spec;
  spec.numeric = {{"price", ValueType::kNumber, 10.0, 2.0, true},
                  {"made", ValueType::kTimestamp, 738000.0, 100.0, true}};
  spec.categorical = {{"genres", ValueType::kText, "|", {"a", "b"}, true},
                      {"tags", ValueType::kTextList, "", {"x", "y"}, true},
                      {"new", ValueType::kYesNo, "", {"false", "true"}, true}};
  spec.text = {{"title"}};
  return spec;
}

Result<data::Table> rows_of(const std::string& text, const JsonRowsOptions& options = {}) {
  auto json = Json::parse(text, "rows");
  EXPECT_TRUE(json.ok());
  std::vector<const Json*> rows;
  for (const Json& row : json->as_array()) rows.push_back(&row);
  return json_rows(small_spec(), rows, options);
}

std::string error_of(const std::string& text) {
  const auto table = rows_of(text);
  EXPECT_FALSE(table.ok());
  return table.ok() ? "" : table.error().message;
}

TEST(JsonRows, RowsAreEncodedAsTheSameValuesInAFile) {
  const auto table = rows_of(R"([
    {"price": 12, "made": "2021-07-30", "genres": ["b", "a"], "tags": "x", "new": true,
     "title": " tea "},
    {"price": 12.5, "made": 1627603200000, "genres": "a|b", "tags": ["x", "z"], "new": null},
    {}])");
  ASSERT_TRUE(table.ok()) << table.error().message;
  testing::FakeTexts texts(4);
  Reporter reporter;
  const auto encoded = encode(*table, small_spec(), "fake", &texts, reporter);
  ASSERT_TRUE(encoded.ok()) << encoded.error().message;
  EXPECT_EQ(encoded->rows, 3U);
  EXPECT_EQ(encoded->numeric(0, 0), 1.0F);
  EXPECT_EQ(encoded->numeric(1, 0), 1.25F);
  EXPECT_EQ(encoded->numeric(2, 0), 0.0F);
  EXPECT_EQ(encoded->numeric(0, 1), encoded->numeric(1, 1));
  EXPECT_EQ(encoded->categorical[0].codes, (std::vector<std::uint32_t>{1, 2, 1, 2}));
  EXPECT_EQ(encoded->categorical[1].codes, (std::vector<std::uint32_t>{1, 0, 1}));
  EXPECT_EQ(encoded->categorical[2].offsets, (std::vector<std::uint32_t>{0, 1, 1, 1}));
  EXPECT_EQ(texts.asked, std::vector<std::string>{"tea"});
  EXPECT_EQ(encoded->text[0], (std::vector<std::int32_t>{0, -1, -1}));
}

TEST(JsonRows, ErrorsNameTheMember) {
  EXPECT_THAT(error_of(R"([{"prise": 1}])"), HasSubstr("did you mean 'price'"));
  EXPECT_THAT(error_of(R"([{"price": "1"}])"), HasSubstr("'price': expected a value of type numb"));
  EXPECT_THAT(error_of(R"([{"made": "soon"}])"), HasSubstr("ISO 8601"));
  EXPECT_THAT(error_of(R"([{"made": 1.5}])"), HasSubstr("ISO 8601"));
  EXPECT_THAT(error_of(R"([{"new": 1}])"), HasSubstr("yes/no"));
  EXPECT_THAT(error_of(R"([{"title": ["a"]}])"), HasSubstr("type text"));
  EXPECT_THAT(error_of(R"([{"tags": [1]}])"), HasSubstr("list of texts"));
  EXPECT_THAT(error_of(R"([{}, 3])"), HasSubstr("expected an object"));
}

TEST(JsonRows, OtherMembersAndTextsMayBeLeftOut) {
  const auto table = rows_of(
      R"([{"color": "red", "title": "tea", "price": 1}])",
      {.others = JsonRowsOptions::Others::kIgnore, .texts = JsonRowsOptions::Texts::kLeaveOut});
  ASSERT_TRUE(table.ok()) << table.error().message;
  EXPECT_EQ(table->find("color"), nullptr);
  EXPECT_TRUE(table->find("title")->is_null(0));
  EXPECT_EQ(table->find("price")->ints()[0], 1);
}

TEST(JsonRows, MisfitsMayCountAsNull) {
  const auto table = rows_of(R"([{"price": "cheap", "new": true}])",
                             {.misfits = JsonRowsOptions::Misfits::kIgnore});
  ASSERT_TRUE(table.ok()) << table.error().message;
  EXPECT_TRUE(table->find("price")->is_null(0));
  EXPECT_FALSE(table->find("new")->is_null(0));
}

TEST(JsonRows, NoObjectsGiveNoRows) {
  const auto table = rows_of("[]");
  ASSERT_TRUE(table.ok());
  EXPECT_EQ(table->rows(), 0U);
}

}  // namespace
}  // namespace torii::features

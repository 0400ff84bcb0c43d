#include "feast/value.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "feast/entity_key.h"
#include "feast/online_layout.h"
#include "feast/text_lists.h"

namespace torii::feast {
namespace {

TEST(FeastValue, TextsAreThoseOfPython) {
  EXPECT_EQ(value_text(Value::text("a b")), "a b");
  EXPECT_EQ(value_text({ValueType::kDouble, 549.73}), "549.73");
  EXPECT_EQ(value_text({ValueType::kDouble, 4.0}), "4.0");
  EXPECT_EQ(value_text({ValueType::kDouble, 1e16}), "1e+16");
  EXPECT_EQ(value_text({ValueType::kDouble, 0.00001}), "1e-05");
  EXPECT_EQ(value_text({ValueType::kInt64, std::int64_t{-3}}), "-3");
  EXPECT_EQ(value_text({ValueType::kBool, true}), "True");
  EXPECT_EQ(value_text(Value::texts({"a"})), std::nullopt);
  EXPECT_EQ(value_text({}), std::nullopt);
}

TEST(FeastValue, VectorsNeverEmpty) {
  EXPECT_EQ(vector_bytes(Value::floats({1.0F, -2.5F})),
            std::string("\x00\x02\x00\x00\x3f\x80\x00\x00\xc0\x20\x00\x00", 12));
  EXPECT_EQ(vector_bytes(Value::floats({})), std::nullopt);
  EXPECT_EQ(vector_bytes(Value::texts({"a"})), std::nullopt);
}

TEST(FeastValue, JsonThereAndBack) {
  EXPECT_EQ(value_json({ValueType::kBytes, std::string("\x00\xff", 2)}).dump(), "\"AP8=\"");
  EXPECT_EQ(value_json(Value::floats({0.1F})).dump(), "[0.10000000149011612]");
  EXPECT_EQ(value_json({ValueType::kDouble, std::nan("")}).dump(), "\"NaN\"");
  EXPECT_TRUE(value_json({}).is_null());
  const auto floats = value_of_json(Json::parse("[1, 2.5]", "x").value(), ValueType::kFloatList);
  ASSERT_TRUE(floats.ok());
  EXPECT_EQ(*floats, Value::floats({1.0F, 2.5F}));
  EXPECT_FALSE(value_of_json(Json("x"), ValueType::kFloatList).ok());
  EXPECT_FALSE(value_of_json(Json(1.5), ValueType::kInt64).ok());
  EXPECT_TRUE(value_of_json(Json(), ValueType::kString)->is_null());
}

TEST(FeastValue, TornBytesAreErrors) {
  EXPECT_EQ(decode_value("\x12\x05"
                         "ab")
                .error()
                .code,
            ErrorCode::kCorrupt);
  EXPECT_EQ(decode_entity_key(std::string(3, '\1')).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(decode_entity_key(std::string("\xff\xff\xff\xff", 4)).error().code,
            ErrorCode::kCorrupt);
  EXPECT_FALSE(encode_entity_key({{"a", Value::text("x")}, {"a", Value::text("y")}}).ok());
  EXPECT_FALSE(encode_entity_key({{"a", {ValueType::kDouble, 1.0}}}).ok());
}

TEST(FeastLayout, Times) {
  const std::int64_t time = 1795350896789;
  EXPECT_EQ(decode_time(encode_time(time)).value(), time);
  EXPECT_EQ(decode_time(encode_time(-1)).value(), -1);
  EXPECT_EQ(shown_time(time), "2026-11-22T12:34:56.789Z");
  EXPECT_EQ(shown_time(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(table_name("shop", "items"), "shop_items");
}

TEST(FeastValue, ListsOfTheSameTextsArePutTogether) {
  const std::vector<std::string> texts = {"a", "", "Größe", std::string(300, 'x')};
  const TextLists lists(texts);
  for (const std::vector<std::uint32_t>& list :
       {std::vector<std::uint32_t>{}, {0}, {3, 1, 0, 2}, {2, 2, 2}}) {
    std::vector<std::string> plain;
    for (const std::uint32_t place : list) plain.push_back(texts[place]);
    EXPECT_EQ(lists.of(list), encode_value(Value::texts(plain)));
  }
}

}  // namespace
}  // namespace torii::feast

#include "data/repair_utf8.h"

#include <arrow/util/utf8.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace torii::data {
namespace {

#define BAD "\xEF\xBF\xBD"

TEST(RepairUtf8, LeavesWellFormedTextsAlone) {
  for (const char* text : {"", "plain", "caf\xC3\xA9", "\xF0\x9F\x8E\xB8 10 \xE2\x82\xAC",
                           "\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF", BAD}) {
    EXPECT_EQ(repair_utf8(text), text);
  }
}

TEST(RepairUtf8, ReplacesEveryMaximalPartOnce) {
  EXPECT_EQ(repair_utf8("caf\xE9"), "caf" BAD);
  EXPECT_EQ(repair_utf8("\xE9t\xE9"), BAD "t" BAD);
  EXPECT_EQ(repair_utf8("\x80\xBF"), BAD BAD);
  EXPECT_EQ(repair_utf8("\xC0\xAF"), BAD BAD);                  // overlong
  EXPECT_EQ(repair_utf8("\xED\xA0\x80"), BAD BAD BAD);          // half of a surrogate pair
  EXPECT_EQ(repair_utf8("\xF4\x90\x80\x80"), BAD BAD BAD BAD);  // beyond U+10FFFF
  EXPECT_EQ(repair_utf8("\xF0\x9F\x8E"), BAD);                  // cut off
  EXPECT_EQ(repair_utf8("\xE2\x82z"), BAD "z");
  // The example of the Unicode standard.
  EXPECT_EQ(repair_utf8("a\xF1\x80\x80\xE1\x80\xC2"
                        "b\x80"
                        "c\x80\xBF"
                        "d"),
            "a" BAD BAD BAD "b" BAD "c" BAD BAD "d");
}

TEST(RepairUtf8, AnyBytesBecomeWellFormedAndStaySo) {
  arrow::util::InitializeUTF8();
  Random random(5);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes;
    for (std::uint64_t i = random.next() % 12; i > 0; --i) {
      bytes += static_cast<char>(random.next() % 4 == 0 ? 'a' : 0x80 + random.next() % 128);
    }
    const std::string once = repair_utf8(bytes);
    ASSERT_TRUE(arrow::util::ValidateUTF8(once));
    ASSERT_EQ(repair_utf8(once), once);
    ASSERT_EQ(arrow::util::ValidateUTF8(bytes), once == bytes);
  }
}

}  // namespace
}  // namespace torii::data

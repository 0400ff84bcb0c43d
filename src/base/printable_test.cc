#include "base/printable.h"

#include <gtest/gtest.h>

namespace torii {
namespace {

TEST(Printable, ColumnsCountWhatATerminalShows) {
  EXPECT_EQ(columns_of("plain"), 5U);
  EXPECT_EQ(columns_of("é"), 1U);
  EXPECT_EQ(columns_of("e\u0301"), 1U) << "a combining accent takes no column";
  EXPECT_EQ(columns_of("日本"), 4U);
  EXPECT_EQ(columns_of("\x1b[1mbold\x1b[0m"), 4U);
  EXPECT_EQ(columns_of("\xff\xfe"), 2U) << "broken UTF-8 must not run past the end";
  EXPECT_EQ(columns_of("\xe2\x82"), 2U);
}

TEST(Printable, VisibleTextCannotCommandATerminal) {
  EXPECT_EQ(visible("Pokémon 日本 ☃"), "Pokémon 日本 ☃");
  EXPECT_EQ(visible("\x1b[31mred\x1b]0;title\a"), "␛[31mred␛]0;title␇");
  EXPECT_EQ(visible("a\r\nb\tc\x7f"), "a␍␊b␉c␡");
  EXPECT_EQ(visible(std::string_view("\0", 1)), "␀");
  EXPECT_EQ(visible("\xc2\x9b"
                    "2J"),
            "�2J")
      << "CSI as one character";
  EXPECT_EQ(visible("\x9b\xff"), "��") << "CSI as one byte";
  EXPECT_EQ(visible("\u202Egnp.exe"), "�gnp.exe");
}

TEST(Printable, CutKeepsWholeCharacters) {
  EXPECT_EQ(cut("torii", 5), "torii");
  EXPECT_EQ(cut("torii gate", 6), "torii…");
  EXPECT_EQ(cut("日本語", 4), "日…");
  EXPECT_EQ(cut("abc", 0), "");
}

TEST(Printable, NumbersAndTimesForPeople) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(duration(0.04), "0.0 s");
  EXPECT_EQ(duration(9.96), "10 s");
  EXPECT_EQ(duration(61.2), "1 min 01 s");
  EXPECT_EQ(duration(7300), "2 h 01 min");
  EXPECT_EQ(duration(-1), "?");
}

}  // namespace
}  // namespace torii

#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "base/check.h"
#include "base/error_table.h"

namespace torii {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return invalid("{} is odd", value);
  return value / 2;
}

Result<int> quarter(int value) {
  TORII_TRY(const int first, half(value));
  TORII_TRY(const int second, half(first));
  return second;
}

Result<void> must_be_even(int value) {
  TORII_TRY_VOID(half(value));
  return {};
}

TEST(Result, HoldsAValueOrAnError) {
  EXPECT_EQ(quarter(8).value(), 2);
  const auto error = quarter(6);
  ASSERT_FALSE(error.ok());
  EXPECT_EQ(error.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error.error().message, "3 is odd");
  EXPECT_TRUE(must_be_even(4).ok());
  EXPECT_FALSE(must_be_even(5));
}

TEST(Result, ReadingTheWrongSideThrows) {
  EXPECT_THROW((void)half(1).value(), std::bad_variant_access);
  EXPECT_THROW((void)half(2).error(), std::bad_variant_access);
}

TEST(Result, MovesWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(3));
  const std::unique_ptr<int> value = std::move(result).value();
  EXPECT_EQ(*value, 3);
}

TEST(Result, ContextStandsInFront) {
  EXPECT_EQ(with_context(Error{ErrorCode::kIo, "no"}, "file").message, "file: no");
}

TEST(ErrorTable, EveryCodeHasItsOwnNameAndADocumentedExitCode) {
  std::set<std::string> names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    const ErrorFacts facts = error_facts(static_cast<ErrorCode>(code));
    EXPECT_TRUE(names.insert(facts.name).second) << facts.name;
    EXPECT_TRUE(facts.exit_code >= 1 && facts.exit_code <= 3);
    EXPECT_TRUE(facts.http_status >= 400 && facts.http_status < 600);
  }
  EXPECT_EQ(error_facts(ErrorCode::kInvalidArgument).exit_code, 2);
  EXPECT_EQ(error_facts(ErrorCode::kCorrupt).exit_code, 2);
  EXPECT_EQ(error_facts(ErrorCode::kCheckFailed).exit_code, 3);
  EXPECT_EQ(error_facts(ErrorCode::kIo).exit_code, 1);
}

TEST(CheckDeathTest, PrintsFileConditionAndText) {
  EXPECT_DEATH(TORII_CHECK(1 == 2, "sums"), "result_test.cc:[0-9]+: 1 == 2 \\(sums\\)");
}

}  // namespace
}  // namespace torii

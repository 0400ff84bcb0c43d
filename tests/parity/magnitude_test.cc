// Magnitudes against the reference: a table of cases, and every interaction of its data set.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <unordered_map>

#include "data/table.h"
#include "support/shared_dir.h"
#include "train/magnitude.h"

namespace torii {
namespace {

void expect_equal(double found, double expected) {
  ASSERT_NEAR(found, expected, 1e-5 * std::abs(expected));
}

double magnitude_of(const data::Table& table, std::size_t row) {
  return train::magnitude(table.find("interaction_type")->text_at(row),
                          table.find("rating")->number_at(row),
                          table.find("quantity")->number_at(row));
}

TEST(MagnitudeParity, Cases) {
  const auto folder = testing::parity_dir();
  if (!folder) GTEST_SKIP() << "no golden files: set TORII_SHARED_DIR or TORII_PARITY_DIR";
  auto cases = data::read_table(*folder / "magnitude_cases.csv");
  ASSERT_TRUE(cases.ok()) << cases.error().message;
  ASSERT_GT(cases->rows(), 0U);
  for (std::size_t r = 0; r < cases->rows(); ++r) {
    SCOPED_TRACE("row " + std::to_string(r + 1));
    expect_equal(magnitude_of(*cases, r), *cases->find("magnitude")->number_at(r));
  }
}

TEST(MagnitudeParity, EveryInteractionOfTheReference) {
  const auto folder = testing::parity_dir();
  const auto shared = testing::shared_dir();
  if (!folder || !shared) GTEST_SKIP() << "no golden files: set TORII_SHARED_DIR";
  auto golden = data::read_table(*folder / "magnitude_reference.parquet");
  ASSERT_TRUE(golden.ok()) << golden.error().message;
  auto rows = data::read_table(*shared / "data" / "reference" / "interactions.parquet");
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  std::unordered_map<std::string, double> expected;
  for (std::size_t r = 0; r < golden->rows(); ++r) {
    expected[golden->find("interaction_id")->text_at(r)] = *golden->find("magnitude")->number_at(r);
  }
  std::size_t found = 0;
  for (std::size_t r = 0; r < rows->rows(); ++r) {
    const auto it = expected.find(rows->find("interaction_id")->text_at(r));
    if (it == expected.end()) continue;
    ++found;
    expect_equal(magnitude_of(*rows, r), it->second);
  }
  EXPECT_EQ(found, golden->rows());
}

}  // namespace
}  // namespace torii

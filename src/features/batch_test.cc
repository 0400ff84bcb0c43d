#include "features/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace torii::features {
namespace {

using testing::ElementsAre;

// Three rows: no text, one, both of two columns.
EncodedTable make_table() {
  EncodedTable table;
  table.rows = 3;
  table.numeric = Matrix(3, 1);
  table.numeric(1, 0) = 5.0F;
  table.categorical.resize(1);
  table.categorical[0].offsets = {0, 0, 2, 3};
  table.categorical[0].codes = {7, 8, 9};
  table.text_vectors = Matrix(3, 2);
  for (std::size_t i = 0; i < 6; ++i) table.text_vectors.data()[i] = static_cast<float>(i);
  table.text = {{-1, 0, 1}, {-1, -1, 2}};
  return table;
}

TEST(Gather, PicksRowsInTheGivenOrder) {
  const EncodedTable table = make_table();
  Batch batch;
  batch.repeats = {1.0F};
  const std::vector<std::uint32_t> rows = {1, 0, 1};
  const std::vector<std::int32_t> ids = {4, -1, 4};
  gather(table, rows, ids, TextLayout::kMean, batch);
  EXPECT_EQ(batch.rows, 3U);
  EXPECT_THAT(batch.numeric_view().flat(), ElementsAre(5.0F, 0.0F, 5.0F));
  EXPECT_THAT(batch.categorical[0].offsets, ElementsAre(0, 2, 2, 4));
  EXPECT_THAT(batch.categorical[0].codes, ElementsAre(7, 8, 7, 8));
  EXPECT_EQ(batch.ids, ids);
  EXPECT_TRUE(batch.repeats.empty());
  gather(table, std::vector<std::uint32_t>{2}, {}, TextLayout::kMean, batch);
  EXPECT_EQ(batch.rows, 1U);
  EXPECT_THAT(batch.ids, ElementsAre(-1));
}

TEST(Gather, MeanCountsOnlyTheTextsThatAreThere) {
  Batch batch;
  gather(make_table(), std::vector<std::uint32_t>{0, 1, 2}, {}, TextLayout::kMean, batch);
  EXPECT_THAT(batch.text_view().flat(), ElementsAre(0.0F, 0.0F, 0.0F, 1.0F, 3.0F, 4.0F));
  EXPECT_THAT(batch.text_present, ElementsAre(0, 1, 1));
}

TEST(Gather, SeparateKeepsTheColumnsApart) {
  Batch batch;
  gather(make_table(), std::vector<std::uint32_t>{1, 2}, {}, TextLayout::kSeparate, batch);
  EXPECT_THAT(batch.text_view().flat(),
              ElementsAre(0.0F, 1.0F, 0.0F, 0.0F, 2.0F, 3.0F, 4.0F, 5.0F));
  EXPECT_THAT(batch.text_present, ElementsAre(1, 0, 1, 1));
}

TEST(WithMeanText, GathersTheSameBytes) {
  const EncodedTable table = make_table();
  const EncodedTable mean = with_mean_text(table);
  const std::vector<std::uint32_t> rows = {2, 0, 1};
  Batch expected;
  Batch found;
  gather(table, rows, {}, TextLayout::kMean, expected);
  gather(mean, rows, {}, TextLayout::kMean, found);
  EXPECT_TRUE(std::ranges::equal(found.text_view().flat(), expected.text_view().flat()));
  EXPECT_EQ(found.text_present, expected.text_present);
  EXPECT_EQ(found.categorical[0].codes, expected.categorical[0].codes);
}

}  // namespace
}  // namespace torii::features

// Tables in an object store. Run by with_s3.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "base/file.h"
#include "blob/blob.h"
#include "data/table.h"
#include "support/tables.h"
#include "support/temporary_folder.h"

namespace torii::data {
namespace {

TEST(S3Table, ParquetReadsOnlyTheNeededColumns) {
  constexpr std::int64_t kRows = 20'000;
  std::vector<std::int64_t> ids;
  std::vector<std::string> titles;
  for (std::int64_t row = 0; row < kRows; ++row) {
    ids.push_back(row * 7919 % kRows);
    std::string title;  // does not compress well
    for (std::uint64_t x = static_cast<std::uint64_t>(row) + 1; title.size() < 200;) {
      x = x * 6364136223846793005U + 1442695040888963407U;
      title += std::to_string(x);
    }
    titles.push_back(title);
  }
  const testing::TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "big.parquet";
  ASSERT_TRUE(write_parquet(
                  file, Table({testing::integers("item_id", ids), testing::texts("title", titles)}))
                  .ok());
  const auto bytes = read_file(file);
  ASSERT_TRUE(bytes.ok());
  ASSERT_GT(bytes->size(), 1'000'000U);
  const Environment environment = {{"AWS_ENDPOINT_URL", std::getenv("TORII_TEST_FAULTS")},
                                   {"AWS_ACCESS_KEY_ID", "torii-test"},
                                   {"AWS_SECRET_ACCESS_KEY", "torii-test-secret"}};
  const std::string name = "s3://shop/read/big.parquet";
  const auto put =
      blob::put(name, std::as_bytes(std::span(*bytes)), blob::Existing::kReplace, environment);
  ASSERT_TRUE(put.ok()) << put.error().message;
  const auto table = read_table(name, {.columns = {"item_id"}}, {.environment = &environment});
  ASSERT_TRUE(table.ok()) << table.error().message;
  EXPECT_EQ(table->rows(), static_cast<std::size_t>(kRows));
  const auto counter = blob::open("s3://_count/read/big.parquet", environment);
  ASSERT_TRUE(counter.ok()) << counter.error().message;
  std::string count((*counter)->size(), ' ');
  ASSERT_TRUE((*counter)->read(0, std::as_writable_bytes(std::span(count))).ok());
  std::istringstream words(count);
  std::uint64_t requests = 0, sent = 0;
  words >> requests >> sent;
  EXPECT_GT(sent, 0U);
  EXPECT_LT(sent, bytes->size() / 10) << count;
}

}  // namespace
}  // namespace torii::data

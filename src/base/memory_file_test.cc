#include "base/memory_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <utility>

#include "base/file.h"

namespace torii {
namespace {

TEST(MemoryFile, IsReadByItsPathAndEndsWithIt) {
  std::string path;
  {
    auto made = MemoryFile::make("a key");
    ASSERT_TRUE(made.ok()) << made.error().message;
    const MemoryFile file = std::move(*made);
    path = file.path();
    for (int i = 0; i < 2; ++i) {
      const auto read = read_file(path);
      ASSERT_TRUE(read.ok()) << read.error().message;
      EXPECT_EQ(*read, "a key");
    }
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace torii

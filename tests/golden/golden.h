#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "support/process.h"

namespace torii::testing {

/// Compares `text` with tests/golden/expected/`name`. TORII_UPDATE_GOLDEN=1 writes the file
/// instead: look at the difference with git before you commit it.
inline void expect_golden(const std::string& name, const std::string& text) {
  const std::filesystem::path path =
      std::filesystem::path(TORII_SOURCE_DIR) / "tests" / "golden" / "expected" / name;
  if (std::getenv("TORII_UPDATE_GOLDEN") != nullptr) {
    write_text(path, text);
    return;
  }
  ASSERT_TRUE(std::filesystem::exists(path))
      << path << " is missing: run once with TORII_UPDATE_GOLDEN=1";
  EXPECT_EQ(file_text(path), text) << "run with TORII_UPDATE_GOLDEN=1 if this is meant";
}

}  // namespace torii::testing

#include "base/shared_library.h"

#include <gtest/gtest.h>

namespace torii {
namespace {

TEST(SharedLibrary, FindsWhatIsThereAndNamesWhatIsNot) {
  SharedLibrary library("libm.so.6");
  ASSERT_EQ(library.fault(), "");
  double (*root)(double) = nullptr;
  library.find("sqrt", root);
  ASSERT_NE(root, nullptr);
  EXPECT_EQ(root(9.0), 3.0);
  library.find("no_such_function", root);
  EXPECT_EQ(root, nullptr);
  EXPECT_EQ(library.fault(), "it has no no_such_function");
}

TEST(SharedLibrary, SaysWhichFileIsMissing) {
  SharedLibrary library("libno_such_library.so.1");
  EXPECT_NE(library.fault().find("libno_such_library.so.1"), std::string::npos);
  void (*call)() = nullptr;
  library.find("anything", call);
  EXPECT_EQ(call, nullptr);
}

}  // namespace
}  // namespace torii

#include "base/base64.h"

#include <gtest/gtest.h>

namespace torii {
namespace {

TEST(Base64, ReadsWhatOthersWrite) {
  EXPECT_EQ(from_base64(""), "");
  EXPECT_EQ(from_base64("Zg=="), "f");
  EXPECT_EQ(from_base64("Zm8="), "fo");
  EXPECT_EQ(from_base64("Zm9v"), "foo");
  EXPECT_EQ(from_base64("Zm9v\nYmFy\n"), "foobar");
  EXPECT_EQ(from_base64("/+8A"), std::string("\xFF\xEF\x00", 3));
}

TEST(Base64, RefusesWhatIsNone) {
  for (const char* text : {"Z", "Zg", "Zg=", "Zm9v=", "Z===", "A===", "====", "Zg==Zg==", "Zm-_",
                           "Zh==", "-----BEGIN CERTIFICATE-----"}) {
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace torii

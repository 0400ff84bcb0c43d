#include "server/problem.h"

#include <gtest/gtest.h>

namespace torii::server {
namespace {

TEST(Problem, AMessageOfTheStoreDoesNotTellWhereItIs) {
  const std::string place = "postgres://shop@db.internal/shop";
  EXPECT_EQ(without_place(place + ": tenant 'a' has no version 9", place),
            "tenant 'a' has no version 9");
  EXPECT_EQ(without_place("opening " + place + " failed, " + place + " says", place),
            "opening the store failed, the store says");
  EXPECT_EQ(without_place("nothing of it", place), "nothing of it");
  EXPECT_EQ(without_place("no place", ""), "no place");
}

}  // namespace
}  // namespace torii::server

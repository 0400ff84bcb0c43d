// What only a server can show of the lineage; the rest is the suite of src/pipeline.
#include <gtest/gtest.h>

#include "support/lineage_place.h"

namespace torii::pipeline {
namespace {

TEST(SharedLineage, ALostConnectionIsTakenUpAgain) {
  const testing::TempFolder folder;
  const LineagePlace place(folder.path());
  ASSERT_TRUE(place.is_shared()) << "run by with_postgres.py";
  LineageStore store = place.open();
  ASSERT_TRUE(store.begin_run({.id = "r1", .pipeline = "p"}, {}).ok());
  ASSERT_TRUE(store.hold("r1").ok());
  const auto end_all = [&] {
    const auto done =
        (*sql::open(place.uri(), place.environment(), {.access = sql::Access::kWrite}))
            ->execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
                "current_database() "
                "AND pid <> pg_backend_pid()");
    EXPECT_TRUE(done.ok());
  };
  end_all();
  EXPECT_TRUE(store.set_run("r1", "failed", 9, "why").ok());
  EXPECT_TRUE(*place.open().is_held("r1"));  // it holds it again
  end_all();
  EXPECT_EQ(store.run("r1")->status, "failed");
}

}  // namespace
}  // namespace torii::pipeline

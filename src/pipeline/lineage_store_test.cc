#include "pipeline/lineage_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "support/process.h"

namespace torii::pipeline {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class Lineage : public ::testing::Test {
 protected:
  [[nodiscard]] LineageStore open() const {
    auto store = LineageStore::open(folder_.path() / "lineage.db");
    if (!store.ok()) throw std::runtime_error(store.error().message);
    return std::move(*store);
  }
  testing::TempFolder folder_;
};

TEST_F(Lineage, RunsComeBackAsTheyWereWritten) {
  const RunRecord run{.id = "r1",
                      .pipeline = "shop",
                      .started_ms = 5,
                      .store = "s",
                      .document = "name: shop",
                      .parameters = {{"k", "3"}, {"name", "ü'\""}}};
  ASSERT_TRUE(open().begin_run(run, {{.name = "b", .step = "b"}, {.name = "a", .step = "a"}}).ok());
  LineageStore store = open();
  const auto found = store.run("r");
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(found->parameters, run.parameters);
  EXPECT_EQ(found->document, "name: shop");
  ASSERT_TRUE(store.set_run("r1", "failed", 9, "why").ok());
  EXPECT_EQ(store.run("r1")->status, "failed");
  const auto tasks = store.tasks("r1");
  ASSERT_THAT(*tasks, SizeIs(2));
  EXPECT_EQ((*tasks)[0].name, "b");  // in the order of the plan
  EXPECT_THAT(store.run("x").error().message, HasSubstr("no run 'x'"));
}

TEST_F(Lineage, ATaskEndsWithAllThatItMade) {
  LineageStore store = open();
  ASSERT_TRUE(
      store.begin_run({.id = "r1", .pipeline = "p", .store = "s"}, {{.name = "a", .step = "a"}})
          .ok());
  EXPECT_FALSE(store.cached("k1", "s")->has_value());
  ASSERT_TRUE(store.set_attempt("r1", {.task = "a", .peak_memory_bytes = 77}).ok());
  const ArtifactRecord output{.task = "a",
                              .name = "model",
                              .type = "Model",
                              .stored = {.uri = "u", .sha256 = "h", .bytes = 3, .files = 1}};
  TaskRecord task{.name = "a", .step = "a", .status = "succeeded", .key = "k1"};
  ASSERT_TRUE(store.finish_task("r1", task, {output}).ok());
  ASSERT_TRUE(store.finish_task("r1", task, {output}).ok());  // again: replaced, not doubled
  const auto artifacts = store.artifacts("r1");
  ASSERT_THAT(*artifacts, SizeIs(1));
  EXPECT_EQ(artifacts->front().stored.sha256, "h");
  EXPECT_EQ(store.attempts("r1")->front().peak_memory_bytes, 77U);
  const auto cached = store.cached("k1", "s");
  ASSERT_TRUE(cached->has_value());
  EXPECT_EQ((*cached)->first, "r1");
  EXPECT_FALSE(store.cached("k1", "another store")->has_value());
}

TEST_F(Lineage, TheNewestRunIsTheOneBegunLastWhateverItsClockSaid) {
  LineageStore store = open();
  for (const std::int64_t started : {500, 900, 100}) {
    const std::string id = "r" + std::to_string(started);
    ASSERT_TRUE(store.begin_run({.id = id, .pipeline = "p", .started_ms = started}, {}).ok());
  }
  ASSERT_TRUE(store.begin_run({.id = "r500", .pipeline = "p", .started_ms = 500}, {}).ok());
  const auto runs = store.runs(9);
  ASSERT_THAT(*runs, SizeIs(3));
  EXPECT_EQ((*runs)[0].id, "r100");
  EXPECT_EQ((*runs)[2].id, "r500");  // one that goes on keeps its place
  EXPECT_EQ(store.run("last")->id, "r100");
}

TEST_F(Lineage, LaterSchemasAreRefused) {
  (void)open();
  auto connection =
      sql::open("sqlite:" + (folder_ / "lineage.db"), {}, {.access = sql::Access::kWrite});
  ASSERT_TRUE((*connection)->execute("UPDATE schema_version SET version = 99").ok());
  const auto later = LineageStore::open(folder_.path() / "lineage.db");
  ASSERT_FALSE(later.ok());
  EXPECT_EQ(later.error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace torii::pipeline

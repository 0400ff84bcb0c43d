#include "pipeline/lineage_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

#include "support/lineage_place.h"

namespace torii::pipeline {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class Lineage : public ::testing::Test {
 protected:
  [[nodiscard]] LineageStore open() const { return place_.open(); }
  [[nodiscard]] std::unique_ptr<sql::Connection> connect() const {
    auto made = sql::open(place_.uri(), place_.environment(), {.access = sql::Access::kWrite});
    if (!made.ok()) throw std::runtime_error(made.error().message);
    return std::move(*made);
  }
  testing::TempFolder folder_;
  LineagePlace place_{folder_.path()};
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
  ASSERT_TRUE(connect()->execute("UPDATE torii_lineage SET version = 99").ok());
  const auto later = LineageStore::open_at(place_.uri(), place_.environment());
  ASSERT_FALSE(later.ok());
  EXPECT_EQ(later.error().code, ErrorCode::kUnsupported);
}

TEST_F(Lineage, WhatTheFirstVersionWroteIsTakenOver) {
  const std::string file = folder_ / "first.db";  // it wrote files alone
  {
    const auto opened = sql::open("sqlite:" + file, {}, {.access = sql::Access::kWrite});
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    sql::Connection* old = opened->get();
    for (const char* statement :
         {"CREATE TABLE schema_version (version INTEGER NOT NULL)",
          "INSERT INTO schema_version VALUES (1)",
          "CREATE TABLE runs (id TEXT PRIMARY KEY, pipeline TEXT NOT NULL, status TEXT NOT NULL, "
          "started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL, message TEXT NOT NULL, store "
          "TEXT NOT NULL, document TEXT NOT NULL, source TEXT NOT NULL, command TEXT NOT NULL, "
          "parameters TEXT NOT NULL)",
          "INSERT INTO runs VALUES ('r1', 'p', 'failed', 1, 2, 'm', 's', 'd', 'f', 'c', '{}')",
          "CREATE TABLE tasks (run TEXT NOT NULL, name TEXT NOT NULL, step TEXT NOT NULL, position "
          "INTEGER NOT NULL, status TEXT NOT NULL, cache_key TEXT NOT NULL, cached_from TEXT NOT "
          "NULL, started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL, message TEXT NOT NULL, "
          "command TEXT NOT NULL, attempts INTEGER NOT NULL, PRIMARY KEY (run, name))",
          "INSERT INTO tasks VALUES ('r1', 'a', 'a', 0, 'failed', '', '', 1, 2, 'm', '[]', 1)",
          "CREATE TABLE attempts (run TEXT NOT NULL, task TEXT NOT NULL, number INTEGER NOT NULL, "
          "status TEXT NOT NULL, started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL, exit_code "
          "INTEGER NOT NULL, peak_memory_bytes INTEGER NOT NULL, message TEXT NOT NULL, log TEXT "
          "NOT NULL, PRIMARY KEY (run, task, number))",
          "CREATE TABLE artifacts (run TEXT NOT NULL, task TEXT NOT NULL, role TEXT NOT NULL, name "
          "TEXT NOT NULL, position INTEGER NOT NULL, type TEXT NOT NULL, producer TEXT NOT NULL, "
          "by_location INTEGER NOT NULL, is_value INTEGER NOT NULL, value TEXT NOT NULL, uri TEXT "
          "NOT NULL, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL, files INTEGER NOT NULL, "
          "is_folder INTEGER NOT NULL, exact INTEGER NOT NULL, created_ms INTEGER NOT NULL, "
          "PRIMARY KEY (run, task, role, name, position))",
          "CREATE INDEX tasks_by_key ON tasks (cache_key, ended_ms)"}) {
      ASSERT_TRUE(old->execute(statement).ok()) << statement;
    }
  }
  auto store = LineageStore::open(file);
  ASSERT_TRUE(store.ok()) << store.error().message;
  EXPECT_EQ(store->run("r1")->message, "m");
  EXPECT_THAT(*store->tasks("r1"), SizeIs(1));
  EXPECT_TRUE(store->begin_run({.id = "r2", .pipeline = "p", .host = "h"}, {}).ok());
  EXPECT_EQ(LineageStore::open(file)->run("r2")->host, "h");
}

TEST_F(Lineage, ARunIsAskedToStopOnce) {
  LineageStore runner = open();
  ASSERT_TRUE(runner.begin_run({.id = "r1", .pipeline = "p"}, {}).ok());
  EXPECT_FALSE(*runner.is_asked_to_stop("r1"));
  ASSERT_TRUE(open().ask_to_stop("r1").ok());
  EXPECT_TRUE(*runner.is_asked_to_stop("r1"));
  ASSERT_TRUE(runner.begin_run({.id = "r1", .pipeline = "p"}, {}).ok());  // resumed
  EXPECT_FALSE(*runner.is_asked_to_stop("r1"));
}

TEST_F(Lineage, OneHoldsARunOfASharedLineage) {
  LineageStore other = open();
  {
    LineageStore runner = open();
    EXPECT_EQ(runner.is_shared(), place_.is_shared());
    ASSERT_TRUE(runner.hold("r1").ok());
    EXPECT_EQ(*other.is_held("r1"), place_.is_shared());
    EXPECT_FALSE(*other.is_held("r2"));
    EXPECT_EQ(other.hold("r1").ok(), !place_.is_shared());
  }
  EXPECT_TRUE(other.hold("r1").ok());
}

TEST_F(Lineage, SeveralBeginAtOnce) {
  std::vector<std::thread> runners;
  for (int i = 0; i < 6; ++i) {
    runners.emplace_back([&, i] {
      LineageStore store = open();  // each may be the one that makes the tables
      const std::string id = "r" + std::to_string(i);
      ASSERT_TRUE(store.begin_run({.id = id, .pipeline = "p"}, {{.name = "a", .step = "a"}}).ok());
      for (int n = 0; n < 20; ++n) {
        ASSERT_TRUE(store.finish_task(id, {.name = "a", .step = "a", .attempts = n}, {}).ok());
      }
    });
  }
  for (std::thread& runner : runners) runner.join();
  LineageStore store = open();
  EXPECT_THAT(*store.runs(100), SizeIs(6));
  for (int i = 0; i < 6; ++i) EXPECT_EQ(store.tasks("r" + std::to_string(i))->front().attempts, 19);
}

}  // namespace
}  // namespace torii::pipeline

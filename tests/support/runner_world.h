#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "pipeline/read_graph.h"
#include "pipeline/runner.h"
#include "support/lineage_place.h"
#include "support/process.h"

namespace torii::pipeline {

/// A home, a store and pipelines of shell commands.
class RunnerWorld : public ::testing::Test {
 protected:
  [[nodiscard]] static Plan plan_of(const std::string& yaml, const Given& given = {}) {
    auto graph = read_graph(yaml, "p.yaml");
    if (!graph.ok()) throw std::runtime_error(graph.error().message);
    auto plan = Plan::make(*graph, given, Plan::Missing::kRefuse);
    if (!plan.ok()) throw std::runtime_error(plan.error().message);
    return *plan;
  }
  [[nodiscard]] RunnerOptions options() const {
    RunnerOptions options = {
        .home = folder_.path() / "home",
        .lineage = place_.uri(),
        .store = folder_ / "store",
        .environment = {{"PATH", "/usr/bin:/bin"}, {"DIR", folder_.path().string()}},
        .cpu_milli = 4000,
        .grace_s = 0.5};
    options.environment.insert(place_.environment().begin(), place_.environment().end());
    return options;
  }
  [[nodiscard]] LineageStore open_lineage() const { return place_.open(); }
  [[nodiscard]] RunReport run(const std::string& yaml, const RunnerOptions& options,
                              const Given& given = {}) {
    Reporter silent;
    auto report = run_plan(plan_of(yaml, given), options, silent);
    EXPECT_TRUE(report.ok()) << report.error().message;
    return report.ok() ? *report : RunReport{};
  }
  [[nodiscard]] RunReport run(const std::string& yaml) { return run(yaml, options()); }
  [[nodiscard]] static std::string status(const RunReport& report, const std::string& task) {
    const auto found = std::ranges::find(report.tasks, task, &TaskRecord::name);
    return found == report.tasks.end() ? "none" : found->status;
  }
  /// Text of an output by copy.
  [[nodiscard]] std::string output(const RunReport& report, const std::string& task,
                                   const std::string& name) const {
    const auto artifacts = open_lineage().artifacts(report.run.id);
    for (const ArtifactRecord& one : *artifacts) {
      if (one.task == task && one.name == name && one.role == ArtifactRecord::Role::kOutput) {
        return one.is_value ? one.value : testing::file_text(one.stored.uri);
      }
    }
    return "none";
  }
  /// What steps appended to a file of the folder.
  [[nodiscard]] std::string trace(const std::string& name = "trace") const {
    return testing::file_text(folder_.path() / name);
  }

  testing::TempFolder folder_;
  LineagePlace place_{folder_.path()};
};

}  // namespace torii::pipeline

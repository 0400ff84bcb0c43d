#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <random>
#include <thread>

#include "base/clock.h"
#include "pipeline/process.h"
#include "support/runner_world.h"

namespace torii::pipeline {
namespace {

using RunnerFaults = RunnerWorld;

// Ten steps: three sources, a fan-out of three, and ends that add everything up.
constexpr const char* kTen = R"(
name: ten
description: x
defaults: {cache: false, retries: {count: 20, wait: 0.01s}}
steps:
  a: {command: [sh, -c, 'sleep 0.03; echo a > $0', "${outputs.x}"], outputs: {x: Dataset}}
  b: {command: [sh, -c, 'mkdir $0; echo b > $0/one; sleep 0.03; echo b > $0/two', "${outputs.x}"], outputs: {x: Dataset}}
  c: {command: [sh, -c, 'echo c > $0; sleep 0.03; echo c >> $0', "${outputs.x}"], outputs: {x: {type: Dataset, share: location}}}
  d: {command: [sh, -c, 'sleep 0.02; cat $1 $2/* $3 > $0', "${outputs.x}", "${inputs.a}", "${inputs.b}", "${inputs.c}"], inputs: {a: a.x, b: b.x, c: c.x}, outputs: {x: Dataset}}
  e: {command: [sh, -c, 'sleep 0.02; (cat $1; echo e$2) > $0', "${outputs.x}", "${inputs.d}", "${shard}"], inputs: {d: d.x}, outputs: {x: Dataset}, shards: 3}
  f: {command: [sh, -c, 'out=$0; sleep 0.02; cat "$@" > $out', "${outputs.x}", "${inputs.e}"], inputs: {e: e.x}, outputs: {x: Dataset}}
  g: {command: [sh, -c, 'sleep 0.02; wc -l < $1 > $0', "${outputs.n}", "${inputs.f}"], inputs: {f: f.x}, outputs: {n: integer}}
  h: {command: [sh, -c, 'sleep 0.02; (cat $1; echo $2) > $0', "${outputs.x}", "${inputs.f}", "${inputs.n}"], inputs: {f: f.x, n: g.n}, outputs: {x: {type: Dataset, keep: true}}}
)";

std::string expected() {
  const std::string d = "a\nb\nb\nc\nc\n";
  return d + "e1\n" + d + "e2\n" + d + "e3\n18\n";
}

// Runs it in a process of its own, which is killed after so long; true: it came to its end.
bool run_and_kill(const RunnerOptions& options, int after_ms) {
  const pid_t child = ::fork();
  if (child == 0) {
    Reporter silent;
    const auto graph = read_graph(kTen, "ten.yaml");
    const auto plan = Plan::make(*graph, {}, Plan::Missing::kRefuse);
    const auto report = run_plan(*plan, options, silent);
    if (!report.ok() || report->error) {
      const Error& error = report.ok() ? *report->error : report.error();
      testing::write_text(options.home / "error", error.message);
    }
    ::_exit(report.ok() && !report->error ? 0 : 1);
  }
  int status = 0;
  const std::int64_t end = steady_ns() + std::int64_t{after_ms} * 1'000'000;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    if (steady_ns() > end) ::kill(child, SIGKILL);
    ::usleep(1000);
  }
  EXPECT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) != 0)
      << testing::file_text(options.home / "error");
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Every object of the store is what its name says, and every output that the lineage knows is
// there.
void check_whole(const RunnerOptions& options, LineageStore lineage, const std::string& run) {
  const auto store = ArtifactStore::open(options.store, {});
  const auto artifacts = lineage.artifacts(run);
  const std::filesystem::path back = options.home / "back";
  for (const ArtifactRecord& one : *artifacts) {
    if (one.is_value) continue;
    std::filesystem::remove_all(back);
    if (one.by_location) {
      EXPECT_EQ(fingerprint(one.stored.uri, {})->sha256, one.stored.sha256);
    } else {
      EXPECT_TRUE(store->get(one.stored, back).ok()) << one.task << " " << one.name;
    }
  }
}

TEST_F(RunnerFaults, KilledAtAnyMomentItGoesOnWhereItWas) {
  const char* told = std::getenv("TORII_FAULT_ROUNDS");
  const int rounds = told == nullptr ? 20 : std::atoi(told);
  std::mt19937 random(7);
  std::uniform_int_distribution<int> moment(5, 400);
  for (int round = 0; round < rounds; ++round) {
    RunnerOptions options = this->options();
    options.home = folder_.path() / std::to_string(round);
    options.store = (options.home / "store").string();
    options.run = "r" + std::to_string(round);
    const std::string id = options.run;
    std::filesystem::create_directories(options.home);
    bool done = false;
    for (int kill = 0; kill < 60 && !done; ++kill) {
      done = run_and_kill(options, kill < 5 ? moment(random) : 60'000);
      check_whole(options, open_lineage(), id);
      if (open_lineage().run(id).ok()) options.resume = id;
    }
    ASSERT_TRUE(done) << round;
    LineageStore lineage = open_lineage();
    EXPECT_EQ(lineage.run(id)->status, "succeeded");
    const auto artifacts = lineage.artifacts(id);
    for (const ArtifactRecord& one : *artifacts) {
      if (one.task == "h" && one.name == "x") {
        EXPECT_EQ(testing::file_text(one.stored.uri), expected()) << round;
      }
    }
    std::filesystem::remove_all(options.home);
  }
}

TEST_F(RunnerFaults, KilledStepsAreTriedAgain) {
  std::atomic<bool> done = false;
  RunnerOptions named = options();
  named.run = folder_.path().filename().string();
  std::thread killer([&] {
    for (int i = 0; i < 5 && !done; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(70));
      (void)kill_marked("TORII_PIPELINE_RUN", named.run);
    }
  });
  const RunReport report = run(kTen, named);
  done = true;
  killer.join();
  EXPECT_FALSE(report.error) << report.error->message;
  EXPECT_EQ(output(report, "h", "x"), expected());
}

}  // namespace
}  // namespace torii::pipeline

#include "pipeline/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "base/clock.h"
#include "support/process.h"

namespace torii::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Process : public ::testing::Test {
 protected:
  [[nodiscard]] ProcessSpec shell(const std::string& script) const {
    std::filesystem::create_directories(folder_.path() / "work");
    ProcessSpec spec{.command = {"sh", "-c", script},
                     .folder = folder_.path() / "work",
                     .environment = {{"PATH", "/usr/bin:/bin"}, {"WORD", "told"}},
                     .log = folder_.path() / "log"};
    spec.limits.grace_s = 0.3;
    return spec;
  }
  [[nodiscard]] ProcessEnd run(const ProcessSpec& spec,
                               const std::function<bool()>& cancelled = {}) {
    auto end = run_process(
        spec, [&](std::string_view line) { lines_.emplace_back(line); }, cancelled);
    EXPECT_TRUE(end.ok()) << end.error().message;
    return end.ok() ? *end : ProcessEnd{};
  }
  testing::TempFolder folder_;
  std::vector<std::string> lines_;
};

TEST_F(Process, RunsInItsFolderWithItsEnvironmentAlone) {
  const ProcessEnd end = run(shell("pwd; echo $WORD; echo ${HOME:-none} >&2; printf end"));
  EXPECT_TRUE(end.ok()) << end.message;
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("/work"), "told", "none", "end"));
  EXPECT_THAT(testing::file_text(folder_.path() / "log"), HasSubstr("told\nnone\nend"));
  EXPECT_GT(end.peak_memory_bytes, 100'000U);
}

TEST_F(Process, TellsExitCodesAndSignals) {
  EXPECT_EQ(run(shell("exit 3")).exit_code, 3);
  const ProcessEnd killed = run(shell("kill -9 $$"));
  EXPECT_EQ(killed.kind, ProcessEnd::Kind::kSignalled);
  EXPECT_EQ(killed.exit_code, 137);
}

TEST_F(Process, MissingProgramsAreNamed) {
  ProcessSpec spec = shell("");
  spec.command = {"no-such-program"};
  const auto end = run_process(spec, {}, {});
  ASSERT_FALSE(end.ok());
  EXPECT_THAT(end.error().message, HasSubstr("no-such-program"));
}

TEST_F(Process, TheTimeoutEndsWhatIgnoresSigterm) {
  ProcessSpec spec = shell("trap '' TERM; sleep 60 & sleep 60; sleep 60");
  spec.limits.timeout_s = 0.2;
  const std::int64_t begun = steady_ns();
  const ProcessEnd end = run(spec);
  EXPECT_EQ(end.kind, ProcessEnd::Kind::kTimedOut);
  EXPECT_THAT(end.message, HasSubstr("timeout of 0.2 s"));
  EXPECT_LT(steady_ns() - begun, ns_of(30));
}

TEST_F(Process, CancellingLetsItEndInOrder) {
  ProcessSpec spec = shell("trap 'echo cleaned; exit 1' TERM; echo ready; sleep 60 & wait");
  spec.limits.grace_s = 20;
  const ProcessEnd end = run(spec, [&] { return !lines_.empty(); });
  EXPECT_EQ(end.kind, ProcessEnd::Kind::kCancelled);
  EXPECT_THAT(lines_, ElementsAre("ready", "cleaned"));
}

TEST_F(Process, StorageNamesTheLargestArtifactAndTheRemedy) {
  ProcessSpec spec =
      shell("for i in 1 2 3 4 5 6; do head -c 900000 /dev/zero > model.$i; done; sleep 60");
  spec.limits.storage_bytes = 2'000'000;
  spec.artifacts = {{"model", spec.folder / "model.1"}};
  const ProcessEnd end = run(spec);
  EXPECT_EQ(end.kind, ProcessEnd::Kind::kStorage);
  EXPECT_THAT(end.message, HasSubstr("'model' with 0.9 MiB"));
  EXPECT_THAT(end.message, HasSubstr("share it by location"));
}

TEST_F(Process, OneFileOverTheStorageLimitIsStoppedAtTheByte) {
  ProcessSpec spec = shell("exec head -c 90000000 /dev/zero > big");
  spec.limits.storage_bytes = 1'000'000;
  EXPECT_EQ(run(spec).kind, ProcessEnd::Kind::kStorage);
  EXPECT_LE(std::filesystem::file_size(spec.folder / "big"), 1'000'000U);
}

TEST_F(Process, MemoryOfTheWholeGroupCounts) {
  ProcessSpec spec = shell("head -c 200000000 /dev/zero | tail -c 200000000 | sleep 60");
  spec.limits.memory_bytes = 50'000'000;
  const ProcessEnd end = run(spec);
  EXPECT_EQ(end.kind, ProcessEnd::Kind::kMemory);
  EXPECT_THAT(end.message, HasSubstr("resources.memory_limit"));
  EXPECT_GT(end.peak_memory_bytes, 50'000'000U);
}

TEST_F(Process, MarkedProcessesAreKilled) {
  ProcessSpec spec = shell("echo ready; sleep 60");
  spec.environment["TORII_TEST_MARK"] = folder_.path().string();
  std::size_t killed = 0;
  const ProcessEnd end = run(spec, [&] {
    if (!lines_.empty() && killed == 0) {
      killed = kill_marked("TORII_TEST_MARK", folder_.path().string());
    }
    return false;
  });
  EXPECT_GE(killed, 1U);
  EXPECT_EQ(end.kind, ProcessEnd::Kind::kSignalled);
}

}  // namespace
}  // namespace torii::pipeline

#include "pipeline/runner.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <thread>

#include "base/clock.h"
#include "support/runner_world.h"

namespace torii::pipeline {
namespace {

using ::testing::HasSubstr;

using Runner = RunnerWorld;

constexpr const char* kChain = R"(
name: chain
description: two steps
parameters: {word: hello}
steps:
  make:
    command: [sh, -c, 'echo make >> $DIR/trace; echo "$0" > $1', "${params.word}", "${outputs.text}"]
    outputs: {text: Dataset}
  copy:
    command: [sh, -c, 'echo copy >> $DIR/trace; cat $0 $0 > $1', "${inputs.text}", "${outputs.twice}"]
    inputs: {text: make.text}
    outputs: {twice: {type: Dataset, keep: true}}
)";

TEST_F(Runner, PassesArtifactsFromStepToStep) {
  const RunReport report = run(kChain);
  EXPECT_FALSE(report.error) << report.error->message;
  EXPECT_EQ(report.run.status, "succeeded");
  EXPECT_EQ(output(report, "copy", "twice"), "hello\nhello\n");
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "home/runs" / report.run.id / "work"));
}

TEST_F(Runner, EqualStepsAreTakenFromEarlierRuns) {
  const RunReport first = run(kChain);
  const RunReport second = run(kChain);
  EXPECT_EQ(status(second, "make"), "cached");
  EXPECT_EQ(status(second, "copy"), "cached");
  EXPECT_EQ(trace(), "make\ncopy\n");
  const RunReport other = run(kChain, options(), {{"word", "bye"}});
  EXPECT_EQ(status(other, "make"), "succeeded");
  EXPECT_EQ(output(other, "copy", "twice"), "bye\nbye\n");
  RunnerOptions without = options();
  without.cache = false;
  EXPECT_EQ(status(run(kChain, without), "make"), "succeeded");
}

TEST_F(Runner, WhatIsMissingFromTheStoreIsMadeAgain) {
  (void)run(kChain);
  std::filesystem::remove_all(folder_.path() / "store/objects");
  EXPECT_EQ(status(run(kChain), "make"), "succeeded");
}

TEST_F(Runner, IndependentStepsRunAtTheSameTime) {
  const std::string wait =
      R"(, -c, 'touch $DIR/$0; for i in $(seq 200); do [ -e $DIR/$1 ] && exit 0; sleep 0.05; done; exit 1', )";
  const RunReport report = run("name: both\ndescription: x\nsteps:\n  a: {command: [sh" + wait +
                               "one, two]}\n  b: {command: [sh" + wait + "two, one]}\n");
  EXPECT_FALSE(report.error) << report.error->message;
}

TEST_F(Runner, BudgetsHoldStepsBack) {
  const std::string step =
      R"( {command: [sh, -c, 'mkdir $DIR/busy && sleep 0.1 && rmdir $DIR/busy'], resources: {cpu: 3}}
)";
  const RunReport report =
      run("name: one\ndescription: x\nsteps:\n  a:" + step + "  b:" + step + "  c:" + step);
  EXPECT_FALSE(report.error) << report.error->message;
}

TEST_F(Runner, FansOutAndIn) {
  const RunReport report = run(R"(
name: fan
description: x
steps:
  part:
    command: [sh, -c, 'echo $0/$1 > $2', "${shard}", "${shards}", "${outputs.list}"]
    outputs: {list: Dataset}
    shards: 3
  all:
    command: [sh, -c, 'out=$0; cat "$@" > $out', "${outputs.all}", "${inputs.lists}"]
    inputs: {lists: part.list}
    outputs: {all: {type: Dataset, keep: true}}
)");
  EXPECT_FALSE(report.error) << report.error->message;
  EXPECT_EQ(output(report, "all", "all"), "1/3\n2/3\n3/3\n");
}

constexpr const char* kGate = R"(
name: gated
description: x
parameters: {score: "0.4"}
steps:
  gate:
    command: [sh, -c, 'echo $0 > $1', "${params.score}", "${outputs.score}"]
    outputs: {score: number}
  publish: {command: [sh, -c, 'echo publish >> $DIR/trace'], when: gate.score >= 0.5}
  tell: {command: [sh, -c, 'echo tell >> $DIR/trace'], after: publish}
exit: {name: end, command: [sh, -c, 'echo $0 >> $DIR/end', "${run.status}"]}
)";

TEST_F(Runner, ConditionsSkipWhatNeedsThem) {
  const RunReport no = run(kGate);
  EXPECT_FALSE(no.error);
  EXPECT_EQ(status(no, "publish"), "skipped");
  EXPECT_EQ(status(no, "tell"), "skipped");
  const RunReport yes = run(kGate, options(), {{"score", "0.7"}});
  EXPECT_EQ(status(yes, "tell"), "succeeded");
  EXPECT_EQ(trace(), "publish\ntell\n");
  EXPECT_EQ(trace("end"), "succeeded\nsucceeded\n");
}

TEST_F(Runner, FailuresBlockWhatNeedsThemAndNothingElse) {
  const RunReport report = run(R"(
name: broken
description: x
steps:
  bad: {command: [sh, -c, 'echo run >> $DIR/trace; exit 3'], retries: 5}
  behind: {command: [sh, -c, 'true'], after: bad}
  other: {command: [sh, -c, 'sleep 0.1']}
exit: {name: end, command: [sh, -c, 'echo $0 >> $DIR/end', "${run.status}"]}
)");
  ASSERT_TRUE(report.error.has_value());
  EXPECT_EQ(report.error->code, ErrorCode::kCheckFailed);
  EXPECT_THAT(report.error->message, HasSubstr("step 'bad'"));
  EXPECT_EQ(status(report, "behind"), "blocked");
  EXPECT_EQ(status(report, "other"), "succeeded");
  EXPECT_EQ(trace(), "run\n");  // exit 3 is an answer: not tried again
  EXPECT_EQ(trace("end"), "failed\n");
}

TEST_F(Runner, FailuresOfTheWorldAreTriedAgain) {
  const RunReport report = run(R"(
name: again
description: x
steps:
  shaky:
    command: [sh, -c, 'echo run >> $DIR/trace; [ $(wc -l < $DIR/trace) = 3 ]']
    retries: {count: 5, wait: 0.05s}
)");
  EXPECT_FALSE(report.error);
  EXPECT_EQ(report.tasks.front().attempts, 3);
}

TEST_F(Runner, TimeoutsAndMissingOutputsFail) {
  const RunReport slow =
      run("name: slow\ndescription: x\nsteps: {a: {command: [sleep, 60], timeout: 0.2s}}\n");
  EXPECT_THAT(slow.error->message, HasSubstr("timeout"));
  const RunReport silent = run(
      "name: silent\ndescription: x\nsteps: {a: {command: [echo, \"${outputs.x}\"], outputs: {x: "
      "{type: Dataset, keep: true}}}}\n");
  EXPECT_THAT(silent.error->message, HasSubstr("output 'x' was not written"));
  const auto attempts = open_lineage().attempts(silent.run.id);
  EXPECT_EQ(attempts->front().status, "failed");  // what it was to make is not there
  EXPECT_THAT(attempts->front().message, HasSubstr("output 'x' was not written"));
  EXPECT_EQ(attempts->front().exit_code, 0);
}

TEST_F(Runner, LocationsArePassedThroughWithAFingerprint) {
  testing::write_text(folder_.path() / "users", "ann");
  const std::string pipeline = R"(
name: places
description: x
parameters: {data: {type: text}}
steps:
  read:
    command: [sh, -c, 'cp $0 $1', "${inputs.users}", "${outputs.big}"]
    inputs: {users: {location: "${params.data}", type: Dataset}}
    outputs: {big: {type: Dataset, share: location}}
  use:
    command: [sh, -c, 'cat $0 >> $DIR/trace', "${inputs.big}"]
    inputs: {big: read.big}
)";
  const Given given = {{"data", folder_ / "users"}};
  const RunReport first = run(pipeline, options(), given);
  EXPECT_FALSE(first.error) << first.error->message;
  EXPECT_EQ(trace(), "ann");
  EXPECT_EQ(status(run(pipeline, options(), given), "read"), "cached");
  testing::write_text(folder_.path() / "users", "bob");
  EXPECT_EQ(status(run(pipeline, options(), given), "read"), "succeeded");
}

TEST_F(Runner, ResumesWhereItFailed) {
  const std::string pipeline = R"(
name: resumed
description: x
steps:
  a: {command: [sh, -c, 'echo a >> $DIR/trace; echo 1 > $0', "${outputs.x}"], outputs: {x: Dataset}, cache: false}
  b: {command: [sh, -c, 'echo b >> $DIR/trace; cat $0 $DIR/fixed', "${inputs.x}"], inputs: {x: a.x}, cache: false}
)";
  const RunReport first = run(pipeline);
  ASSERT_TRUE(first.error.has_value());
  testing::write_text(folder_.path() / "fixed", "");
  RunnerOptions again = options();
  again.resume = first.run.id;
  const RunReport second = run(pipeline, again);
  EXPECT_FALSE(second.error) << second.error->message;
  EXPECT_EQ(second.run.id, first.run.id);
  EXPECT_EQ(trace(), "a\nb\nb\n");
  again.from = "a";
  EXPECT_FALSE(run(pipeline, again).error);
  EXPECT_EQ(trace(), "a\nb\nb\na\nb\n");
}

TEST_F(Runner, CancelStopsFromOutsideAndResumeGoesOn) {
  const std::string pipeline =
      "name: long\ndescription: x\nsteps: {a: {command: [sh, -c, 'touch $DIR/begun; [ -e $DIR/go ] "
      "|| sleep 60']}}\n";
  RunnerOptions named = options();
  named.run = "r1";
  std::thread canceller([&] {
    for (int i = 0; i < 1000 && !std::filesystem::exists(folder_.path() / "begun"); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    auto lineage = open_lineage();
    const auto record = lineage.run("r1");
    EXPECT_TRUE(*is_running(lineage, named.home, *record));
    const auto asked = request_cancel(lineage, named.home, *record);
    EXPECT_TRUE(asked.ok() && *asked);
  });
  const RunReport report = run(pipeline, named);
  canceller.join();
  EXPECT_EQ(report.run.status, "cancelled");
  EXPECT_EQ(report.error->code, ErrorCode::kCancelled);
  auto lineage = open_lineage();
  EXPECT_FALSE(*is_running(lineage, named.home, *lineage.run("r1")));
  testing::write_text(folder_.path() / "go", "");
  RunnerOptions again = options();
  again.resume = "r1";
  EXPECT_FALSE(run(pipeline, again).error);
}

}  // namespace
}  // namespace torii::pipeline

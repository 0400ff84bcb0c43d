// Broken input, one kind a case, through the verbs that meet it: the exit code, a message that says
// what, where, found, expected and what to do, no crash, nothing half-written.
// TORII_SHOW_MESSAGES=1 prints what each case says.
#include <fmt/ranges.h>

#include <cstdlib>
#include <memory>

#include "base/json.h"
#include "faults/broken_inputs.h"

namespace torii {
namespace {

constexpr std::size_t kMessageMax = 1500;

class BrokenInputs : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    world_ = std::make_unique<TempFolder>();
    good(world_->path() / "shop");
    const Finished trained =
        run_program({TORII_PROGRAM, "train", "--data=shop/data", "--out=good.bundle",
                     "--set=train.epochs=2", "--set=model.width=8", "--threads=2"},
                    {.folder = world_->path()});
    ASSERT_EQ(trained.exit_code, 0) << trained.err;
  }
  static void TearDownTestSuite() { world_.reset(); }
  static Finished run(const fs::path& folder, const Call& call) {
    Words words = call.words;
    words.insert(words.begin(), TORII_PROGRAM);
    words.emplace_back("--json");
    RunOptions options;
    options.folder = folder;
    options.timeout_s = 60;
    options.environment = {{"HOME", (folder / "home").string()}, {"XDG_CACHE_HOME", ""}};
    options.environment.insert(options.environment.end(), call.environment.begin(),
                               call.environment.end());
    return run_program(words, options);
  }
  static std::unique_ptr<TempFolder> world_;
};
std::unique_ptr<TempFolder> BrokenInputs::world_;

// The error of a failure; else all of stderr.
std::string message_of(const Finished& finished) {
  const std::size_t at = finished.err.rfind("torii: error: ");
  return at == std::string::npos ? finished.err : finished.err.substr(at);
}

// The same data and configuration before a training: whatever the doctor thinks of it, it thinks.
Call doctor_of(const Call& train) {
  Call call{{"doctor", "--no-forecast"}, 0, {}, train.environment};
  for (const std::string& word : train.words) {
    for (const char* flag : {"--data=", "--config=", "--set=", "--split="}) {
      if (word.starts_with(flag)) call.words.push_back(word);
    }
  }
  return call;
}

TEST_F(BrokenInputs, AreToldOfAndLeaveNothing) {
  const bool shows = std::getenv("TORII_SHOW_MESSAGES") != nullptr;
  std::vector<Case> all = table_cases();
  for (auto* more : {&place_cases, &bundle_cases}) {
    std::vector<Case> cases = more();
    all.insert(all.end(), cases.begin(), cases.end());
  }
  EXPECT_GE(all.size(), 40U);
  for (const Case& one : all) {
    SCOPED_TRACE(one.name);
    const fs::path folder = world_->path() / "case";
    fs::remove_all(folder);
    fs::create_directories(folder / "out");
    one.make(folder);
    for (const Call& call : one.calls) {
      const std::string line = fmt::format("torii {}", fmt::join(call.words, " "));
      const Finished finished = run(folder, call);
      if (shows) {
        fmt::print("{}: {}\n  {} {}\n", one.name, line, finished.exit_code,
                   finished.exit_code == 0 ? std::string() : message_of(finished));
      }
      EXPECT_EQ(finished.exit_code, call.exit_code) << line << "\n" << finished.err;
      const std::string message = message_of(finished);
      for (const std::string& words : call.says) {
        EXPECT_NE(finished.err.find(words), std::string::npos)
            << line << "\nwants: " << words << "\n"
            << finished.err;
      }
      const auto document = Json::parse(finished.out, "stdout");
      ASSERT_TRUE(document.ok()) << line << "\n" << finished.out;
      EXPECT_EQ(document->find("error") != nullptr, finished.exit_code != 0) << line;
      if (finished.exit_code != 0) {
        EXPECT_LE(message.size(), kMessageMax) << line;
        EXPECT_EQ(message.find("fault of torii"), std::string::npos) << message;
        EXPECT_TRUE(fs::is_empty(folder / "out")) << line << ": something was left";
      }
      fs::remove_all(folder / "out");
      fs::create_directories(folder / "out");
      if (call.words[0] != "train") continue;
      const Finished checked = run(folder, doctor_of(call));
      EXPECT_LE(checked.exit_code, 3) << line << " (doctor)\n" << checked.err;
      EXPECT_EQ(checked.err.find("fault of torii"), std::string::npos) << checked.err;
      EXPECT_TRUE(Json::parse(checked.out, "stdout").ok()) << line << "\n" << checked.out;
      if (shows) fmt::print("  doctor {} {}\n", checked.exit_code, message_of(checked));
    }
  }
}

// Needs a mount: root in a container that may. Elsewhere base_test's limit of file sizes stands in.
TEST_F(BrokenInputs, AFullDiskIsToldAndLeavesTheOldOutput) {
  const fs::path disk = world_->path() / "disk";
  fs::create_directories(disk);
  good(world_->path() / "full");
  const fs::path folder = world_->path() / "full";
  const auto limited = [&](const Words& words) {
    std::string line = "ulimit -f 8; trap '' XFSZ; exec " + std::string(TORII_PROGRAM);
    for (const std::string& word : words) line += " '" + word + "'";
    return run_program({"/bin/bash", "-c", line}, {.folder = folder});
  };
  const Words words = {"train",        "--data=data", "--out=b.bundle", "--set=train.epochs=2",
                       "--cache=none", "--json"};
  const Finished stopped = limited(words);
  EXPECT_EQ(stopped.exit_code, 1) << stopped.err;
  EXPECT_NE(stopped.err.find("limit of file sizes"), std::string::npos) << stopped.err;
  EXPECT_FALSE(fs::exists(folder / "b.bundle"));
  for (const auto& entry : fs::directory_iterator(folder)) {
    EXPECT_EQ(entry.path().filename().string(), "data");
  }
  Words candidates = {"candidates", "--bundle=../good.bundle", "--data=data", "--out=c.parquet"};
  write_text(folder / "c.parquet", "old");
  const Finished failed =
      run_program({"/bin/bash", "-c",
                   "ulimit -f 1; trap '' XFSZ; exec " + std::string(TORII_PROGRAM) +
                       fmt::format(" {}", fmt::join(candidates, " "))},
                  {.folder = folder});
  EXPECT_EQ(failed.exit_code, 1) << failed.err;
  EXPECT_EQ(file_text(folder / "c.parquet"), "old");
}

}  // namespace
}  // namespace torii

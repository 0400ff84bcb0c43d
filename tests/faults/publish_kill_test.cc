// Publishing under kill -9 and on a full disk: the version before goes on, whole; the next try
// succeeds. TORII_FAULT_ROUNDS kills (10).
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "publish/bundle_place.h"
#include "store/store.h"
#include "support/process.h"

namespace torii {
namespace {

namespace fs = std::filesystem;
using testing::Finished;
using testing::run_program;
using testing::TempFolder;
using Clock = std::chrono::steady_clock;

int rounds() {
  const char* text = std::getenv("TORII_FAULT_ROUNDS");
  return text == nullptr ? 10 : std::max(1, std::atoi(text));
}

class PublishFaults : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TempFolder>();
    ASSERT_EQ(run({"generate", "--users=800", "--items=300", "--interactions=12000", "--out=shop"}),
              0);
    for (const char* seed : {"1", "2"}) {
      ASSERT_EQ(run({"train", "--data=shop", fmt::format("--out={}.bundle", seed),
                     fmt::format("--seed={}", seed), "--set", "train.epochs=1", "--set",
                     "model.width=16", "--set", "data.items.skip=[title]"}),
                0);
    }
  }
  static void TearDownTestSuite() { folder_.reset(); }

  static std::vector<std::string> line(std::vector<std::string> words) {
    words.insert(words.begin(), TORII_PROGRAM);
    words.emplace_back("--quiet");
    return words;
  }
  static int run(const std::vector<std::string>& words) {
    const Finished finished = run_program(line(words), {.folder = folder_->path()});
    EXPECT_TRUE(finished.exit_code == 0) << finished.err;
    return finished.exit_code;
  }
  static std::vector<std::string> publish(int bundle, const std::string& store) {
    return {"publish",     fmt::format("--bundle={}.bundle", bundle),
            "--data=shop", "--store=sqlite:" + store,
            "--set",       "publish.gate=off"};
  }
  // Runs for `seconds` and kills; false if it ended before.
  static bool kill_after(const std::vector<std::string>& words, double seconds) {
    const std::vector<std::string> all = line(words);
    std::vector<char*> arguments;
    for (const std::string& word : all) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
      const int nothing = ::open("/dev/null", O_RDWR);
      for (int stream = 0; stream < 3; ++stream) ::dup2(nothing, stream);
      if (::chdir(folder_->path().c_str()) != 0) ::_exit(126);
      ::execv(arguments[0], arguments.data());
      ::_exit(127);
    }
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    int status = 0;
    while (::waitpid(child, &status, WNOHANG) == 0) {
      if (Clock::now() >= end) {
        ::kill(child, SIGKILL);
        ::waitpid(child, &status, 0);
        break;
      }
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    return WIFSIGNALED(status);
  }
  // The current version, after all that it is made of was looked at.
  static std::uint64_t whole_version(const std::string& name) {
    auto store = store::open("sqlite:" + (*folder_ / name), {});
    EXPECT_TRUE(store.ok()) << store.error().message;
    const auto faults = (*store)->verify();
    EXPECT_TRUE(faults.ok() && faults->empty()) << fmt::format("{}", fmt::join(*faults, "; "));
    const std::uint64_t current = (*store)->current_version("default").value();
    const auto publications = (*store)->publications("default");
    EXPECT_TRUE(publications.ok());
    if (!publications.ok()) return current;
    for (const store::Publication& publication : *publications) {
      EXPECT_LE(publication.version, current);
      EXPECT_EQ(publication.users, 800U);
      EXPECT_EQ(publication.items, 300U);
      const auto bundle =
          publish::fetch_bundle(publication.bundle_uri, publication.bundle_id, folder_->path(), {});
      EXPECT_TRUE(bundle.ok()) << bundle.error().message;
    }
    return current;
  }
  static std::unique_ptr<TempFolder> folder_;
};
std::unique_ptr<TempFolder> PublishFaults::folder_;

TEST_F(PublishFaults, KilledAtAnyMomentTheOldVersionOrTheNewOneIsWhole) {
  const auto begun = Clock::now();
  ASSERT_EQ(run(publish(1, "shop.db")), 0);
  const double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  std::uint64_t version = whole_version("shop.db");
  EXPECT_EQ(version, 1U);
  Random random(3);
  int killed = 0;
  for (int round = 0; round < rounds(); ++round) {
    SCOPED_TRACE(fmt::format("round {}", round));
    const bool was_killed =
        kill_after(publish(1 + round % 2, "shop.db"), seconds * (0.1 + random.uniform()));
    killed += was_killed ? 1 : 0;
    const std::uint64_t now = whole_version("shop.db");
    EXPECT_TRUE(now == version || now == version + 1) << now;
    if (!was_killed) {
      EXPECT_EQ(now, version + 1);
    }
    version = now;
  }
  EXPECT_GT(killed, 0);
  ASSERT_EQ(run(publish(2, "shop.db")), 0);
  EXPECT_EQ(whole_version("shop.db"), version + 1);
  // What the killed ones wrote goes with the next gc.
  ASSERT_EQ(run({"store", "gc", "--store=sqlite:shop.db", "--set", "publish.drafts_hours=0",
                 "--set", "publish.keep=1"}),
            0);
  EXPECT_EQ(whole_version("shop.db"), version + 1);
}

TEST_F(PublishFaults, OnAFullDiskNothingChanges) {
  ASSERT_EQ(run(publish(1, "full.db")), 0);
  // A limit of the size of a file stands in for the disk; in blocks of 512 bytes.
  std::string command;
  for (const std::string& word : line(publish(2, "full.db"))) command += "'" + word + "' ";
  const Finished full = run_program({"/bin/sh", "-c", "ulimit -f 400 && exec " + command},
                                    {.folder = folder_->path()});
  EXPECT_EQ(full.exit_code, 1) << full.err;
  EXPECT_EQ(whole_version("full.db"), 1U);
  ASSERT_EQ(run(publish(2, "full.db")), 0);
  EXPECT_EQ(whole_version("full.db"), 2U);
}

}  // namespace
}  // namespace torii

// kill -9 at any moment: nothing half-written is to be seen, what was there stays whole, and the
// next run ends with the bytes of one that was never killed. TORII_FAULT_ROUNDS kills (10).
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
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "support/process.h"
#include "text/test_model.h"

namespace torii {
namespace {

namespace fs = std::filesystem;
using testing::file_text;
using testing::Finished;
using testing::run_program;
using testing::TempFolder;
using testing::write_text;
using Clock = std::chrono::steady_clock;
using Tree = std::map<std::string, std::string>;  // names below a folder, and what they hold

constexpr auto kPoll = std::chrono::microseconds(200);

int rounds() {
  const char* text = std::getenv("TORII_FAULT_ROUNDS");
  return text == nullptr ? 10 : std::max(1, std::atoi(text));
}

Tree tree_of(const fs::path& path) {
  Tree tree;
  if (fs::is_regular_file(path)) tree[""] = file_text(path);
  if (!fs::is_directory(path)) return tree;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (!entry.is_regular_file()) continue;
    tree[fs::relative(entry.path(), path).string()] = file_text(entry.path());
  }
  return tree;
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool has_temporary(const fs::path& folder) {
  const auto names = names_in(folder);
  return std::ranges::any_of(
      names, [](const std::string& name) { return name.find(".tmp-") != std::string::npos; });
}

void write_shop(const fs::path& folder) {
  std::string users = "user_id,age,city\n";
  for (int u = 0; u < 300; ++u) users += fmt::format("u{:03},{},c{}\n", u, 20 + u % 40, u % 7);
  write_text(folder / "users.csv", users);
  std::string items = "item_id,price,kind,title\n";
  const std::string letters = "abcdefghijklmnopqrstuvwxyz";
  for (int i = 0; i < 200; ++i) {
    std::string title = "hello world";
    for (int n = 0; n < 12; ++n) title += fmt::format(" {}", letters[(i * 7 + n * n) % 26]);
    items += fmt::format("i{:03},{}.5,k{},{} {}\n", i, i, i % 5, title, letters[i % 26]);
  }
  write_text(folder / "items.csv", items);
  std::string rows = "user_id,item_id,timestamp\n";
  for (int u = 0; u < 300; ++u) {
    for (int n = 0; n < 12; ++n) {
      rows += fmt::format("u{:03},i{:03},{}\n", u, (u * 7 + n * 13 + u % 3) % 200,
                          1700000000 + u * 100 + n);
    }
  }
  write_text(folder / "interactions.csv", rows);
}

class Kill : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    world_ = std::make_unique<TempFolder>();
    write_shop(world_->path() / "shop");
    text::testing::TestModel model;
    model.write(world_->path() / "model");
    write_text(*world_ / "torii.yaml",
               "data:\n  interactions: {path: shop/interactions.csv}\n"
               "  users: {path: shop/users.csv}\n"
               "  items: {path: shop/items.csv, text: [title]}\n"
               "model: {width: 16, text_model: ./model}\n"
               "train: {epochs: 25, patience: 0, batch_size: 256}\n");
  }
  static void TearDownTestSuite() { world_.reset(); }

  static std::vector<std::string> command(std::vector<std::string> words) {
    words.insert(words.begin(), TORII_PROGRAM);
    words.insert(words.end(), {"--config=torii.yaml", "--quiet", "--threads=2"});
    return words;
  }
  static Finished run(const std::vector<std::string>& words) {
    return run_program(command(words), {.folder = world_->path()});
  }

  // Runs and kills when `now` says so, asked all the time. False if it ended before.
  static bool kill_when(const std::vector<std::string>& words, const std::function<bool()>& now) {
    const std::vector<std::string> line = command(words);
    const pid_t child = ::fork();
    if (child == 0) {
      const int nothing = ::open("/dev/null", O_RDWR);
      for (int stream = 0; stream < 3; ++stream) ::dup2(nothing, stream);
      if (::chdir(world_->path().c_str()) != 0) ::_exit(126);
      std::vector<char*> arguments;
      for (const std::string& word : line) arguments.push_back(const_cast<char*>(word.c_str()));
      arguments.push_back(nullptr);
      ::execv(arguments[0], arguments.data());
      ::_exit(127);
    }
    int status = 0;
    const auto deadline = Clock::now() + std::chrono::seconds(120);
    while (::waitpid(child, &status, WNOHANG) == 0) {
      if (now() || Clock::now() > deadline) {
        ::kill(child, SIGKILL);
        ::waitpid(child, &status, 0);
        return WIFSIGNALED(status);
      }
      std::this_thread::sleep_for(kPoll);
    }
    return false;
  }
  static std::function<bool()> after(double seconds) {
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    return [end] { return Clock::now() >= end; };
  }
  // While something is being written into `folder`, a little later than it began.
  static std::function<bool()> while_writing(const fs::path& folder, double later) {
    auto seen = std::make_shared<Clock::time_point>();
    return [folder, later, seen] {
      if (*seen == Clock::time_point() && has_temporary(folder)) *seen = Clock::now();
      return *seen != Clock::time_point() &&
             std::chrono::duration<double>(Clock::now() - *seen).count() >= later;
    };
  }
  // What a user may see beside the output: only hidden files and the checkpoints.
  static void expect_nothing_torn(const fs::path& folder, const std::string& output) {
    for (const std::string& name : names_in(folder)) {
      EXPECT_TRUE(name == output || name == output + ".checkpoint" || name.front() == '.') << name;
    }
  }
  static std::unique_ptr<TempFolder> world_;
};
std::unique_ptr<TempFolder> Kill::world_;

TEST_F(Kill, TrainingGoesOnToTheSameBytes) {
  const std::vector<std::string> train = {"train",    "--split=loo", "--cache=cache",
                                          "--resume", "--set",       "train.checkpoint_s=0.002"};
  const auto to = [&](const std::string& out) {
    auto words = train;
    words.push_back("--out=" + out + "/b.bundle");
    return words;
  };
  for (const char* name : {"whole", "old", "killed"}) fs::create_directory(*world_ / name);
  const auto begun = Clock::now();
  const Finished whole = run(to("whole"));
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  const double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  const Tree expected = tree_of(*world_ / "whole/b.bundle");
  ASSERT_EQ(expected.size(), 5U);
  auto other = to("old");
  other.insert(other.end(), {"--seed=7", "--set", "train.epochs=2"});
  ASSERT_EQ(run(other).exit_code, 0);
  const Tree old = tree_of(*world_ / "old/b.bundle");
  ASSERT_NE(old, expected);

  const fs::path folder = *world_ / "killed";
  Random random(20);
  int killed = 0;
  for (int round = 0; round < rounds(); ++round) {
    SCOPED_TRACE(fmt::format("round {}", round));
    fs::remove_all(folder);
    fs::create_directory(folder);
    const bool has_old = round % 2 == 1;
    if (has_old)
      fs::copy(*world_ / "old/b.bundle", folder / "b.bundle", fs::copy_options::recursive);
    // One to three kills: somewhere, in the writing of a checkpoint, in that of the bundle.
    const int times = 1 + static_cast<int>(random.below(3));
    for (int n = 0; n < times; ++n) {
      const double later = random.uniform() * 0.003;
      const std::uint64_t kind = random.below(3);
      const bool was =
          kill_when(to("killed"), kind == 0   ? after(random.uniform() * seconds)
                                  : kind == 1 ? while_writing(folder / "b.bundle.checkpoint", later)
                                              : while_writing(folder, later));
      killed += was ? 1 : 0;
      expect_nothing_torn(folder, "b.bundle");
      const Tree found = tree_of(folder / "b.bundle");
      EXPECT_TRUE(found == expected || (has_old ? found == old : found.empty()));
    }
    const Finished resumed = run(to("killed"));
    ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
    EXPECT_TRUE(tree_of(folder / "b.bundle") == expected);
    EXPECT_EQ(names_in(folder), std::vector<std::string>{"b.bundle"}) << "something was left";
  }
  EXPECT_GE(killed, rounds() / 2) << "the kills came too late to test anything";
}

TEST_F(Kill, OutputsAreOldOrNewAndNothingIsLeft) {
  for (const char* name : {"made", "right", "out"}) fs::create_directory(*world_ / name);
  const Finished trained = run(
      {"train", "--split=loo", "--cache=none", "--out=made/b.bundle", "--set", "train.epochs=2"});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  struct Output {
    std::vector<std::string> words;
    std::string name;
    Tree right;
    double seconds = 0.0;
  };
  std::vector<Output> outputs = {
      {{"candidates", "--bundle=made/b.bundle", "--cache=outputs"}, "c.parquet", {}, 0.0},
      {{"embed", "--bundle=made/b.bundle", "--cache=outputs"}, "e", {}, 0.0}};
  for (Output& output : outputs) {
    auto words = output.words;
    words.push_back("--out=right/" + output.name);
    const auto begun = Clock::now();
    const Finished finished = run(words);
    ASSERT_EQ(finished.exit_code, 0) << finished.err;
    output.seconds = std::chrono::duration<double>(Clock::now() - begun).count();
    output.right = tree_of(*world_ / "right/" + output.name);
  }
  Random random(21);
  const fs::path folder = *world_ / "out";
  int killed = 0;
  for (int round = 0; round < rounds(); ++round) {
    SCOPED_TRACE(fmt::format("round {}", round));
    const Output& output = outputs[static_cast<std::size_t>(round) % outputs.size()];
    const fs::path path = folder / output.name;
    fs::remove_all(path);
    const bool has_old = round % 4 >= 2;
    Tree old;
    if (has_old) {
      if (output.name == "e") {
        write_text(path / "user_embeddings.parquet", "old users");
        write_text(path / "item_embeddings.parquet", "old items");
      } else {
        write_text(path, "old candidates");
      }
      old = tree_of(path);
    }
    // Every other time the cache of the texts is empty, and being written.
    if (random.below(2) == 0) fs::remove_all(*world_ / "outputs");
    auto words = output.words;
    words.push_back("--out=out/" + output.name);
    killed +=
        kill_when(words, random.below(2) == 0 ? while_writing(folder, random.uniform() * 0.002)
                                              : after(random.uniform() * output.seconds))
            ? 1
            : 0;
    expect_nothing_torn(folder, output.name);
    const Tree found = tree_of(path);
    EXPECT_TRUE(found == output.right || found == old);
    const Finished again = run(words);
    ASSERT_EQ(again.exit_code, 0) << again.err;
    EXPECT_TRUE(tree_of(path) == output.right) << "after a kill the next run gives other bytes";
    EXPECT_EQ(names_in(folder), std::vector<std::string>{output.name}) << "something was left";
    fs::remove_all(path);
  }
  EXPECT_GE(killed, rounds() / 2) << "the kills came too late to test anything";
}

TEST_F(Kill, TwoRunsIntoOnePlaceDoNotMix) {
  fs::create_directory(*world_ / "two");
  const std::vector<std::string> words = {
      "train", "--split=loo", "--cache=cache", "--out=two/b.bundle", "--set", "train.epochs=10000"};
  bool asked = false;
  std::string message;
  const bool was = kill_when(words, [&] {
    if (!fs::exists(*world_ / "two/.b.bundle.lock")) return false;
    if (asked) return true;
    asked = true;
    const Finished second = run(words);
    EXPECT_EQ(second.exit_code, 1) << second.err;
    message = second.err;
    return true;
  });
  EXPECT_TRUE(was);
  EXPECT_NE(message.find("is writing it at this moment"), std::string::npos) << message;
  EXPECT_NE(message.find("process "), std::string::npos) << message;
  EXPECT_FALSE(fs::exists(*world_ / "two/b.bundle"));
  // The dead one's lock does not block.
  auto quick = words;
  quick.back() = "train.epochs=1";
  const Finished third = run(quick);
  EXPECT_EQ(third.exit_code, 0) << third.err;
  EXPECT_FALSE(fs::exists(*world_ / "two/.b.bundle.lock"));
}

}  // namespace
}  // namespace torii

#include "base/file_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <optional>

#include "support/temporary_folder.h"

namespace torii {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

TEST(FileLock, OneAtATimeAndNothingIsLeft) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "out";
  {
    const auto first = FileLock::take(path);
    ASSERT_TRUE(first.ok()) << first.error().message;
    for (const fs::path& again : {path, folder.path() / "out/"}) {
      const auto second = FileLock::take(again);
      ASSERT_FALSE(second.ok());
      EXPECT_THAT(second.error().message,
                  HasSubstr("process " + std::to_string(::getpid()) + " on "));
    }
    EXPECT_TRUE(FileLock::take(folder.path() / "other").ok());
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
  EXPECT_TRUE(FileLock::take(path).ok());
}

TEST(FileLock, AMovedOneHoldsOn) {
  const TemporaryFolder folder;
  std::optional<FileLock> kept;
  {
    auto lock = FileLock::take(folder.path() / "out");
    ASSERT_TRUE(lock.ok());
    kept = std::move(*lock);
  }
  EXPECT_FALSE(FileLock::take(folder.path() / "out").ok());
  kept.reset();
  EXPECT_TRUE(FileLock::take(folder.path() / "out").ok());
}

TEST(FileLock, TheDeadDoNotBlock) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "out";
  int told[2];
  ASSERT_EQ(::pipe(told), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = FileLock::take(path);
    (void)!::write(told[1], lock.ok() ? "y" : "n", 1);
    ::pause();
    ::_exit(0);
  }
  char taken = 0;
  ASSERT_EQ(::read(told[0], &taken, 1), 1);
  EXPECT_EQ(taken, 'y');
  const auto blocked = FileLock::take(path);
  ASSERT_FALSE(blocked.ok());
  EXPECT_THAT(blocked.error().message, HasSubstr("process " + std::to_string(child)));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_FALSE(fs::is_empty(folder.path())) << "the killed one left its file";
  EXPECT_TRUE(FileLock::take(path).ok());
  EXPECT_TRUE(fs::is_empty(folder.path()));
  ::close(told[0]);
  ::close(told[1]);
}

TEST(FileLock, AMissingFolderIsNamed) {
  const TemporaryFolder folder;
  const auto lock = FileLock::take(folder.path() / "none" / "out");
  ASSERT_FALSE(lock.ok());
  EXPECT_EQ(lock.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace torii

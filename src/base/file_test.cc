#include "base/file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <thread>
#include <vector>

namespace torii {
namespace {

namespace fs = std::filesystem;

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "torii-file-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() { fs::remove_all(path_); }
  [[nodiscard]] const fs::path& path() const { return path_; }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path_)) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

 private:
  fs::path path_;
};

void put(const fs::path& path, std::string_view text) {
  std::ofstream(path) << text;
}

std::string get(const fs::path& path) {
  auto text = read_file(path);
  return text.ok() ? *text : "error: " + text.error().message;
}

TEST(ReadFile, ReturnsAllBytes) {
  TemporaryFolder folder;
  const std::string text("a\0b\n\xff", 5);
  put(folder.path() / "x", text);
  EXPECT_EQ(get(folder.path() / "x"), text);
  put(folder.path() / "empty", "");
  EXPECT_EQ(get(folder.path() / "empty"), "");
}

TEST(ReadFile, ReadsFilesThatClaimNoSize) {
  EXPECT_NE(get("/proc/self/status").find("Name:"), std::string::npos);
}

TEST(ReadFile, NamesWhatIsWrong) {
  TemporaryFolder folder;
  const auto missing = read_file(folder.path() / "missing");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_NE(missing.error().message.find("No such file"), std::string::npos);
  EXPECT_EQ(read_file(folder.path()).error().code, ErrorCode::kInvalidArgument);
  put(folder.path() / "x", "12345");
  EXPECT_TRUE(read_file(folder.path() / "x", 5).ok());
  EXPECT_EQ(read_file(folder.path() / "x", 4).error().code, ErrorCode::kResourceExhausted);
}

TEST(MappedFile, ShowsTheBytesAndMoves) {
  TemporaryFolder folder;
  put(folder.path() / "x", "hello");
  auto opened = MappedFile::open(folder.path() / "x");
  ASSERT_TRUE(opened.ok());
  MappedFile first = std::move(opened).value();
  MappedFile second = std::move(first);
  EXPECT_EQ(second.bytes().size(), 5U);
  EXPECT_EQ(std::to_integer<char>(second.bytes()[1]), 'e');
  first = std::move(second);
  EXPECT_EQ(first.bytes().size(), 5U);
}

TEST(MappedFile, EmptyFileIsEmptyAndFolderIsRefused) {
  TemporaryFolder folder;
  put(folder.path() / "empty", "");
  EXPECT_TRUE(MappedFile::open(folder.path() / "empty").value().bytes().empty());
  EXPECT_EQ(MappedFile::open(folder.path()).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(MappedFile::open(folder.path() / "no").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(MappedFile::open("/dev/null").error().code, ErrorCode::kInvalidArgument);
}

TEST(WriteFileDurably, ReplacesAndLeavesNoTemporary) {
  TemporaryFolder folder;
  const fs::path path = folder.path() / "x";
  ASSERT_TRUE(write_file_durably(path, "one").ok());
  ASSERT_TRUE(write_file_durably(path, "two!").ok());
  EXPECT_EQ(get(path), "two!");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"x"});
}

TEST(WriteFileDurably, JoinsPieces) {
  TemporaryFolder folder;
  const std::string a = "ab", b, c = "c";
  const std::vector<std::span<const std::byte>> pieces = {
      std::as_bytes(std::span(a)), std::as_bytes(std::span(b)), std::as_bytes(std::span(c))};
  ASSERT_TRUE(write_file_durably(folder.path() / "x", pieces).ok());
  EXPECT_EQ(get(folder.path() / "x"), "abc");
}

TEST(WriteFileDurably, RefusesWhatIsNoFile) {
  TemporaryFolder folder;
  EXPECT_EQ(write_file_durably(folder.path() / "no" / "x", "a").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(write_file_durably(folder.path(), "a").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(write_file_durably("/dev/null", "a").error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_TRUE(folder.names().empty());
}

TEST(WriteFileDurably, TakesNamesAsLongAsTheFileSystemDoes) {
  TemporaryFolder folder;
  EXPECT_TRUE(write_file_durably(folder.path() / std::string(255, 'n'), "a").ok());
  EXPECT_EQ(write_file_durably(folder.path() / std::string(256, 'n'), "a").error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(folder.names().size(), 1U);
}

TEST(WriteFileDurably, AStaleTemporaryDoesNotStopIt) {
  TemporaryFolder folder;
  put(folder.path() / fmt::format(".x.tmp-{}-0", ::getpid()), "torn");
  ASSERT_TRUE(write_file_durably(folder.path() / "x", "whole").ok());
  EXPECT_EQ(get(folder.path() / "x"), "whole");
}

// A process that is certainly gone.
pid_t dead_process() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  return child;
}

TEST(WriteFileDurably, RemovesWhatKilledWritersLeft) {
  const TemporaryFolder folder;
  const pid_t dead = dead_process();
  const auto left = [&](const std::string& name, pid_t pid) {
    return fmt::format(".{}.tmp-{}-0", name, pid);
  };
  put(folder.path() / left("out", dead), "torn");
  fs::create_directories(folder.path() / left("tree", dead) / "below");
  // Not ours to remove: of another name, of a living process, not such a name at all.
  const std::vector<std::string> kept = {left("other", dead), left("out", ::getppid()),
                                         left("out", dead) + "-old", ".out.tmp-x-0"};
  for (const std::string& name : kept) put(folder.path() / name, "kept");
  ASSERT_TRUE(write_file_durably(folder.path() / "out", "new").ok());
  ASSERT_TRUE(write_folder_durably(folder.path() / "tree", {}, [](const fs::path&) {
                return Result<void>();
              }).ok());
  EXPECT_FALSE(fs::exists(folder.path() / left("out", dead)));
  EXPECT_FALSE(fs::exists(folder.path() / left("tree", dead)));
  for (const std::string& name : kept) EXPECT_TRUE(fs::exists(folder.path() / name)) << name;
}

TEST(WriteFileDurably, AWriterAtWorkKeepsItsTemporary) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "out";
  const auto outer = write_durably_with(path, [&](const fs::path& temporary) -> Result<void> {
    // Old, and named as if its maker were dead: the lock alone speaks for it.
    put(temporary, "outer");
    TORII_TRY_VOID(write_file_durably(path, "inner"));
    EXPECT_TRUE(fs::exists(temporary));
    return {};
  });
  ASSERT_TRUE(outer.ok()) << outer.error().message;
  EXPECT_EQ(*read_file(path), "outer");
}

// The nearest thing to a full disk that any user can have.
TEST(WriteFileDurably, ALimitOfFileSizesIsToldAndKeepsTheOldContent) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "out";
  ASSERT_TRUE(write_file_durably(path, "old").ok());
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto written = write_file_durably(path, std::string(100000, 'x'));
    const bool told = !written.ok() && written.error().code == ErrorCode::kResourceExhausted &&
                      written.error().message.find("limit of file sizes") != std::string::npos;
    ::_exit(told ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(*read_file(path), "old");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"out"});
}

TEST(WriteFileDurably, FullDiskKeepsTheOldContent) {
  // /dev/full cannot be renamed over, so the write itself is aimed at it.
  TemporaryFolder folder;
  const fs::path path = folder.path() / "x";
  put(path, "old");
  const auto result = write_durably_with(path, [](const fs::path& temporary) -> Result<void> {
    fs::remove(temporary);
    fs::create_symlink("/dev/full", temporary);
    std::ofstream out(temporary);
    out << "new" << std::flush;
    if (!out) return make_error(ErrorCode::kResourceExhausted, "{}", errno_text(ENOSPC));
    return {};
  });
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(get(path), "old");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"x"});
}

TEST(CreateFileDurably, WritesOnceAndKeepsWhatIsThere) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "once";
  const auto create = [&](std::string_view text) {
    return create_file_durably(path, std::as_bytes(std::span(text.data(), text.size())));
  };
  const auto first = create("first");
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_TRUE(*first);
  const auto second = create("second");
  ASSERT_TRUE(second.ok()) << second.error().message;
  EXPECT_FALSE(*second);
  EXPECT_EQ(*read_file(path), "first");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);  // no temporary stays
  EXPECT_FALSE(create_file_durably(folder.path() / "no" / "folder", {}).ok());
}

TEST(CreateFileDurably, OneOfManyWritersWins) {
  const TemporaryFolder folder;
  std::atomic<int> winners{0};
  std::vector<std::thread> writers;
  for (int i = 0; i < 8; ++i) {
    writers.emplace_back([&] {
      const auto created = create_file_durably(folder.path() / "lock", {});
      if (created.ok() && *created) ++winners;
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(winners, 1);
}

TEST(WriteDurablyWith, PassesTheWritersErrorOn) {
  TemporaryFolder folder;
  const auto result = write_durably_with(folder.path() / "x", [](const fs::path& temporary) {
    put(temporary, "half");
    return Result<void>(Error{ErrorCode::kCancelled, "stopped"});
  });
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(folder.names().empty());
}

Result<void> fill_with_two(const fs::path& temporary) {
  put(temporary / "a", "A");
  fs::create_directory(temporary / "sub");
  put(temporary / "sub" / "b", "B");
  return {};
}
bool never(const fs::path&) {
  return false;
}
bool has_a(const fs::path& path) {
  return fs::exists(path / "a");
}

TEST(WriteFolderDurably, MakesReplacesAndCleansUp) {
  TemporaryFolder folder;
  const fs::path path = folder.path() / "bundle";
  ASSERT_TRUE(write_folder_durably(path, never, fill_with_two).ok());
  EXPECT_EQ(get(path / "sub" / "b"), "B");
  put(path / "extra", "old");
  const auto again = write_folder_durably(path.string() + "/", has_a, fill_with_two);
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_FALSE(fs::exists(path / "extra"));
  EXPECT_EQ(folder.names(), std::vector<std::string>{"bundle"});
}

TEST(WriteFolderDurably, TakesAnEmptyFolder) {
  TemporaryFolder folder;
  fs::create_directory(folder.path() / "bundle");
  EXPECT_TRUE(write_folder_durably(folder.path() / "bundle", never, fill_with_two).ok());
  EXPECT_EQ(get(folder.path() / "bundle" / "a"), "A");
}

TEST(WriteFolderDurably, NeverReplacesWhatIsNotOurs) {
  TemporaryFolder folder;
  const fs::path precious = folder.path() / "home";
  fs::create_directory(precious);
  put(precious / "letter", "dear");
  const auto refused = write_folder_durably(precious, never, fill_with_two);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(write_folder_durably(precious, nullptr, fill_with_two).error().code,
            ErrorCode::kInvalidArgument);
  put(folder.path() / "file", "text");
  EXPECT_EQ(write_folder_durably(folder.path() / "file", has_a, fill_with_two).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(get(precious / "letter"), "dear");
  EXPECT_EQ(get(folder.path() / "file"), "text");
  EXPECT_EQ(folder.names().size(), 2U);
}

TEST(WriteFolderDurably, AFailureLeavesTheOldOne) {
  TemporaryFolder folder;
  const fs::path path = folder.path() / "bundle";
  ASSERT_TRUE(write_folder_durably(path, never, fill_with_two).ok());
  const auto failed = write_folder_durably(path, has_a, [](const fs::path& temporary) {
    put(temporary / "a", "half");
    return Result<void>(Error{ErrorCode::kIo, "broken"});
  });
  EXPECT_EQ(failed.error().code, ErrorCode::kIo);
  EXPECT_EQ(get(path / "a"), "A");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"bundle"});
}

TEST(WriteFolderDurably, RefusesNamesOfNothing) {
  TemporaryFolder folder;
  for (const fs::path& path : {fs::path(""), fs::path("/"), folder.path() / ".."}) {
    EXPECT_EQ(write_folder_durably(path, has_a, fill_with_two).error().code,
              ErrorCode::kInvalidArgument)
        << path;
  }
  EXPECT_EQ(write_folder_durably(folder.path() / "no" / "x", has_a, fill_with_two).error().code,
            ErrorCode::kNotFound);
}

}  // namespace
}  // namespace torii

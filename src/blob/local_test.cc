#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/file.h"
#include "blob/blob.h"
#include "support/temporary_folder.h"

namespace torii::blob {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using torii::testing::TemporaryFolder;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

void write(const fs::path& path, std::string_view text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

std::string read_text(const Object& object, std::uint64_t offset, std::size_t size) {
  std::string text(size, '\0');
  const auto status = object.read(offset, std::as_writable_bytes(std::span(text)));
  return status.ok() ? text : "error: " + status.error().message;
}

std::vector<std::string> names_in(const std::string& folder) {
  const auto entries = list(folder, {});
  if (!entries.ok()) return {"error: " + entries.error().message};
  std::vector<std::string> names;
  for (const Entry& entry : *entries) names.push_back(entry.name);
  return names;
}

TEST(LocalObject, IsReadInRanges) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "a b.bin";
  write(path, "0123456789");
  for (const std::string& name :
       {path.string(), "file://" + folder.path().string() + "/a%20b.bin"}) {
    const auto object = open(name, {});
    ASSERT_TRUE(object.ok()) << object.error().message;
    EXPECT_EQ((*object)->size(), 10U);
    EXPECT_EQ(read_text(**object, 3, 4), "3456");
    EXPECT_EQ(read_text(**object, 10, 0), "");
    EXPECT_TRUE((*object)->check_unchanged().ok());
  }
}

TEST(LocalObject, TellsThatTheFileChanged) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "log";
  write(path, "0123456789");
  const auto object = open(path.string(), {});
  ASSERT_TRUE(object.ok());
  fs::resize_file(path, 5);
  EXPECT_THAT(read_text(**object, 0, 10), HasSubstr("changed while it was read"));
  const auto status = (*object)->check_unchanged();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kCorrupt);
}

TEST(LocalObject, AReplacedFileStaysTheOneThatWasOpened) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "x";
  write(path, "old");
  const auto object = open(path.string(), {});
  ASSERT_TRUE(put(path.string(), bytes_of("newer"), Existing::kReplace, {}).ok());
  EXPECT_EQ(read_text(**object, 0, 3), "old");
  EXPECT_TRUE((*object)->check_unchanged().ok());
}

TEST(LocalObject, RefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  const fs::path pipe = folder.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const auto code = [](const std::string& name) {
    const auto object = open(name, {});
    return object.ok() ? ErrorCode::kInternal : object.error().code;
  };
  EXPECT_EQ(code((folder.path() / "none").string()), ErrorCode::kNotFound);
  EXPECT_EQ(code(folder.path().string()), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(pipe.string()), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(""), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("file://host/x"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("file:///x%2"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("file:///x%00y"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code("gs://bucket/key"), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(std::string("a\0b", 3)), ErrorCode::kInvalidArgument);
}

TEST(LocalList, FindsFilesAtAnyDepthInOrder) {
  const TemporaryFolder folder;
  const std::string root = folder.path().string();
  write(folder.path() / "b" / "date=1" / "x", "12345");
  write(folder.path() / "b.txt", "");
  write(folder.path() / "a", "1");
  fs::create_directory(folder.path() / "empty");
  fs::create_symlink(root + "/a", folder.path() / "link");
  fs::create_symlink(root, folder.path() / "b" / "circle");
  fs::create_symlink("/nowhere/at/all", folder.path() / "broken");
  EXPECT_THAT(names_in(root),
              ElementsAre(root + "/a", root + "/b.txt", root + "/b/date=1/x", root + "/link"));
  EXPECT_THAT(names_in("file://" + root + "/a"), ElementsAre(root + "/a"));
  const auto entries = list(root + "/b", {});
  ASSERT_TRUE(entries.ok());
  EXPECT_EQ(entries->at(0).size, 5U);
  EXPECT_TRUE(names_in(root + "/empty").empty());
  EXPECT_THAT(names_in(root + "/none"), ElementsAre(HasSubstr("no such file or folder")));
}

TEST(LocalPut, ReplacesOrKeepsAndMakesFolders) {
  const TemporaryFolder folder;
  const std::string name = (folder.path() / "new" / "deep" / "x").string();
  const auto put_text = [&](std::string_view text, Existing existing) {
    const auto written = put(name, bytes_of(text), existing, {});
    EXPECT_TRUE(written.ok()) << written.error().message;
    return written.ok() && *written;
  };
  EXPECT_TRUE(put_text("one", Existing::kKeep));
  EXPECT_FALSE(put_text("two", Existing::kKeep));
  EXPECT_EQ(*read_file(name), "one");
  EXPECT_TRUE(put_text("three", Existing::kReplace));
  EXPECT_EQ(*read_file(name), "three");
  EXPECT_FALSE(put(name + "/below/a/file", {}, Existing::kReplace, {}).ok());
}

}  // namespace
}  // namespace torii::blob

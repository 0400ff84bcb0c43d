#include "fuzz/scratch.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <system_error>

#include "base/check.h"

namespace torii::fuzz {

MemoryFile::MemoryFile() : file_(::memfd_create("torii-fuzz", MFD_CLOEXEC)) {
  TORII_CHECK(file_ >= 0, "a file in memory");
  path_ = "/proc/self/fd/" + std::to_string(file_);
}

MemoryFile::~MemoryFile() {
  ::close(file_);
}

const std::filesystem::path& MemoryFile::hold(std::string_view bytes) {
  TORII_CHECK(::ftruncate(file_, 0) == 0, "emptied");
  const auto written = ::pwrite(file_, bytes.data(), bytes.size(), 0);
  TORII_CHECK(written == static_cast<ssize_t>(bytes.size()), "written whole");
  return path_;
}

ScratchFolder::ScratchFolder() {
  std::error_code ignored;
  const bool memory = std::filesystem::is_directory("/dev/shm", ignored);
  for (const char* parent : {"/dev/shm", "/tmp"}) {
    if (!memory && std::string_view(parent) == "/dev/shm") continue;
    std::string name = std::string(parent) + "/torii-fuzz-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) continue;
    path_ = name;
    break;
  }
  TORII_CHECK(!path_.empty(), "a folder to write to");
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void ScratchFolder::put(const std::string& name, std::string_view bytes) const {
  std::ofstream file(path_ / name, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  TORII_CHECK(file.flush().good(), "written whole");
}

}  // namespace torii::fuzz

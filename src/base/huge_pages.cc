#include "base/huge_pages.h"

#if defined(__linux__)
#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#endif

namespace torii {

#if defined(__linux__)
namespace {

constexpr std::uintptr_t kHugePage = std::uintptr_t{2} << 20;
constexpr std::uintptr_t kRegionMin = std::uintptr_t{4} << 20;
constexpr int kCollapse = 25;  // MADV_COLLAPSE, which Debian 12's headers do not know

// The whole large pages within [begin, end).
std::size_t collapse(std::uintptr_t begin, std::uintptr_t end) {
  begin = (begin + kHugePage - 1) / kHugePage * kHugePage;
  end = end / kHugePage * kHugePage;
  if (begin >= end) return 0;
  auto* at = reinterpret_cast<void*>(begin);  // NOLINT(performance-no-int-to-ptr)
  const std::size_t size = end - begin;
  (void)::madvise(at, size, MADV_HUGEPAGE);
  return ::madvise(at, size, kCollapse) == 0 ? size : 0;
}

}  // namespace

std::size_t use_huge_pages() {
  // Regions as proc(5) tells them: a line of place and rights, then lines "Name: value kB".
  std::ifstream regions("/proc/self/smaps");
  std::string line;
  std::uintptr_t begin = 0, end = 0;
  bool is_ours = false;
  std::size_t moved = 0;
  while (std::getline(regions, line)) {
    unsigned long long first = 0, last = 0, inode = 0, kilobytes = 0;
    char rights[5] = {};
    if (std::sscanf(line.c_str(), "%llx-%llx %4s %*s %*s %llu", &first, &last, rights, &inode) ==
        4) {
      begin = first;
      end = last;
      is_ours = inode == 0 && std::string(rights) == "rw-p" && end - begin >= kRegionMin &&
                line.find("[stack]") == std::string::npos;
    } else if (is_ours && std::sscanf(line.c_str(), "Rss: %llu kB", &kilobytes) == 1 &&
               kilobytes * 1024 * 2 >= end - begin) {
      moved += collapse(begin, end);
    }
  }
  return moved;
}
#else
std::size_t use_huge_pages() {
  return 0;
}
#endif

}  // namespace torii

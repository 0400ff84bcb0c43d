#include "base/reporter.h"

namespace torii {

void Reporter::begin(std::string_view, std::uint64_t, std::string_view) {}
void Reporter::progress(std::uint64_t, std::string_view) {}
void Reporter::end(std::string_view) {}
void Reporter::note(std::string_view) {}
void Reporter::warn(std::string_view) {}
bool Reporter::cancelled() const {
  return false;
}

}  // namespace torii

#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace torii {

void check_failed(const char* file, int line, const char* condition,
                  std::string_view text) noexcept {
  std::fprintf(stderr, "torii: internal error at %s:%d: %s (%.*s)\n", file, line, condition,
               static_cast<int>(text.size()), text.data());
  std::abort();
}

}  // namespace torii

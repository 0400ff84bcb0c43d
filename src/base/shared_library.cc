#include "base/shared_library.h"

#include <dlfcn.h>

namespace torii {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TORII_ADDRESS_SANITIZER
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define TORII_ADDRESS_SANITIZER
#endif

#if defined(TORII_ADDRESS_SANITIZER)
constexpr int kFlags = RTLD_NOW | RTLD_LOCAL;
#else
constexpr int kFlags = RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND;
#endif

}  // namespace

SharedLibrary::SharedLibrary(const char* name) : library_(::dlopen(name, kFlags)) {
  if (library_ == nullptr) fault_ = ::dlerror();
}

void* SharedLibrary::address(const char* name) {
  if (library_ == nullptr) return nullptr;
  void* found = ::dlsym(library_, name);
  if (found == nullptr) fault_ = std::string("it has no ") + name;
  return found;
}

}  // namespace torii

#include "sql/libpq.h"

#include <dlfcn.h>

#include <string>

namespace torii::sql {
namespace {

struct Loaded {
  Libpq calls;
  std::string fault;
};

Loaded load() {
  Loaded loaded;
  int flags = RTLD_NOW | RTLD_LOCAL;
#if !defined(__SANITIZE_ADDRESS__)  // which refuses it
  flags |= RTLD_DEEPBIND;           // its own OpenSSL before any that is loaded already
#endif
  void* library = ::dlopen("libpq.so.5", flags);
  if (library == nullptr) {
    loaded.fault = ::dlerror();
    return loaded;
  }
#define TORII_LIBPQ_LOOK_UP(name)                                                   \
  loaded.calls.name = reinterpret_cast<decltype(&::name)>(::dlsym(library, #name)); \
  if (loaded.calls.name == nullptr) loaded.fault = "it has no " #name;
  TORII_LIBPQ_CALLS(TORII_LIBPQ_LOOK_UP)
#undef TORII_LIBPQ_LOOK_UP
  return loaded;
}

}  // namespace

Result<const Libpq*> libpq() {
  static const Loaded loaded = load();
  if (loaded.fault.empty()) return &loaded.calls;
  return make_error(ErrorCode::kUnsupported,
                    "PostgreSQL: the library libpq.so.5 cannot be used: {}; install the package "
                    "libpq5",
                    loaded.fault);
}

}  // namespace torii::sql

#pragma once

#include <string>
#include <type_traits>

namespace torii {

/// A shared library of the system, opened by name when it is first needed and kept for good. It and
/// what it brings along find their own symbols before those of libraries that are loaded already:
/// two copies of one library (OpenSSL inside another, for example) do not meet. Not so under
/// AddressSanitizer, which refuses that.
class SharedLibrary {
 public:
  explicit SharedLibrary(const char* name);

  /// Fills `call` with the function of that name; else null, and fault() says so.
  template <class Call>
  void find(const char* name, Call& call) {
    call = reinterpret_cast<std::decay_t<Call>>(address(name));
  }
  /// Why it cannot be used; empty if it can.
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  void* address(const char* name);
  void* library_ = nullptr;
  std::string fault_;
};

}  // namespace torii

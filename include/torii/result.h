#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

namespace torii {

/// What kind of thing went wrong. One table in src/base/error_table.h maps each code to an exit
/// code and an HTTP status; nothing else decides on either.
enum class ErrorCode {
  kInvalidArgument,    ///< the caller's input or usage is wrong
  kNotFound,           ///< a named thing does not exist
  kCorrupt,            ///< stored bytes do not match their checksum, size or format
  kUnsupported,        ///< well-formed, but this build or version cannot do it
  kCheckFailed,        ///< a check or gate said no
  kDiverged,           ///< training met NaN or infinity
  kIo,                 ///< disk, permission or network failure
  kResourceExhausted,  ///< a limit was reached: memory, disk, quota
  kCancelled,          ///< the user interrupted
  kInternal,           ///< a fault of ours
};

/// A failure of the world, never of our own logic. `message` says what, where, found, expected, and
/// what to do, in one sentence that can be shown to the user as it is.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
};

/// Returns `error` with "context: " put before its message.
[[nodiscard]] inline Error with_context(Error error, const std::string& context) {
  error.message = context + ": " + error.message;
  return error;
}

/// Either a value or an Error. Check `ok()` (or use it as a bool) before `value()`; reading the
/// side that is not there is a programming error and throws std::bad_variant_access.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  [[nodiscard]] T& value() & { return std::get<0>(state_); }
  [[nodiscard]] const T& value() const& { return std::get<0>(state_); }
  [[nodiscard]] T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  [[nodiscard]] const Error& error() const& { return std::get<1>(state_); }
  [[nodiscard]] Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit

  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  [[nodiscard]] const Error& error() const& { return *error_; }
  [[nodiscard]] Error&& error() && { return *std::move(error_); }

 private:
  std::optional<Error> error_;
};

}  // namespace torii

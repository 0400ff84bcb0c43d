#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace torii::bench {

/// Takes the bytes of HTTP/1.1 answers as they come, one answer after the other, as far as a load
/// generator must know them: where one ends, its status, whether the connection stays. Bodies by
/// Content-Length or in chunks; an answer with neither that is not 204 or 304 is broken.
class AnswerReader {
 public:
  enum class State { kMore, kDone, kBroken };
  /// Appends what came. kDone: one answer is whole; status() and closes() are its; call next()
  /// before the following one.
  [[nodiscard]] State feed(std::string_view bytes);
  void next();   ///< forgets the answer that is whole; bytes behind it stay
  void clear();  ///< for a new connection
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] bool closes() const { return closes_; }
  [[nodiscard]] std::string_view body() const;  ///< of an answer with a length; else empty

 private:
  [[nodiscard]] State parse();
  [[nodiscard]] bool parse_head(std::string_view head);
  [[nodiscard]] State parse_chunks();
  std::string buffer_;
  std::size_t head_end_ = 0;  ///< 0: not there yet
  std::size_t end_ = 0;       ///< of the answer, or where the next chunk begins
  int status_ = 0;
  bool closes_ = false, chunked_ = false;
};

}  // namespace torii::bench

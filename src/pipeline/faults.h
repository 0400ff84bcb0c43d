#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace torii::pipeline {

/// What is wrong with a file, collected so that one look at it mends everything.
class Faults {
 public:
  explicit Faults(std::string source) : source_(std::move(source)) {}

  /// `line` 0: not known. The text says what is wrong and what to do.
  void add(std::uint32_t line, std::string_view text);
  [[nodiscard]] bool empty() const { return lines_.empty(); }
  /// kInvalidArgument: one fault a line, the first kShownMax of them. Not for no faults.
  [[nodiscard]] Error error() const;

  static constexpr std::size_t kShownMax = 20;

 private:
  std::string source_;
  std::vector<std::string> lines_;
};

}  // namespace torii::pipeline

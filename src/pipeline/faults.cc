#include "pipeline/faults.h"

#include <fmt/format.h>

#include <algorithm>

namespace torii::pipeline {

void Faults::add(std::uint32_t line, std::string_view text) {
  lines_.push_back(line == 0 ? fmt::format("{}: {}", source_, text)
                             : fmt::format("{}:{}: {}", source_, line, text));
}

Error Faults::error() const {
  const std::size_t shown = std::min(lines_.size(), kShownMax);
  std::string text;
  for (std::size_t i = 0; i < shown; ++i) text += (i == 0 ? "" : "\n") + lines_[i];
  if (lines_.size() > shown) text += fmt::format("\nand {} more", lines_.size() - shown);
  return Error{ErrorCode::kInvalidArgument, std::move(text)};
}

}  // namespace torii::pipeline

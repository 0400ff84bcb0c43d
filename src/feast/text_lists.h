#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace torii::feast {

/// Value bytes of many lists of the same texts: each text is encoded once, a list is put together
/// from the parts. of() gives the bytes of encode_value(Value::texts(...)), without any allocation
/// beyond the result; `list` holds places in the texts.
class TextLists {
 public:
  explicit TextLists(std::span<const std::string> texts);
  [[nodiscard]] std::string of(std::span<const std::uint32_t> list) const;

 private:
  std::string parts_;
  std::vector<std::size_t> begins_;  // one more than texts
};

}  // namespace torii::feast

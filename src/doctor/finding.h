#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace torii::doctor {

enum class Severity : std::uint8_t {
  kNote,     ///< good to know
  kWarning,  ///< costs quality or makes a figure look better than it is
  kFatal,    ///< what is trained on this would be worthless
};
[[nodiscard]] inline const char* severity_name(Severity severity) {
  return severity == Severity::kFatal     ? "fatal"
         : severity == Severity::kWarning ? "warning"
                                          : "note";
}

/// One thing that a check found.
struct Finding {
  Severity severity = Severity::kNote;
  std::string check;          ///< stable name: "ids.unknown_items"; its first word is the group
  std::string where;          ///< "items: column 'price'"
  std::string found;          ///< what is the case, with numbers
  std::string expected = {};  ///< what a good table has; may be empty
  std::string action = {};    ///< what to do; may be empty
};
using Findings = std::vector<Finding>;

}  // namespace torii::doctor

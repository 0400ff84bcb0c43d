#include "base/json.h"

#include "base/check.h"
#include "fuzz/target.h"

namespace torii::fuzz {

// Input: a text. What was read and written is read the same again.
void run_json(std::string_view input) {
  (void)Json::parse(input, "input", Json::DuplicateKeys::kRefuse);
  const auto parsed = Json::parse(input, "input");
  if (!parsed.ok()) return;
  const std::string text = parsed->dump(2);
  const auto again = Json::parse(text, "output");
  TORII_CHECK(again.ok() && again->dump(2) == text, "written and read again");
}

}  // namespace torii::fuzz

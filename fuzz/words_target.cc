#include "base/check.h"
#include "cli/config.h"
#include "data/split.h"
#include "fuzz/target.h"

namespace torii::fuzz {

// Input: a word of the command line or of a key.
void run_words(std::string_view input) {
  if (const auto split = data::SplitSpec::parse(input); split.ok()) {
    TORII_CHECK(data::SplitSpec::parse(split->text()).ok(), "a split's own text is a split");
  }
  (void)cli::parse_ks(input);
  cli::Config config;
  (void)config.set.apply_assignment(input);
}

}  // namespace torii::fuzz

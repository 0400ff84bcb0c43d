#include "base/check.h"
#include "blob/name.h"
#include "cli/config.h"
#include "data/split.h"
#include "fuzz/target.h"
#include "sql/uri.h"
#include "text/hub_name.h"

namespace torii::fuzz {

// Input: a word of the command line or of a key.
void run_words(std::string_view input) {
  if (const auto split = data::SplitSpec::parse(input); split.ok()) {
    TORII_CHECK(data::SplitSpec::parse(split->text()).ok(), "a split's own text is a split");
  }
  (void)cli::parse_ks(input);
  // These are asked by scheme only.
  if (input.starts_with("postgres://") || input.starts_with("postgresql://")) {
    (void)sql::parse_postgres_uri(input);
  }
  if (input.starts_with("s3://")) (void)blob::parse_s3_name(input);
  if (input.find("://") == std::string_view::npos || input.starts_with("file://")) {
    (void)blob::parse_local_name(input);
  }
  if (const auto name = text::parse_hub_name(input)) {
    TORII_CHECK(text::parse_hub_name(name->pinned("0123")).has_value(), "a pinned name is a name");
  }
  cli::Config config;
  (void)config.set.apply_assignment(input);
}

}  // namespace torii::fuzz

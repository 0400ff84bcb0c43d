#include "cli/config.h"
#include "cli/verbs.h"

namespace torii::cli {

void add_docs(Verb& root) {
  Verb& docs = root.child("docs", "Writes pages of the documentation out of the declarations.");
  docs.hide();
  docs.usage("torii docs configuration > docs/configuration.md");
  Verb& page = docs.child("configuration", "docs/configuration.md.");
  page.usage("torii docs configuration");
  page.action([](Session& session) -> Result<void> {
    session.print(configuration_page());
    return {};
  });
}

}  // namespace torii::cli

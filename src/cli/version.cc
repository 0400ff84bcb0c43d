#include <fmt/format.h>

#include "base/cpu.h"
#include "cli/config.h"
#include "cli/layout.h"
#include "cli/library_versions.h"
#include "cli/program_version.h"
#include "cli/verbs.h"

namespace torii::cli {

void add_version(Verb& root, CommonFlags& common) {
  Verb& verb = root.child("version", "Version, instruction set and libraries.");
  verb.usage("torii version | torii --version");
  declare_output(verb, common);
  verb.action([](Session& session) -> Result<void> {
    TORII_TRY_VOID(check_config(session));
    Json libraries = Json::object();
    std::vector<std::pair<std::string, std::string>> rows;
    for (const LibraryVersion& library : kLibraries) {
      libraries.set(library.name, library.version);
      rows.emplace_back(library.name, library.version);
    }
    const std::string isa = isa_name(active_isa());
    Json document = Json::object();
    document.set("version", program_version())
        .set("isa", isa)
        .set("compiler", kCompiler)
        .set("libraries", std::move(libraries));
    session.print(fmt::format("torii {}\n\n  instruction set  {}\n  compiler         {}\n\n{}",
                              session.strong(program_version()), isa, kCompiler,
                              two_columns(rows)));
    session.answer(document);
    return {};
  });
}

}  // namespace torii::cli

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "golden/golden.h"

namespace torii::testing {
namespace {

Finished torii(std::vector<std::string> words) {
  words.insert(words.begin(), TORII_PROGRAM);
  return run_program(words);
}

TEST(Help, EveryVerbSaysWhatItDoes) {
  const std::vector<std::vector<std::string>> verbs = {{},
                                                       {"demo"},
                                                       {"train"},
                                                       {"evaluate"},
                                                       {"candidates"},
                                                       {"embed"},
                                                       {"recommend"},
                                                       {"bundle"},
                                                       {"bundle", "show"},
                                                       {"bundle", "verify"},
                                                       {"version"},
                                                       {"config"},
                                                       {"init"},
                                                       {"doctor"},
                                                       {"bundle", "import"},
                                                       {"publish"},
                                                       {"load"},
                                                       {"store"},
                                                       {"store", "show"},
                                                       {"store", "gc"},
                                                       {"store", "verify"},
                                                       {"keys"},
                                                       {"keys", "create"},
                                                       {"keys", "rotate"},
                                                       {"encode"},
                                                       {"gate"},
                                                       {"register"},
                                                       {"pipeline", "run"},
                                                       {"pipeline", "cancel"},
                                                       {"pipeline", "schedule"},
                                                       {"pipeline", "runs"},
                                                       {"pipeline", "logs"},
                                                       {"pipeline", "lineage"},
                                                       {"pipeline", "diff"},
                                                       {"feast"},
                                                       {"feast", "show"},
                                                       {"feast", "join"},
                                                       {"pipeline"},
                                                       {"pipeline", "show"},
                                                       {"pipeline", "compile"},
                                                       {"pipeline", "submit"},
                                                       {"generate"},
                                                       {"search"},
                                                       {"serve"}};
  for (std::vector<std::string> words : verbs) {
    std::string name = "help";
    for (const std::string& word : words) name += "-" + word;
    words.emplace_back("--help");
    const Finished help = torii(words);
    EXPECT_EQ(help.exit_code, 0) << help.err;
    EXPECT_EQ(help.err, "");
    expect_golden(name + ".txt", help.out);
  }
}

TEST(Help, FitsAHundredColumns) {
  for (const char* verb :
       {"demo", "init", "doctor", "config", "train", "evaluate", "candidates", "embed", "recommend",
        "publish", "load", "generate", "feast", "search"}) {
    const std::string text = torii({verb, "--help"}).out;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      EXPECT_LE(end - at, 100U) << verb << ": " << text.substr(at, end - at);
      at = end + 1;
    }
  }
}

TEST(Configuration, PageIsThatOfTheDeclarations) {
  const Finished page = torii({"docs", "configuration"});
  ASSERT_EQ(page.exit_code, 0) << page.err;
  const std::filesystem::path path =
      std::filesystem::path(TORII_SOURCE_DIR) / "docs" / "configuration.md";
  if (std::getenv("TORII_UPDATE_GOLDEN") != nullptr) write_text(path, page.out);
  EXPECT_EQ(file_text(path), page.out) << "run with TORII_UPDATE_GOLDEN=1 if this is meant";
}

}  // namespace
}  // namespace torii::testing

#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cli/judging.h"
#include "cli/scoring.h"
#include "cli/session.h"
#include "evaluate/evaluate.h"

namespace torii::cli {

/// What `torii evaluate --report` and the demo put into a page.
struct ReportedJudgement {
  std::string path;     ///< of the page
  std::string subject;  ///< for people: a bundle's name, or a baseline's
  std::string part;     ///< "test" or "valid"
  const Config* config = nullptr;
  const Judgement* judgement = nullptr;
  const evaluate::Report* report = nullptr;
  // Of a bundle; null for a baseline.
  const OpenBundle* opened = nullptr;
  const Embedded* embedded = nullptr;
  std::vector<std::pair<std::string, double>> seconds;  ///< steps so far
  bool user_ids = false;
};

/// Renders the page and writes it durably. Errors: those of write_file_durably().
[[nodiscard]] Result<void> write_report(Session& session, const ReportedJudgement& reported);

/// "shop/night.bundle/" -> "night.bundle".
[[nodiscard]] std::string bundle_name(std::string_view path);

}  // namespace torii::cli

#include "data/bad_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "data/repair_utf8.h"

namespace torii::data {
namespace {

constexpr std::size_t kValueBytes = 60;

}  // namespace

void BadRows::add(std::size_t row, std::string_view reason, std::string_view value) {
  if (contains(row)) return;
  if (bad_.empty()) bad_.assign(table_->rows(), 0);
  bad_[row] = 1;
  ++count_;
  Reason& entry = reasons_[std::string(reason)];
  ++entry.rows;
  if (entry.examples.size() == kExamples) return;
  std::string example = table_->place_of_row(row);
  if (!value.empty()) {
    // Cut off inside a character at worst, hence the repair.
    example += fmt::format(" (\"{}{}\")", repair_utf8(value.substr(0, kValueBytes)),
                           value.size() > kValueBytes ? "..." : "");
  }
  entry.examples.push_back(std::move(example));
}

Result<void> BadRows::check(double share_max) const {
  const auto rows = static_cast<double>(table_->rows());
  double allowed = share_max * rows;
  if (share_max > 0.0) allowed = std::max(allowed, 1.0);
  const bool none_left = count_ == table_->rows() && share_max < 1.0;
  if (count_ == 0 || (static_cast<double>(count_) <= allowed && !none_left)) return {};
  std::vector<std::string> counts, examples;
  for (const auto& [reason, entry] : reasons_) {
    counts.push_back(fmt::format("{}: {}", reason, entry.rows));
  }
  // Three in all, of as many reasons as there are.
  for (std::size_t i = 0; i < kExamples; ++i) {
    for (const auto& [reason, entry] : reasons_) {
      if (i >= entry.examples.size() || examples.size() == kExamples) continue;
      examples.push_back(fmt::format("{} in {}", reason, entry.examples[i]));
    }
  }
  return invalid(
      "{}: {} of {} rows cannot be used ({}), more than data.bad_rows_max={} allows; for example: "
      "{}; correct them, add texts that mean 'no value' to data.null_values, name another column "
      "(data.interactions.*; \"\" = do not read an optional one), or raise data.bad_rows_max",
      table_->source(), count_, table_->rows(), fmt::join(counts, ", "), share_max,
      fmt::join(examples, "; "));
}

}  // namespace torii::data

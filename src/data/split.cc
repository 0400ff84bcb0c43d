#include "data/split.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <optional>
#include <span>
#include <tuple>

#include "base/check.h"
#include "base/hash.h"
#include "base/random.h"
#include "data/fingerprint.h"

namespace torii::data {
namespace {

// Rows of each user in their order: CSR.
struct UserRows {
  std::vector<std::uint64_t> offsets;
  std::vector<std::uint32_t> rows;
  std::span<std::uint32_t> of(std::size_t user) {
    return std::span(rows).subspan(offsets[user], offsets[user + 1] - offsets[user]);
  }
};

UserRows rows_by_user(const Dataset& dataset) {
  const Interactions& all = dataset.interactions;
  UserRows result;
  result.offsets.assign(dataset.users.size() + 1, 0);
  for (const std::uint32_t user : all.user) ++result.offsets[user + 1];
  for (std::size_t u = 1; u < result.offsets.size(); ++u)
    result.offsets[u] += result.offsets[u - 1];
  std::vector<std::uint64_t> next(result.offsets.begin(), result.offsets.end() - 1);
  result.rows.resize(all.size());
  for (std::size_t row = 0; row < all.size(); ++row) {
    result.rows[next[all.user[row]]++] = static_cast<std::uint32_t>(row);
  }
  return result;
}

void split_leave_one_out(const Dataset& dataset, std::vector<Part>& part) {
  const auto& positive = dataset.interactions.positive;
  UserRows users = rows_by_user(dataset);
  for (std::size_t user = 0; user < dataset.users.size(); ++user) {
    const auto rows = users.of(user);
    const auto count = std::count_if(rows.begin(), rows.end(),
                                     [&](std::uint32_t row) { return positive[row] != 0; });
    if (count < 3) continue;
    int found = 0;
    for (std::size_t i = rows.size(); i-- > 0 && found < 2;) {
      if (positive[rows[i]] == 0) {
        part[rows[i]] = Part::kUnused;
      } else {
        part[rows[i]] = found++ == 0 ? Part::kTest : Part::kValid;
      }
    }
  }
}

Result<void> split_by_time(const Dataset& dataset, const SplitSpec& spec, std::vector<Part>& part) {
  const auto& times = dataset.interactions.time;
  const auto missing = std::count(times.begin(), times.end(), Interactions::kNoTime);
  if (missing > 0) {
    return invalid(
        "split '{}': {} of {} interactions have no timestamp; use loo (it goes by the position "
        "column, else by the order in the file) or random:0.8/0.1/0.1",
        spec.text(), missing, times.size());
  }
  const auto rows = static_cast<double>(part.size());
  const auto train_end = static_cast<std::size_t>(std::floor(rows * spec.train + 1e-6));
  const auto valid_end =
      spec.test == 0.0
          ? part.size()
          : static_cast<std::size_t>(std::floor(rows * (spec.train + spec.valid) + 1e-6));
  for (std::size_t row = train_end; row < part.size(); ++row) {
    part[row] = row < valid_end ? Part::kValid : Part::kTest;
  }
  return {};
}

// How many of n rows go to valid and test: whole parts rounded down; a part that would get less
// than one row gets one as long as a row is left to train on (as RecBole does it, test first).
std::pair<std::size_t, std::size_t> part_sizes(std::size_t n, const SplitSpec& spec) {
  const double valid = static_cast<double>(n) * spec.valid;
  const double test = static_cast<double>(n) * spec.test;
  auto valid_count = static_cast<std::size_t>(std::floor(valid + 1e-9));
  auto test_count = static_cast<std::size_t>(std::floor(test + 1e-9));
  std::size_t train_count = n - valid_count - test_count;
  if (train_count > 1 && test_count == 0 && test > 0.0) ++test_count, --train_count;
  if (train_count > 1 && valid_count == 0 && valid > 0.0) ++valid_count, --train_count;
  if (train_count == 0 && test_count > 0) --test_count, ++train_count;
  if (train_count == 0 && valid_count > 0) --valid_count;
  return {valid_count, test_count};
}

void split_randomly(const Dataset& dataset, const SplitSpec& spec, std::uint64_t seed,
                    std::vector<Part>& part) {
  const Interactions& all = dataset.interactions;
  UserRows users = rows_by_user(dataset);
  for (std::size_t user = 0; user < dataset.users.size(); ++user) {
    const auto rows = users.of(user);
    // An order by content: the draw must not depend on where the rows stand in the file.
    const auto content = [&](std::uint32_t row) {
      return std::tuple(all.item[row], all.time[row], all.type[row]);
    };
    std::stable_sort(rows.begin(), rows.end(),
                     [&](auto a, auto b) { return content(a) < content(b); });
    Random random(seed, hash64(dataset.users[user]));
    random.shuffle(rows);
    const auto [valid, test] = part_sizes(rows.size(), spec);
    for (std::size_t i = 0; i < valid + test; ++i) {
      part[rows[rows.size() - 1 - i]] = i < test ? Part::kTest : Part::kValid;
    }
  }
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(c < 128 ? std::tolower(c) : c); });
  return result;
}

std::optional<Part> part_named(const std::string& name) {
  if (name == "train") return Part::kTrain;
  if (name == "valid" || name == "val" || name == "validation") return Part::kValid;
  if (name == "test") return Part::kTest;
  return std::nullopt;
}

Result<void> split_by_column(const std::vector<Column>& extra, const SplitSpec& spec,
                             std::vector<Part>& part) {
  const auto column = std::find_if(extra.begin(), extra.end(), [&](const Column& candidate) {
    return candidate.name == spec.column;
  });
  if (column == extra.end()) {
    return invalid("split '{}': the interactions have no column '{}'", spec.text(), spec.column);
  }
  TORII_CHECK(column->size() == part.size(), "an extra column must cover all interactions");
  std::map<std::string, std::uint64_t> found;
  bool all_known = true;
  for (std::size_t row = 0; row < part.size(); ++row) {
    const std::string text = column->text_at(row);
    const auto named = part_named(lower_case(text));
    all_known = all_known && named.has_value();
    part[row] = named.value_or(Part::kUnused);
    constexpr std::size_t kListed = 12;
    const std::string shown = column->is_null(row) ? "(null)" : text.substr(0, 40);
    if (found.size() < kListed || found.contains(shown)) ++found[shown];
  }
  if (all_known) return {};
  std::vector<std::string> listed;
  for (const auto& [value, count] : found) {
    listed.push_back(fmt::format("\"{}\" in {} rows", value, count));
  }
  return invalid(
      "split '{}': expected the values train, valid (val, validation) and test, found {}; name a "
      "column that holds these",
      spec.text(), fmt::join(listed, ", "));
}

Result<void> split_cold(const Dataset& dataset, const SplitSpec& spec, std::vector<Part>& part) {
  TORII_TRY(const std::vector<Part> parts, cold_parts(dataset, spec));
  const auto& by = spec.kind == SplitSpec::Kind::kColdItems ? dataset.interactions.item
                                                            : dataset.interactions.user;
  for (std::size_t row = 0; row < part.size(); ++row) part[row] = parts[by[row]];
  return {};
}

Result<void> check_parts(const SplitSpec& spec, const Split& split) {
  using Kind = SplitSpec::Kind;
  const auto empty = [&](std::string_view name, std::string_view hint) {
    return invalid("split '{}': no rows in {} ({} train, {} valid, {} test); {}", spec.text(), name,
                   split.train_rows, split.valid_rows, split.test_rows, hint);
  };
  if (split.train_rows == 0) return empty("train", "there is nothing to learn from");
  const bool by_fraction = spec.kind == Kind::kTime || spec.kind == Kind::kRandom;
  const bool needs_test = spec.kind == Kind::kLeaveOneOut || spec.kind == Kind::kColumn ||
                          spec.is_cold() || (by_fraction && spec.test > 0.0);
  const bool needs_valid = spec.kind == Kind::kLeaveOneOut || (by_fraction && spec.valid > 0.0);
  const std::string_view hint =
      spec.kind == Kind::kLeaveOneOut ? "no user has 3 positive interactions"
      : spec.is_cold()
          ? "nothing that is cold (column `cold`, else a tenth of the ids by crc32) has "
            "a row"
          : "there are too few rows, or choose other parts";
  if (needs_test && split.test_rows == 0) return empty("test", hint);
  if (needs_valid && split.valid_rows == 0) return empty("valid", hint);
  return {};
}

void count_rows(Split& split) {
  const auto count = [&](Part part) {
    return static_cast<std::uint64_t>(std::count(split.part.begin(), split.part.end(), part));
  };
  split.train_rows = count(Part::kTrain);
  split.valid_rows = count(Part::kValid);
  split.test_rows = count(Part::kTest);
}

}  // namespace

Result<Split> make_split(const Dataset& dataset, const std::vector<Column>& extra,
                         const SplitSpec& spec, std::uint64_t seed) {
  Split split;
  split.part.assign(dataset.interactions.size(), Part::kTrain);
  switch (spec.kind) {
    case SplitSpec::Kind::kNone:
      break;
    case SplitSpec::Kind::kLeaveOneOut:
      split_leave_one_out(dataset, split.part);
      break;
    case SplitSpec::Kind::kTime:
      TORII_TRY_VOID(split_by_time(dataset, spec, split.part));
      break;
    case SplitSpec::Kind::kRandom:
      split_randomly(dataset, spec, seed, split.part);
      break;
    case SplitSpec::Kind::kColdItems:
    case SplitSpec::Kind::kColdUsers:
      TORII_TRY_VOID(split_cold(dataset, spec, split.part));
      break;
    case SplitSpec::Kind::kColumn:
      TORII_TRY_VOID(split_by_column(extra, spec, split.part));
      break;
  }
  count_rows(split);
  TORII_TRY_VOID(check_parts(spec, split));
  split.train_fingerprint = rows_fingerprint(dataset, split.part, Part::kTrain);
  return split;
}

Split train_on(const Dataset& dataset, Split split, std::span<const Part> parts) {
  for (Part& part : split.part) {
    if (std::find(parts.begin(), parts.end(), part) != parts.end()) part = Part::kTrain;
  }
  count_rows(split);
  split.train_fingerprint = rows_fingerprint(dataset, split.part, Part::kTrain);
  return split;
}

}  // namespace torii::data

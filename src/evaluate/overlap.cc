#include "evaluate/overlap.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_set>
#include <vector>

#include "base/hash.h"
#include "data/fingerprint.h"

namespace torii::evaluate {
namespace {

// How the bundle came to its rows, and what to do about it.
std::string advice(const Json& provenance) {
  const auto refit_of = provenance.string_at("refit_of");
  if (!refit_of) {
    return fmt::format(
        "trained with split '{}', seed {}; use that --split and --seed, or train anew",
        provenance.string_at("split").value_or("?"), provenance.int_at("seed").value_or(0));
  }
  return fmt::format(
      "it is a refit of the bundle {} on {}; judge that one, whose settings it shares, or refit "
      "with --refit-on=train+valid, which leaves the test rows out",
      refit_of->substr(0, 12),
      provenance.string_at("refit_on").value_or("?") == "all" ? "all rows"
                                                              : "the train and valid rows");
}

Result<void> check_pairs(const Json& provenance, std::span<const std::uint64_t> pairs,
                         const data::Dataset& dataset, const Task& task) {
  constexpr std::uint64_t kExamples = 3;
  const data::PairHashes hashes(dataset);
  const Relevant& relevant = task.relevant;
  std::uint64_t known = 0;
  std::string examples;
  for (std::uint32_t row = 0; row < relevant.users.size(); ++row) {
    const std::uint32_t user = relevant.users[row];
    for (const std::uint32_t item : relevant.items.of(row)) {
      if (!std::ranges::binary_search(pairs, hashes.of(user, item))) continue;
      if (known++ >= kExamples) continue;
      examples += fmt::format("{}user '{}' with item '{}'", examples.empty() ? "" : ", ",
                              dataset.users[user], dataset.items[item]);
    }
  }
  if (known == 0) return {};
  return make_error(ErrorCode::kCheckFailed,
                    "the bundle was trained on pairs that are to judge it: {} of the {} judged "
                    "pairs of a user and an item are among the {} that it was trained on, such as "
                    "{} ({})",
                    known, relevant.items.items.size(), pairs.size(), examples, advice(provenance));
}

// ---- bundles of format version 1: the 4,096 smallest hashes of (user, item, type, time), a
// bottom-k sketch (Cohen 1997)

constexpr std::size_t kSketchRows = 4096;

std::uint64_t row_hash(const data::Dataset& dataset, std::size_t row, std::string& scratch) {
  const data::Interactions& rows = dataset.interactions;
  scratch.clear();
  scratch += dataset.users[rows.user[row]];
  scratch += '\0';
  scratch += dataset.items[rows.item[row]];
  scratch += '\0';
  scratch += rows.type_names[rows.type[row]];
  scratch += '\0';
  scratch += fmt::format("{}", rows.time[row]);
  return hash64(scratch);
}

Result<std::vector<std::uint64_t>> parse_sketch(const std::string& text) {
  std::vector<std::uint64_t> sketch;
  for (std::size_t at = 0; at + 16 <= text.size(); at += 16) {
    std::uint64_t value = 0;
    const char* end = text.data() + at + 16;
    const auto [stop, failure] = std::from_chars(text.data() + at, end, value, 16);
    if (failure != std::errc{} || stop != end) break;
    sketch.push_back(value);
  }
  if (sketch.size() * 16 != text.size() || !std::is_sorted(sketch.begin(), sketch.end())) {
    return make_error(ErrorCode::kCorrupt, "the bundle's sample of training rows is malformed");
  }
  return sketch;
}

// What a sample without a match leaves open; empty if it holds all rows.
std::string doubt(const Json& provenance, std::size_t sampled) {
  const auto rows = provenance.int_at("train_rows");
  if (sampled < kSketchRows || (rows && *rows <= static_cast<std::int64_t>(sampled))) return {};
  if (!rows) {
    return fmt::format("the test rows were compared with a sample of {} training rows only",
                       sampled);
  }
  constexpr double kLeaked = 1000.0;
  const double missed =
      std::pow(1.0 - static_cast<double>(sampled) / static_cast<double>(*rows), kLeaked);
  return fmt::format(
      "the bundle was trained on other rows than this split's; the test rows were compared with a "
      "sample of {} of its {} training rows: {} leaked rows would be found with a probability of "
      "{:.3g}",
      sampled, *rows, kLeaked, 1.0 - missed);
}

Result<std::string> check_sketch(const Json& provenance, const std::string& text,
                                 const data::Dataset& dataset, const data::Split& split,
                                 data::Part target) {
  TORII_TRY(const std::vector<std::uint64_t> sketch, parse_sketch(text));
  std::unordered_set<std::uint64_t> suspects;
  std::string scratch;
  std::uint64_t sampled = 0;
  for (std::size_t row = 0; row < split.part.size(); ++row) {
    if (split.part[row] != target) continue;
    const std::uint64_t hash = row_hash(dataset, row, scratch);
    if (!sketch.empty() && hash <= sketch.back()) ++sampled;
    if (std::binary_search(sketch.begin(), sketch.end(), hash)) suspects.insert(hash);
  }
  // A pair that this split itself has in its training rows is dropped from the test anyway.
  for (std::size_t row = 0; row < split.part.size() && !suspects.empty(); ++row) {
    if (split.part[row] == data::Part::kTrain) suspects.erase(row_hash(dataset, row, scratch));
  }
  if (suspects.empty()) return doubt(provenance, sketch.size());
  return make_error(
      ErrorCode::kCheckFailed,
      "the bundle was trained on rows that are to judge it: {} of {} sampled test rows were among "
      "its training rows ({})",
      suspects.size(), sampled, advice(provenance));
}

}  // namespace

Result<std::string> check_overlap(const Json& provenance,
                                  std::optional<std::span<const std::uint64_t>> pairs,
                                  const data::Dataset& dataset, const data::Split& split,
                                  data::Part target, const Task& task) {
  if (pairs) {
    TORII_TRY_VOID(check_pairs(provenance, *pairs, dataset, task));
    return std::string();
  }
  const auto fingerprint = provenance.string_at("train_fingerprint");
  if (fingerprint && *fingerprint == split.train_fingerprint) return std::string();
  if (const auto text = provenance.string_at("train_sample")) {
    return check_sketch(provenance, *text, dataset, split, target);
  }
  return std::string(
      "the bundle does not tell which rows it was trained on: the result means something only "
      "if the test rows were not among them");
}

}  // namespace torii::evaluate

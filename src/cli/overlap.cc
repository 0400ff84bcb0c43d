#include "cli/overlap.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_set>

#include "base/hash.h"
#include "cli/layout.h"

namespace torii::cli {
namespace {

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
                       grouped(sampled));
  }
  constexpr double kLeaked = 1000.0;
  const double missed =
      std::pow(1.0 - static_cast<double>(sampled) / static_cast<double>(*rows), kLeaked);
  return fmt::format(
      "the bundle was trained on other rows than this split's; the test rows were compared with a "
      "sample of {} of its {} training rows: {} leaked rows would be found with a probability of "
      "{:.3g}",
      grouped(sampled), grouped(static_cast<std::uint64_t>(*rows)),
      grouped(static_cast<std::uint64_t>(kLeaked)), 1.0 - missed);
}

}  // namespace

std::vector<std::uint64_t> sketch_training_rows(const data::Dataset& dataset,
                                                const data::Split& split) {
  std::vector<std::uint64_t> heap;  // the largest of the smallest on top
  std::string scratch;
  for (std::size_t row = 0; row < split.part.size(); ++row) {
    if (split.part[row] != data::Part::kTrain) continue;
    const std::uint64_t hash = row_hash(dataset, row, scratch);
    if (heap.size() == kSketchRows) {
      if (hash >= heap.front()) continue;
      std::pop_heap(heap.begin(), heap.end());
      heap.pop_back();
    }
    heap.push_back(hash);
    std::push_heap(heap.begin(), heap.end());
  }
  std::sort_heap(heap.begin(), heap.end());
  return heap;
}

std::string sketch_text(const std::vector<std::uint64_t>& sketch) {
  std::string text;
  for (const std::uint64_t hash : sketch) text += fmt::format("{:016x}", hash);
  return text;
}

Result<std::string> check_overlap(const Json& provenance, const data::Dataset& dataset,
                                  const data::Split& split, data::Part target) {
  const auto fingerprint = provenance.string_at("train_fingerprint");
  if (fingerprint && *fingerprint == split.train_fingerprint) return std::string();
  const auto text = provenance.string_at("train_sample");
  if (!text) {
    return std::string(
        "the bundle does not tell which rows it was trained on: the result means something only "
        "if the test rows were not among them");
  }
  TORII_TRY(const std::vector<std::uint64_t> sketch, parse_sketch(*text));
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
      "its training rows (trained with split '{}', seed {}); use that --split, or train anew",
      grouped(suspects.size()), grouped(sampled), provenance.string_at("split").value_or("?"),
      provenance.int_at("seed").value_or(0));
}

}  // namespace torii::cli

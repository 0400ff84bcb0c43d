#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "data/split.h"

namespace torii::data {
namespace {

constexpr std::string_view kUnderstood =
    "loo, time:0.8/0.1/0.1, random:0.8/0.1/0.1, cold-items, cold-users, column:NAME, none";

Result<void> parse_fractions(std::string_view text, std::string_view fractions, SplitSpec& spec) {
  double* const parts[] = {&spec.train, &spec.valid, &spec.test};
  const auto wrong = [&](std::string_view why) {
    return invalid("split '{}': {}; expected train/valid/test, such as {}:0.8/0.1/0.1", text, why,
                   text.substr(0, text.find(':')));
  };
  const char* at = fractions.data();
  const char* const end = at + fractions.size();
  for (int i = 0; i < 3; ++i) {
    if (i > 0) {
      if (at == end || *at != '/') return wrong("expected three numbers with / between them");
      ++at;
    }
    const auto [stop, error] = std::from_chars(at, end, *parts[i]);
    if (error != std::errc() || !(*parts[i] >= 0.0 && *parts[i] <= 1.0)) {
      return wrong("expected three numbers from 0 to 1");
    }
    at = stop;
  }
  if (at != end) return wrong("expected three numbers with / between them");
  const double sum = spec.train + spec.valid + spec.test;
  if (std::abs(sum - 1.0) > 1e-9) return wrong(fmt::format("the parts add up to {}, not 1", sum));
  if (spec.train == 0.0) return wrong("nothing is left to train on");
  return {};
}

}  // namespace

Result<SplitSpec> SplitSpec::parse(std::string_view text) {
  SplitSpec spec;
  if (text == "none") return spec;
  if (text == "loo") {
    spec.kind = Kind::kLeaveOneOut;
    return spec;
  }
  if (text == "cold-items" || text == "cold-users") {
    spec.kind = text == "cold-items" ? Kind::kColdItems : Kind::kColdUsers;
    return spec;
  }
  const std::size_t colon = text.find(':');
  const std::string_view word = text.substr(0, colon);
  const std::string_view rest = colon == text.npos ? "" : text.substr(colon + 1);
  if (word == "time" || word == "random") {
    spec.kind = word == "time" ? Kind::kTime : Kind::kRandom;
    TORII_TRY_VOID(parse_fractions(text, rest, spec));
    return spec;
  }
  if (word == "column") {
    if (rest.empty()) return invalid("split '{}': expected column:NAME", text);
    spec.kind = Kind::kColumn;
    spec.column = rest;
    return spec;
  }
  return invalid("split '{}' is not known; understood are {}", text, kUnderstood);
}

std::string SplitSpec::text() const {
  switch (kind) {
    case Kind::kNone:
      return "none";
    case Kind::kLeaveOneOut:
      return "loo";
    case Kind::kTime:
      return fmt::format("time:{}/{}/{}", train, valid, test);
    case Kind::kRandom:
      return fmt::format("random:{}/{}/{}", train, valid, test);
    case Kind::kColdItems:
      return "cold-items";
    case Kind::kColdUsers:
      return "cold-users";
    case Kind::kColumn:
      return fmt::format("column:{}", column);
  }
  return "none";
}

}  // namespace torii::data

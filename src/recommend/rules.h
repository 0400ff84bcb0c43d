#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "recommend/edition.h"
#include "recommend/online.h"

namespace torii::recommend {

/// An item on its way into an answer.
struct Candidate {
  std::uint32_t place = 0;
  float score = 0.0F;  ///< of the source: metric, popularity, fused ranks
  double boost = 0.0;
  bool pinned = false;
  bool behind = false;  ///< comes behind those that are not, whatever its boost
  [[nodiscard]] double total() const { return double{score} + boost; }
};

/// The n best candidates of a request in their order, or all if there are fewer. More of them begin
/// with the same ones.
using CandidateSource = std::function<std::vector<Candidate>(std::size_t n)>;

/// What rules did, for explanations.
struct RuleTrace {
  struct Capped {
    std::string key;
    std::vector<std::uint32_t> places;
  };
  std::vector<Capped> capped;
};

/// The first `need` places of an answer:
///  - pins stand at their places (an occupied one: the next free one; behind the end: at the end),
///    if `allowed` has their bit; caps count them first; their score is 0;
///  - the rest follows the source's order, or with diversity d > 0 is chosen one after the other
///    by the largest  (1 - d) * relevance - d * similarity,  relevance = total score brought to
///    [0, 1] over the pool, similarity = the largest cosine to an item that was chosen before; the
///    pool is the first 4 * need candidates (more if caps leave too few);
///  - an item is skipped that would be the (count + 1)-th with some value of a cap's attribute.
/// Deepens until `need` places are filled or the source ends.
[[nodiscard]] std::vector<Candidate> apply_rules(const Edition& edition, const Rules& rules,
                                                 const CandidateSource& source, BitsView allowed,
                                                 std::size_t need, RuleTrace* trace = nullptr);

}  // namespace torii::recommend

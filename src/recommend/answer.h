#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "recommend/embedding.h"
#include "recommend/rank.h"

namespace torii::recommend {

/// What one user gets, and why.
struct Answer {
  std::optional<std::uint32_t> user;  ///< dense; nullopt if the data does not know the id
  Source source = Source::kFallback;
  std::string reason;                    ///< for people: "known to the model; 39 items seen before"
  std::vector<retrieval::Scored> items;  ///< at most k, best first
};

/// Ranks all items of the data for one user by its external id. An id that is nowhere in the data
/// is an answer too: the most popular items, with that as the reason. Errors: embedding.h,
/// kInvalidArgument (k outside 1 to 10000). Equals the user's list in make_candidates().
[[nodiscard]] Result<Answer> answer_user(const model::Bundle& bundle, const data::Dataset& dataset,
                                         std::string_view user, std::size_t k,
                                         text::TextVectors* texts, ThreadPool& pool,
                                         Reporter& reporter);

}  // namespace torii::recommend

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/environment.h"
#include "base/reporter.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "data/interactions.h"

namespace torii::publish {

/// Lists of all users of a data set, as `torii candidates` wrote them. Row u of everything belongs
/// to the dense user u.
struct CandidateLists {
  std::vector<std::uint64_t> begins;  ///< into entries
  std::vector<std::uint32_t> counts;
  std::vector<std::uint8_t> sources;  ///< recommend::Source
  std::vector<std::uint32_t> items;   ///< dense, best first
  std::vector<float> scores;          ///< beside items
  std::size_t k = 0;                  ///< of the longest list

  [[nodiscard]] std::span<const std::uint32_t> items_of(std::uint32_t user) const {
    return std::span(items).subspan(begins[user], counts[user]);
  }
  [[nodiscard]] std::span<const float> scores_of(std::uint32_t user) const {
    return std::span(scores).subspan(begins[user], counts[user]);
  }
};

/// Reads one or more such files (the shards of one run; docs/formats/outputs.md). Every user of the
/// data must be in them exactly once, and nobody and nothing else. Errors: kInvalidArgument naming
/// file, user and what is wrong; those of data::read_table(). Memory: 8 bytes an entry, and one
/// file at a time.
[[nodiscard]] Result<CandidateLists> read_candidate_files(const std::vector<std::string>& files,
                                                          const data::Dataset& dataset,
                                                          const Environment& environment,
                                                          ThreadPool& pool, Reporter& reporter);

}  // namespace torii::publish

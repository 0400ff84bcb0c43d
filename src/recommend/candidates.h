#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "recommend/embedding.h"
#include "recommend/rank.h"

namespace torii::recommend {

/// A part of the users, for several processes: "2/4" is the second of four ranges of the dense
/// order, 1 <= index <= of. Together the ranges hold every user once.
struct Shard {
  std::uint64_t index = 1;
  std::uint64_t of = 1;
  [[nodiscard]] static Result<Shard> parse(std::string_view text);
  /// [first, last) of `count` users.
  [[nodiscard]] std::pair<std::size_t, std::size_t> range(std::size_t count) const;
};

struct CandidateOptions {
  std::size_t k = 64;  ///< 1 to 10000
  Shard shard = {};    ///< of `order`
  /// Dense users in the order in which they are wanted; empty: everybody, in dense order.
  std::span<const std::uint32_t> order = {};
};

struct CandidateCounts {
  std::uint64_t users = 0;
  std::uint64_t entries = 0;
  std::uint64_t new_items = 0;               ///< ranked by their features alone
  std::array<std::uint64_t, 4> by_source{};  ///< place = Source
};

/// Some users with their lists; row i of everything belongs to users[i]. Valid during the call.
struct CandidateBlock {
  std::span<const std::uint32_t> users;  ///< dense
  const EmbeddedUsers& embedded;
  const Rankings& rankings;
};
using CandidateSink = std::function<Result<void>(const CandidateBlock& block)>;

/// Ranks all items of the data for every user of the shard, block by block in order; what a user
/// has in the data, in any row, is not offered again. Memory: both sides' tables and the item
/// embeddings, and one block of users, whatever their number. Same lists for any thread count,
/// shard and block. Errors: embedding.h, the sink's, kInvalidArgument (k), kCancelled.
[[nodiscard]] Result<CandidateCounts> make_candidates(const model::Bundle& bundle,
                                                      const data::Dataset& dataset,
                                                      text::TextVectors* texts,
                                                      const CandidateOptions& options,
                                                      const CandidateSink& sink, ThreadPool& pool,
                                                      Reporter& reporter);

/// The same into a Parquet file (docs/formats/outputs.md): user_id (text), item_ids (list of texts,
/// best first), scores (list of floats) and source (source_name(): the scores of "fallback" are
/// popularity counts, not comparable with the others'). Users without a list (every item seen) have
/// an empty one. The file appears whole or not at all; its rows are held in memory.
[[nodiscard]] Result<CandidateCounts> write_candidates(const std::filesystem::path& path,
                                                       const model::Bundle& bundle,
                                                       const data::Dataset& dataset,
                                                       text::TextVectors* texts,
                                                       const CandidateOptions& options,
                                                       ThreadPool& pool, Reporter& reporter);

}  // namespace torii::recommend

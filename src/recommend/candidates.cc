#include "recommend/candidates.h"

#include <algorithm>
#include <charconv>
#include <numeric>

namespace torii::recommend {
namespace {

constexpr std::size_t kBlock = 32768;
constexpr std::size_t kCandidatesMax = 10000;
constexpr std::uint64_t kShardsMax = 1'000'000;

// The rows of some users.
data::UserItems of_users(const data::UserItems& all, std::span<const std::uint32_t> users) {
  data::UserItems some{.offsets = {0}, .items = {}};
  for (const std::uint32_t user : users) {
    const auto items = all.of(user);
    some.items.insert(some.items.end(), items.begin(), items.end());
    some.offsets.push_back(some.items.size());
  }
  return some;
}

}  // namespace

Result<Shard> Shard::parse(std::string_view text) {
  Shard shard;
  const char* end = text.data() + text.size();
  const auto [slash, bad_index] = std::from_chars(text.data(), end, shard.index);
  bool good = bad_index == std::errc() && slash != end && *slash == '/';
  if (good) {
    const auto [stop, bad_of] = std::from_chars(slash + 1, end, shard.of);
    good = bad_of == std::errc() && stop == end;
  }
  if (!good || shard.of < 1 || shard.of > kShardsMax || shard.index < 1 || shard.index > shard.of) {
    return invalid("--shard: expected i/n with 1 <= i <= n <= {}, for example 1/4, found '{}'",
                   kShardsMax, text);
  }
  return shard;
}

std::pair<std::size_t, std::size_t> Shard::range(std::size_t count) const {
  return {(index - 1) * count / of, index * count / of};
}

Result<CandidateCounts> make_candidates(const model::Bundle& bundle, const data::Dataset& dataset,
                                        text::TextVectors* texts, const CandidateOptions& options,
                                        const CandidateSink& sink, ThreadPool& pool,
                                        Reporter& reporter) {
  if (options.k < 1 || options.k > kCandidatesMax) {
    return invalid("--k: expected 1 to {}, found {}", kCandidatesMax, options.k);
  }
  TORII_TRY(const auto items, embed_items(bundle, dataset, texts, pool, reporter));
  const retrieval::ExactIndex index(items.embeddings.view(), bundle.model.metric);
  const auto popularity = popularity_of(dataset);
  const auto popular = by_popularity(popularity);
  const auto seen = data::user_items(dataset.interactions, dataset.users.size());
  std::vector<std::uint32_t> everybody(options.order.empty() ? dataset.users.size() : 0);
  std::iota(everybody.begin(), everybody.end(), 0U);
  const auto order =
      options.order.empty() ? std::span<const std::uint32_t>(everybody) : options.order;
  const auto [first, last] = options.shard.range(order.size());

  CandidateCounts counts;
  counts.new_items = items.new_count;
  for (std::size_t begin = first; begin < last; begin += kBlock) {
    if (reporter.cancelled()) return make_error(ErrorCode::kCancelled, "interrupted");
    const std::size_t count = std::min(kBlock, last - begin);
    const auto block = order.subspan(begin, count);
    const data::UserItems had = of_users(seen, block);
    TORII_TRY(const auto users, embed_users(bundle, dataset, block, texts, pool, reporter));
    const auto rankings = rank({.index = &index, .popularity = popularity, .popular = popular},
                               {.embeddings = users.embeddings.view(),
                                .known = users.known,
                                .described = users.described,
                                .seen = {.offsets = had.offsets, .items = had.items},
                                .k = options.k},
                               pool);
    TORII_TRY_VOID(sink({.users = block, .embedded = users, .rankings = rankings}));
    for (const Source source : rankings.sources) {
      ++counts.by_source[static_cast<std::size_t>(source)];
    }
    for (const std::uint32_t entries : rankings.lists.counts) counts.entries += entries;
    counts.users += count;
  }
  return counts;
}

Result<CandidateCounts> write_candidates(const std::filesystem::path& path,
                                         const model::Bundle& bundle, const data::Dataset& dataset,
                                         text::TextVectors* texts, const CandidateOptions& options,
                                         ThreadPool& pool, Reporter& reporter) {
  StringArray user_ids;
  data::StringLists item_ids;
  data::FloatLists scores;
  StringArray sources;
  TORII_TRY(const auto counts, make_candidates(
                                   bundle, dataset, texts, options,
                                   [&](const CandidateBlock& block) -> Result<void> {
                                     const Rankings& rankings = block.rankings;
                                     for (std::size_t row = 0; row < rankings.lists.size(); ++row) {
                                       user_ids.push_back(dataset.users[block.users[row]]);
                                       for (const auto& entry : rankings.lists.of(row)) {
                                         item_ids.values.push_back(dataset.items[entry.item]);
                                         scores.values.push_back(entry.score);
                                       }
                                       item_ids.offsets.push_back(item_ids.values.size());
                                       scores.offsets.push_back(scores.values.size());
                                       sources.push_back(source_name(rankings.sources[row]));
                                     }
                                     return {};
                                   },
                                   pool, reporter));
  using data::ColumnType;
  std::vector<data::Column> columns;
  columns.push_back({"user_id", ColumnType::kString, std::move(user_ids), {}});
  columns.push_back({"item_ids", ColumnType::kStringList, std::move(item_ids), {}});
  columns.push_back({"scores", ColumnType::kFloatList, std::move(scores), {}});
  columns.push_back({"source", ColumnType::kString, std::move(sources), {}});
  TORII_TRY_VOID(data::write_parquet(path, data::Table(std::move(columns), path.string())));
  return counts;
}

}  // namespace torii::recommend

#include "recommend/rank.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"

namespace torii::recommend {
namespace {

using retrieval::Scored;
using retrieval::TopLists;

Source source_of(const Requests& requests, std::size_t row) {
  if (requests.known.empty() || requests.known[row] != 0) return Source::kLive;
  if (requests.described.empty() || requests.described[row] != 0) return Source::kCold;
  return Source::kFallback;
}

// The index's lists for some of the rows, written to their places in `lists`.
void search_rows(const Catalogue& catalogue, const Requests& requests,
                 std::span<const std::uint32_t> rows, TopLists& lists, ThreadPool& pool) {
  Matrix embeddings(rows.size(), requests.embeddings.cols);
  std::vector<std::uint64_t> offsets(1, 0);
  std::vector<std::uint32_t> seen;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::ranges::copy(requests.embeddings.row(rows[i]), embeddings.row(i).begin());
    const auto of_row = requests.seen.of(rows[i]);
    seen.insert(seen.end(), of_row.begin(), of_row.end());
    offsets.push_back(seen.size());
  }
  const auto found = catalogue.index->search(embeddings.view(), requests.k, {offsets, seen}, pool);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::ranges::copy(found.of(i), lists.entries.data() + rows[i] * lists.k);
    lists.counts[rows[i]] = found.counts[i];
  }
}

void popular_row(const Catalogue& catalogue, const Requests& requests, std::uint32_t row,
                 TopLists& lists) {
  const auto seen = requests.seen.of(row);
  Scored* list = lists.entries.data() + row * lists.k;
  std::uint32_t count = 0;
  for (const std::uint32_t item : catalogue.popular) {
    if (count == lists.k) break;
    if (!std::ranges::binary_search(seen, item)) list[count++] = {item, catalogue.popularity[item]};
  }
  lists.counts[row] = count;
}

}  // namespace

const char* source_name(Source source) {
  switch (source) {
    case Source::kPrecomputed:
      return "precomputed";
    case Source::kLive:
      return "live";
    case Source::kCold:
      return "cold";
    case Source::kFallback:
      return "fallback";
  }
  return "fallback";
}

std::vector<std::uint32_t> by_popularity(std::span<const float> popularity) {
  std::vector<std::uint32_t> order(popularity.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(
      order, [&](std::uint32_t a, std::uint32_t b) { return popularity[a] > popularity[b]; });
  return order;
}

Rankings rank(const Catalogue& catalogue, const Requests& requests, ThreadPool& pool) {
  const std::size_t rows = requests.embeddings.rows;
  TORII_CHECK(requests.k >= 1, "k must be at least 1");
  TORII_CHECK(requests.known.empty() || requests.known.size() == rows, "one known flag a row");
  TORII_CHECK(requests.described.empty() || requests.described.size() == rows,
              "one described flag a row");
  TORII_CHECK(catalogue.popularity.size() == catalogue.index->size() &&
                  catalogue.popular.size() == catalogue.index->size(),
              "one popularity an item");
  Rankings rankings;
  std::vector<std::uint32_t> searched, popular;
  for (std::uint32_t row = 0; row < rows; ++row) {
    const Source source = source_of(requests, row);
    rankings.sources.push_back(source);
    (source == Source::kFallback ? popular : searched).push_back(row);
  }
  if (popular.empty()) {
    rankings.lists = catalogue.index->search(requests.embeddings, requests.k, requests.seen, pool);
    return rankings;
  }
  auto& lists = rankings.lists;
  lists.k = std::min(requests.k, catalogue.index->size());
  lists.entries.resize(rows * lists.k);
  lists.counts.resize(rows);
  search_rows(catalogue, requests, searched, lists, pool);
  for (const std::uint32_t row : popular) popular_row(catalogue, requests, row, lists);
  return rankings;
}

}  // namespace torii::recommend

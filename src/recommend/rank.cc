#include "recommend/rank.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"

namespace torii::recommend {
namespace {

using retrieval::ItemMask;
using retrieval::Scored;
using retrieval::TopLists;

Source source_of(const Requests& requests, std::size_t row) {
  if (requests.known.empty() || requests.known[row] != 0) return Source::kLive;
  if (requests.described.empty() || requests.described[row] != 0) return Source::kCold;
  return Source::kFallback;
}

ItemMask mask_of(const Requests& requests, std::size_t row) {
  if (requests.allowed.empty()) return {};
  return requests.allowed.size() == 1 ? requests.allowed.front() : requests.allowed[row];
}

// A mask over all places as one of a segment's items.
ItemMask part_of(ItemMask mask, const Catalogue& segment) {
  if (mask.words.empty()) return {};
  return {mask.words.subspan(segment.first / 64, (segment.index->size() + 63) / 64)};
}

// The rows that are searched, in the form of one segment.
class Searched {
 public:
  Searched(const Requests& requests, std::span<const std::uint32_t> rows)
      : requests_(requests), rows_(rows) {
    if (rows.size() == requests.embeddings.rows) return;
    picked_ = Matrix(rows.size(), requests.embeddings.cols);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::ranges::copy(requests.embeddings.row(rows[i]), picked_.row(i).begin());
    }
  }

  retrieval::Search in(const Catalogue& segment) {
    offsets_.assign(1, 0);
    seen_.clear();
    masks_.clear();
    const auto last = segment.first + static_cast<std::uint32_t>(segment.index->size());
    for (const std::uint32_t row : rows_) {
      for (const std::uint32_t place : requests_.seen.of(row)) {
        if (place >= segment.first && place < last) seen_.push_back(place - segment.first);
      }
      offsets_.push_back(seen_.size());
      if (requests_.allowed.size() > 1) masks_.push_back(part_of(mask_of(requests_, row), segment));
    }
    if (requests_.allowed.size() == 1) masks_.push_back(part_of(requests_.allowed[0], segment));
    return {.queries =
                rows_.size() == requests_.embeddings.rows ? requests_.embeddings : picked_.view(),
            .k = requests_.k,
            .excluded = {offsets_, seen_},
            .allowed = masks_};
  }

 private:
  const Requests& requests_;
  std::span<const std::uint32_t> rows_;
  Matrix picked_;
  std::vector<std::uint64_t> offsets_;
  std::vector<std::uint32_t> seen_;
  std::vector<ItemMask> masks_;
};

// Merges a segment's list into the best that the segments before it gave.
void merge(std::span<const Scored> found, std::uint32_t first, std::span<Scored> list,
           std::uint32_t& count, std::vector<Scored>& scratch) {
  scratch.assign(list.begin(), list.begin() + count);
  std::size_t a = 0, b = 0;
  std::uint32_t out = 0;
  while (out < list.size() && (a < scratch.size() || b < found.size())) {
    const bool take_old = b == found.size() ||
                          (a < scratch.size() &&
                           retrieval::better(scratch[a], {found[b].item + first, found[b].score}));
    if (take_old) {
      list[out++] = scratch[a++];
    } else {
      list[out++] = {found[b].item + first, found[b].score};
      ++b;
    }
  }
  count = out;
}

// The lists of an approximate index, in steps of its own (kApproximateFirst).
void search_in_steps(const retrieval::ApproximateIndex& index, retrieval::Search search,
                     ThreadPool& pool, RankWorkspace& workspace) {
  TopLists& lists = workspace.of_segment;
  const std::size_t rows = search.queries.rows;
  lists.k = std::min(search.k, index.size());
  lists.entries.resize(rows * lists.k);
  lists.counts.assign(rows, 0);
  std::vector<std::uint32_t> before;
  for (search.k = kApproximateFirst;; search.k *= kApproximateGrowth) {
    index.search(search, pool, workspace.search, workspace.of_step);
    for (std::size_t row = 0; row < rows; ++row) {
      Scored* list = lists.entries.data() + row * lists.k;
      std::uint32_t& count = lists.counts[row];
      before.clear();
      for (std::uint32_t i = 0; i < count; ++i) before.push_back(list[i].item);
      std::ranges::sort(before);
      for (const Scored& entry : workspace.of_step.of(row)) {
        if (count == lists.k) break;
        if (!std::ranges::binary_search(before, entry.item)) list[count++] = entry;
      }
    }
    if (search.k >= lists.k) return;
  }
}

void search_rows(std::span<const Catalogue> segments, const Requests& requests,
                 std::span<const std::uint32_t> rows, TopLists& lists, ThreadPool& pool,
                 RankWorkspace& workspace) {
  if (rows.empty()) return;
  Searched searched(requests, rows);
  std::vector<Scored> scratch;
  for (const Catalogue& segment : segments) {
    if (segment.index->size() == 0) continue;
    const retrieval::Search search = searched.in(segment);
    if (segment.approximate != nullptr) {
      search_in_steps(*segment.approximate, search, pool, workspace);
    } else {
      segment.index->search(search, pool, workspace.search, workspace.of_segment);
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      merge(workspace.of_segment.of(i), segment.first,
            std::span(lists.entries).subspan(rows[i] * lists.k, lists.k), lists.counts[rows[i]],
            scratch);
    }
  }
}

// Where one segment's most popular items have been read up to.
struct Cursor {
  const Catalogue* segment = nullptr;
  std::size_t next = 0;
};

void popular_row(std::span<const Catalogue> segments, const Requests& requests, std::uint32_t row,
                 TopLists& lists) {
  const auto seen = requests.seen.of(row);
  const ItemMask mask = mask_of(requests, row);
  const auto may = [&](std::uint32_t place) {
    return (mask.of_panel(place / 64) >> (place % 64) & 1) != 0 &&
           !std::ranges::binary_search(seen, place);
  };
  const auto trends = [&](std::uint32_t place) {
    return !requests.trending.empty() &&
           (requests.is_trending[place / 64] >> (place % 64) & 1) != 0;
  };
  std::vector<Cursor> cursors;
  for (const Catalogue& segment : segments) cursors.push_back({&segment, 0});
  std::size_t trending = 0;
  Scored* list = lists.entries.data() + row * lists.k;
  std::uint32_t& count = lists.counts[row];
  while (count < lists.k) {
    while (trending < requests.trending.size() && !may(requests.trending[trending].item)) {
      ++trending;
    }
    const bool any_trending = trending < requests.trending.size();
    Cursor* from = nullptr;
    Scored best = any_trending ? requests.trending[trending] : Scored{};
    for (Cursor& cursor : cursors) {
      const auto& popular = cursor.segment->popular;
      const auto place = [&] { return cursor.segment->first + popular[cursor.next]; };
      while (cursor.next < popular.size() && (!may(place()) || trends(place()))) ++cursor.next;
      if (cursor.next == popular.size()) continue;
      const Scored head{place(), cursor.segment->popularity[popular[cursor.next]]};
      if ((from == nullptr && !any_trending) || retrieval::better(head, best)) {
        best = head;
        from = &cursor;
      }
    }
    if (from == nullptr && !any_trending) return;
    list[count++] = best;
    ++(from == nullptr ? trending : from->next);
  }
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
    case Source::kCategories:
      return "categories";
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

Rankings rank(std::span<const Catalogue> segments, const Requests& requests, ThreadPool& pool,
              RankWorkspace& workspace) {
  const std::size_t rows = requests.embeddings.rows;
  TORII_CHECK(requests.k >= 1, "k must be at least 1");
  TORII_CHECK(requests.known.empty() || requests.known.size() == rows, "one known flag a row");
  TORII_CHECK(requests.described.empty() || requests.described.size() == rows,
              "one described flag a row");
  TORII_CHECK(requests.allowed.size() <= 1 || requests.allowed.size() == rows, "one mask a row");
  std::size_t items = 0;
  for (const Catalogue& segment : segments) {
    TORII_CHECK(segment.popularity.size() == segment.index->size() &&
                    segment.popular.size() == segment.index->size(),
                "one popularity an item");
    TORII_CHECK(segment.first % 64 == 0, "segments begin at a multiple of 64");
    items += segment.index->size();
  }
  Rankings rankings;
  std::vector<std::uint32_t> searched, popular;
  for (std::uint32_t row = 0; row < rows; ++row) {
    const Source source = source_of(requests, row);
    rankings.sources.push_back(source);
    (source == Source::kFallback ? popular : searched).push_back(row);
  }
  auto& lists = rankings.lists;
  lists.k = std::min(requests.k, items);
  lists.entries.resize(rows * lists.k);
  lists.counts.resize(rows);
  if (lists.k == 0) return rankings;
  search_rows(segments, requests, searched, lists, pool, workspace);
  for (const std::uint32_t row : popular) popular_row(segments, requests, row, lists);
  return rankings;
}

Rankings rank(const Catalogue& catalogue, const Requests& requests, ThreadPool& pool) {
  RankWorkspace workspace;
  return rank(std::span(&catalogue, 1), requests, pool, workspace);
}

}  // namespace torii::recommend

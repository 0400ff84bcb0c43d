#include "retrieval/word_index.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/check.h"
#include "retrieval/words.h"

namespace torii::retrieval {
namespace {

constexpr double kSaturation = 1.2;    // k1
constexpr double kLengthShare = 0.75;  // b
constexpr float kBegunShare = 0.5F;

// FNV-1a.
std::size_t hash_of(std::string_view word) {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const char c : word) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  return static_cast<std::size_t>(hash ^ hash >> 29);
}

}  // namespace

std::uint32_t WordIndex::Builder::number_of(const std::string& word) {
  if (2 * (words_.size() + 1) > table_.size()) {
    table_.assign(std::max<std::size_t>(1024, 2 * table_.size()), 0);
    for (std::uint32_t w = 0; w < words_.size(); ++w) {
      std::size_t place = hash_of(words_[w]) & (table_.size() - 1);
      while (table_[place] != 0) place = (place + 1) & (table_.size() - 1);
      table_[place] = w + 1;
    }
  }
  std::size_t place = hash_of(word) & (table_.size() - 1);
  for (; table_[place] != 0; place = (place + 1) & (table_.size() - 1)) {
    if (words_[table_[place] - 1] == word) return table_[place] - 1;
  }
  words_.push_back(word);
  table_[place] = static_cast<std::uint32_t>(words_.size());
  return table_[place] - 1;
}

void WordIndex::Builder::add(std::uint32_t item, std::string_view text, float weight) {
  TORII_CHECK(weight > 0.0F && std::isfinite(weight), "a text's weight is positive");
  Words words(text);
  std::string word;
  while (words.next(word)) seen_.push_back({number_of(word), item, weight});
}

WordIndex WordIndex::Builder::build(std::size_t item_count) && {
  // Words in order of their bytes, so that those with one beginning stand together.
  std::vector<std::uint32_t> order(words_.size()), rank(words_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, {}, [&](std::uint32_t w) -> const std::string& { return words_[w]; });
  WordIndex index;
  index.item_count_ = item_count;
  for (std::uint32_t place = 0; place < order.size(); ++place) {
    rank[order[place]] = place;
    index.starts_.push_back(index.letters_.size());
    index.letters_ += words_[order[place]];
  }

  std::vector<double> lengths(item_count, 0.0);
  for (Seen& seen : seen_) {
    TORII_CHECK(seen.item < item_count, "an item that was added is not among the items");
    seen.word = rank[seen.word];
    lengths[seen.item] += double{seen.weight};
  }
  std::ranges::stable_sort(seen_, [](const Seen& a, const Seen& b) {
    return a.word != b.word ? a.word < b.word : a.item < b.item;
  });
  const double mean = std::accumulate(lengths.begin(), lengths.end(), 0.0) /
                      static_cast<double>(std::max<std::size_t>(1, item_count));

  index.offsets_.push_back(0);
  for (std::size_t i = 0; i < seen_.size();) {
    const std::uint32_t word = seen_[i].word;
    for (; i < seen_.size() && seen_[i].word == word;) {
      const std::uint32_t item = seen_[i].item;
      double count = 0.0;
      for (; i < seen_.size() && seen_[i].word == word && seen_[i].item == item; ++i) {
        count += double{seen_[i].weight};
      }
      const double length = 1.0 - kLengthShare + kLengthShare * lengths[item] / mean;
      index.occurrences_.push_back(
          {item, static_cast<float>(count * (kSaturation + 1.0) / (count + kSaturation * length))});
    }
    const auto mine = std::span(index.occurrences_).subspan(index.offsets_.back());
    const auto items = static_cast<double>(mine.size());
    const double rarity =
        std::log(1.0 + (static_cast<double>(item_count) - items + 0.5) / (items + 0.5));
    for (Occurrence& occurrence : mine) occurrence.score *= static_cast<float>(rarity);
    index.offsets_.push_back(index.occurrences_.size());
  }
  return index;
}

std::string_view WordIndex::word(std::uint32_t place) const {
  const std::uint64_t end = place + 1 < starts_.size() ? starts_[place + 1] : letters_.size();
  return std::string_view(letters_).substr(starts_[place], end - starts_[place]);
}

std::uint32_t WordIndex::first_not_before(std::string_view wanted) const {
  std::uint32_t low = 0;
  auto high = static_cast<std::uint32_t>(starts_.size());
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (word(middle) < wanted) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

std::span<const WordIndex::Occurrence> WordIndex::occurrences(std::uint32_t place) const {
  return std::span(occurrences_).subspan(offsets_[place], offsets_[place + 1] - offsets_[place]);
}

void WordIndex::read_query(std::string_view query, Workspace& workspace) const {
  workspace.words.clear();
  workspace.begun.clear();
  Words words(query);
  std::string& last = workspace.word;
  std::string next;
  last.clear();
  for (std::size_t count = 0; count < kQueryWordsMax && words.next(next); ++count) {
    last = next;
    const std::uint32_t place = first_not_before(next);
    if (place == starts_.size() || word(place) != next) continue;
    if (std::ranges::find(workspace.words, place) == workspace.words.end()) {
      workspace.words.push_back(place);
    }
  }
  if (last.empty() || words.next(next) || !ends_in_word(query)) return;
  for (std::uint32_t place = first_not_before(last);
       place < starts_.size() && word(place).starts_with(last); ++place) {
    if (word(place) != last) workspace.begun.push_back(place);
  }
  if (workspace.begun.size() > kBegunWordsMax) {
    std::ranges::nth_element(workspace.begun, workspace.begun.begin() + kBegunWordsMax,
                             [&](std::uint32_t a, std::uint32_t b) {
                               const std::size_t in_a = occurrences(a).size(),
                                                 in_b = occurrences(b).size();
                               return in_a != in_b ? in_a > in_b : a < b;
                             });
    workspace.begun.resize(kBegunWordsMax);
  }
}

void WordIndex::search(std::string_view query, const Options& options, Workspace& workspace,
                       std::vector<Scored>& found) const {
  TORII_CHECK(options.k >= 1, "k must be at least 1");
  TORII_CHECK(options.allowed.words.empty() || options.allowed.words.size() >= (size() + 63) / 64,
              "a mask has a bit for each item");
  read_query(query, workspace);
  workspace.scores.resize(std::max(workspace.scores.size(), size()), 0.0F);
  workspace.last.resize(std::max(workspace.last.size(), size()), 0.0F);
  workspace.touched.clear();
  const auto allowed = [&](std::uint32_t item) {
    return (options.allowed.of_panel(item / 64) >> (item % 64) & 1) != 0;
  };
  const auto touch = [&](std::uint32_t item) {
    if (workspace.scores[item] == 0.0F && workspace.last[item] == 0.0F) {
      workspace.touched.push_back(item);
    }
  };
  for (const std::uint32_t place : workspace.begun) {
    for (const Occurrence& occurrence : occurrences(place)) {
      if (!allowed(occurrence.item)) continue;
      touch(occurrence.item);
      float& score = workspace.last[occurrence.item];
      score = std::max(score, kBegunShare * occurrence.score);
    }
  }
  for (const std::uint32_t place : workspace.words) {
    for (const Occurrence& occurrence : occurrences(place)) {
      if (!allowed(occurrence.item)) continue;
      touch(occurrence.item);
      workspace.scores[occurrence.item] += occurrence.score;
    }
  }
  found.clear();
  for (const std::uint32_t item : workspace.touched) {
    found.push_back({item, workspace.scores[item] + workspace.last[item]});
    workspace.scores[item] = 0.0F;
    workspace.last[item] = 0.0F;
  }
  const std::size_t count = std::min(options.k, found.size());
  std::ranges::partial_sort(found, found.begin() + static_cast<std::ptrdiff_t>(count), better);
  found.resize(count);
}

}  // namespace torii::retrieval

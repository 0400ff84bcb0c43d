#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "retrieval/top_k.h"

namespace torii::retrieval {

/// Finds items by the exact words of their texts: BM25 (Robertson and Zaragoza 2009, k1 = 1.2,
/// b = 0.75), with a weight for each text as in BM25F (a word of a title may count three times).
/// Immutable, shared. Words are cut and folded by words.h.
class WordIndex {
 public:
  /// Collects texts. An item may have several; any order.
  class Builder;
  struct Options {
    std::size_t k = 10;     ///< at least 1
    ItemMask allowed = {};  ///< items that may be found
  };
  /// Scratch that a caller keeps; no allocation once it is warm (but for long queries).
  struct Workspace {
    std::vector<float> scores;           ///< [I], zero between searches
    std::vector<float> last;             ///< [I], likewise: of words begun
    std::vector<std::uint32_t> touched;  ///< items with a score
    std::vector<std::uint32_t> words;    ///< words of the query
    std::vector<std::uint32_t> begun;    ///< words that begin like its last one
    std::string word;
  };

  WordIndex() = default;

  [[nodiscard]] std::size_t size() const { return item_count_; }           ///< items
  [[nodiscard]] std::size_t word_count() const { return starts_.size(); }  ///< different ones

  /// The k allowed items that match best, best first, equal ones by the smaller item; scores > 0.
  /// An item matches if it has any word of the query. If the query ends inside a word, that word
  /// also stands for the words that begin with it (the kBegunWordsMax most frequent), which count
  /// half; the best of them counts. Reads the first kQueryWordsMax different words.
  /// Threads: const, concurrent on different workspaces. Cost: the occurrences of these words.
  void search(std::string_view query, const Options& options, Workspace& workspace,
              std::vector<Scored>& found) const;
  static constexpr std::size_t kQueryWordsMax = 32;
  static constexpr std::size_t kBegunWordsMax = 256;

 private:
  struct Occurrence {
    std::uint32_t item;
    float score;  ///< of this word in this item: all of BM25 is known when the index is built
  };
  [[nodiscard]] std::string_view word(std::uint32_t place) const;
  [[nodiscard]] std::uint32_t first_not_before(std::string_view word) const;
  [[nodiscard]] std::span<const Occurrence> occurrences(std::uint32_t word) const;
  void read_query(std::string_view query, Workspace& workspace) const;

  std::size_t item_count_ = 0;
  std::string letters_;                 ///< all words one behind the other, ascending
  std::vector<std::uint64_t> starts_;   ///< [W] of words in letters_
  std::vector<std::uint64_t> offsets_;  ///< [W + 1] of words in occurrences_
  std::vector<Occurrence> occurrences_;
};

class WordIndex::Builder {
 public:
  /// A word in `text` counts `weight` (> 0, finite) times for the item.
  void add(std::uint32_t item, std::string_view text, float weight);
  /// The index over items [0, item_count); every added item must be among them.
  [[nodiscard]] WordIndex build(std::size_t item_count) &&;

 private:
  struct Seen {
    std::uint32_t word;
    std::uint32_t item;
    float weight;
  };
  std::uint32_t number_of(const std::string& word);

  std::vector<std::string> words_;
  std::vector<std::uint32_t> table_;  ///< open addressing: place in words_ + 1, 0 = free
  std::vector<Seen> seen_;
};

}  // namespace torii::retrieval

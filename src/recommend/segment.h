#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/matrix.h"
#include "base/metric.h"
#include "base/thread_pool.h"
#include "recommend/attribute_index.h"
#include "recommend/bits.h"
#include "recommend/filter.h"
#include "recommend/place_index.h"
#include "recommend/text_scan.h"
#include "retrieval/approximate_index.h"
#include "retrieval/exact_index.h"
#include "retrieval/word_index.h"

namespace torii::recommend {

/// Attributes that mean something to a shop; an empty name means that there is none.
struct Roles {
  std::string title = {}, in_stock = {}, hidden = {}, brand = {};
  std::vector<std::string> categories = {};
  std::vector<std::string> texts = {};  ///< that the model reads; search looks at them, too
};

/// Whether an item may be offered at all: not hidden (true, a number but 0, "true", "yes", "1") and
/// in stock (missing, true, a number above 0, a text but "", "false", "no", "0").
[[nodiscard]] bool is_offered(const Json& attributes, const Roles& roles);

/// What a segment is made of; row i everywhere is one item.
struct SegmentRows {
  StringArray ids;         ///< distinct
  StringArray attributes;  ///< JSON objects
  Matrix embeddings;       ///< [n, D], passed check_embeddings()
  Matrix texts;            ///< [n, E]; zeros: no text
  std::vector<float> popularity;
};

/// How a segment is searched.
struct SegmentOptions {
  Metric metric = Metric::kDot;
  /// Above this many items by HNSW; 0 = always exactly.
  std::size_t approximate_from = 0;
  /// [N, D]: what people search by, to measure the recall of HNSW with; the items themselves if
  /// there are none.
  ConstFloatView queries = {};
};

/// Some items with all that answers need of them, in an order of their own ("local" places).
/// Immutable and shared by every edition that holds it; only the cache of compiled filters changes.
class Segment {
 public:
  /// Error kCorrupt: attributes that are no JSON object.
  [[nodiscard]] static Result<std::shared_ptr<const Segment>> make(SegmentRows rows,
                                                                   const SegmentOptions& options,
                                                                   const Roles& roles,
                                                                   ThreadPool& pool);

  [[nodiscard]] std::size_t size() const { return ids_.size(); }
  [[nodiscard]] std::string_view id(std::size_t item) const { return ids_[item]; }
  [[nodiscard]] std::string_view id_json(std::size_t item) const { return ids_json_[item]; }
  [[nodiscard]] std::string_view attributes_json(std::size_t item) const {
    return attributes_[item];
  }
  [[nodiscard]] std::optional<std::uint32_t> find(std::string_view id) const {
    return places_.find(ids_, id);
  }
  [[nodiscard]] std::span<const float> popularity() const { return popularity_; }
  [[nodiscard]] std::span<const std::uint32_t> popular() const { return popular_; }
  [[nodiscard]] const retrieval::ExactIndex& index() const { return index_; }
  /// Over index(), if there are enough items; else null.
  [[nodiscard]] const retrieval::ApproximateIndex* approximate() const {
    return approximate_ ? &*approximate_ : nullptr;
  }
  /// Whether the recall of approximate() was measured with SegmentOptions::queries.
  [[nodiscard]] bool recall_is_of_queries() const { return recall_is_of_queries_; }
  /// For what is like an item: by cosine where the model's metric is the dot product. Made when
  /// first asked for. Threads: concurrent.
  [[nodiscard]] const retrieval::ExactIndex& similar_index() const;
  [[nodiscard]] const retrieval::WordIndex& words() const { return words_; }
  [[nodiscard]] const TextScan& texts() const { return texts_; }
  [[nodiscard]] const AttributeIndex& attributes() const { return attribute_index_; }
  [[nodiscard]] BitsView offered() const { return offered_; }
  [[nodiscard]] std::uint64_t bytes() const;

  /// One bit an item that passes. `key` is append_key() of the filter. The last filters are kept
  /// compiled. Threads: concurrent.
  [[nodiscard]] std::shared_ptr<const Bits> matching(const Filter& filter,
                                                     const std::string& key) const;

 private:
  Segment() = default;
  static constexpr std::size_t kFiltersMax = 64;
  struct Compiled {
    std::string key;
    std::shared_ptr<const Bits> bits;
    std::uint64_t used = 0;
  };

  StringArray ids_, ids_json_, attributes_;
  PlaceIndex places_;
  std::vector<float> popularity_;
  std::vector<std::uint32_t> popular_;
  retrieval::ExactIndex index_;
  std::optional<retrieval::ApproximateIndex> approximate_;
  bool recall_is_of_queries_ = false;
  retrieval::WordIndex words_;
  TextScan texts_;
  AttributeIndex attribute_index_;
  Bits offered_;

  mutable std::once_flag cosine_made_;
  mutable std::optional<retrieval::ExactIndex> cosine_;  ///< after cosine_made_
  mutable std::mutex mutex_;
  mutable std::vector<Compiled> compiled_;  ///< guarded by mutex_
  mutable std::uint64_t uses_ = 0;          ///< guarded by mutex_
};

}  // namespace torii::recommend

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "torii/result.h"

namespace torii {

/// Options to open a bundle with. The defaults answer for known users at once; only texts of new
/// users need more.
struct RecommenderOptions {
  /// Threads of one call. One is right for a server that answers many requests side by side, each
  /// with a Recommender of its own; more shorten a single search in a large catalogue.
  int threads = 1;

  /// Folder of the text encoder that the bundle was trained with, in Hugging Face's layout. Needed
  /// only to read texts of users that come as features; without it such texts are an error
  /// (kUnsupported). A folder with another encoder is an error when opening (kInvalidArgument).
  std::string text_model = {};

  /// Folder that keeps the vectors of texts between runs; empty keeps them in memory.
  std::string cache_folder = {};
};

/// A property of a user: the name of a column and its value. Timestamps are integers (milliseconds
/// since 1970-01-01 UTC) or ISO 8601 texts. Several values of one category are a list, or one text
/// with the separator that the column has in training.
struct Feature {
  using Value = std::variant<std::int64_t, double, bool, std::string, std::vector<std::string>>;
  std::string name;
  Value value;
};

/// Who asks, and for what.
struct RecommendRequest {
  /// May be unknown or empty: then the features decide, and without any the popular items come.
  std::string user_id = {};
  /// Columns that are left out count as unknown.
  std::vector<Feature> features = {};
  /// At most so many items; 1 to 100,000.
  std::size_t k = 10;
  /// Items that must not come back, for instance those already bought. Unknown ids are ignored.
  std::vector<std::string> exclude = {};
};

/// An item and how well it fits. Larger is better; what the number means depends on the metric:
/// dot product, cosine, negative distance, or popularity where the source is "fallback".
struct Recommendation {
  std::string item_id;
  float score = 0.0F;
};

/// Best first; equal scores in the order of the item ids in the bundle.
struct Recommendations {
  std::vector<Recommendation> items = {};
  /// "live": the user was part of the training. "cold": unknown, judged by features alone.
  /// "fallback": neither id nor features were known, so these are the popular items.
  std::string source = {};
};

struct RecommenderInfo {
  std::string bundle_id;  ///< SHA-256 of the manifest, 64 hexadecimal digits
  std::string metric;     ///< "dot", "cosine" or "euclidean"
  std::size_t item_count = 0;
  std::size_t user_count = 0;  ///< users that the model knows by id
  std::size_t width = 0;       ///< numbers in an embedding
};

/// Answers out of one bundle, in memory. Open it once and keep it: opening verifies every byte.
///
///     auto recommender = torii::Recommender::open("shop.bundle");
///     if (!recommender.ok()) { ... recommender.error().message ... }
///     auto answer = recommender->recommend({.user_id = "42", .k = 5});
///     for (const auto& item : answer->items) { ... item.item_id, item.score ... }
///
/// Threads: every member may be called from any thread; calls on one object take turns. The answer
/// depends on nothing but the bundle and the request. The interface is not stable before 1.0.
class Recommender {
 public:
  /// `bundle` is the folder that `torii train --out` wrote. Errors: kNotFound (no bundle there),
  /// kCorrupt (a part does not match its checksum), kUnsupported (written by a newer torii),
  /// kInvalidArgument (options).
  [[nodiscard]] static Result<Recommender> open(const std::string& bundle,
                                                const RecommenderOptions& options = {});
  Recommender(Recommender&&) noexcept;
  Recommender& operator=(Recommender&&) noexcept;
  ~Recommender();

  /// The items for one user. An unknown user is an answer, not an error. Errors: kInvalidArgument
  /// (k out of range, unknown feature, value of another type than in training), kUnsupported (a
  /// text without text_model).
  [[nodiscard]] Result<Recommendations> recommend(const RecommendRequest& request) const;

  /// The items nearest to an item, itself left out: by cosine if the metric is dot (else long
  /// vectors, the popular items, would be near everything), by the bundle's metric otherwise.
  /// Errors: kNotFound (no such item), kInvalidArgument (k out of range).
  [[nodiscard]] Result<std::vector<Recommendation>> similar(std::string_view item_id,
                                                            std::size_t k) const;

  /// The embedding of a user: `width` numbers to compare with item embeddings by the metric. Errors
  /// as for recommend().
  [[nodiscard]] Result<std::vector<float>> embed_user(std::string_view user_id,
                                                      const std::vector<Feature>& features) const;

  /// The embedding of an item; kNotFound if there is no such item.
  [[nodiscard]] Result<std::vector<float>> embed_item(std::string_view item_id) const;

  [[nodiscard]] RecommenderInfo info() const;

 private:
  struct State;
  explicit Recommender(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace torii

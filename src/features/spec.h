#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "features/plan.h"
#include "features/values.h"

namespace torii::features {

struct NumericColumn {
  std::string column;
  ValueType type = ValueType::kNumber;  ///< what it held when the spec was learned
  double mean = 0.0;        ///< over the rows the spec was learned from; stands in for nulls
  double stddev = 1.0;      ///< population; 1 if the column is constant
  bool standardize = true;  ///< false: values go in as they are (article: BatchNorm follows)
};

struct CategoricalColumn {
  std::string column;
  ValueType type = ValueType::kText;  ///< what it held when the spec was learned
  std::string separator = {};         ///< empty: the whole text is one value
  std::vector<std::string> vocabulary =
      {};  ///< ascending by bytes; code = place + (has_oov ? 1 : 0)
  /// Code 0 stands for every value outside the vocabulary. Without it (article preset, imported
  /// weights) an unknown value gives no code, and a row without codes a zero vector.
  bool has_oov = true;
  [[nodiscard]] std::size_t codes() const { return vocabulary.size() + (has_oov ? 1 : 0); }
  /// Code of a value; nullopt if it is unknown and there is no code for that. O(log V).
  [[nodiscard]] std::optional<std::uint32_t> code_of(std::string_view value) const;
};

struct TextColumn {
  std::string column;
};

/// What was learned about the columns of one entity. Learned once, on the training side; travels
/// in the bundle; never recomputed from the rows that come in later.
struct EntitySpec {
  std::vector<NumericColumn> numeric = {};
  std::vector<CategoricalColumn> categorical = {};
  std::vector<TextColumn> text = {};
  [[nodiscard]] Json to_json() const;
  /// Checks everything that encode() relies on: finite numbers, stddev > 0, vocabularies strictly
  /// ascending, no column twice. `name` stands in messages. Error: kCorrupt.
  [[nodiscard]] static Result<EntitySpec> from_json(const Json& json, std::string_view name);
};

struct Spec {
  EntitySpec user = {};
  EntitySpec item = {};
  std::string text_identity = {};  ///< of the encoder; empty if no text column
  std::string text_model = {};     ///< its name, for people and to find it again
  std::size_t text_width = 0;      ///< E; 0 if no text column
  [[nodiscard]] Json to_json() const;
  [[nodiscard]] static Result<Spec> from_json(const Json& json, std::string_view name);
};

struct LearnOptions {
  /// Values seen in fewer rows share the out-of-vocabulary code (default preset only).
  int categorical_count_min = 2;
  std::size_t vocabulary_max = 100000;
  bool standardize = true;
  bool has_oov = true;
};
/// Learns from all rows of `table` according to `plan`. Nulls, NaN, infinity and empty texts count
/// as missing. Errors (kInvalidArgument): numbers so large that mean or variance overflow; a
/// categorical column without any value if has_oov is off. Cost: O(rows), one pass per column.
[[nodiscard]] Result<EntitySpec> learn(const data::Table& table, const EntityPlan& plan,
                                       const LearnOptions& options);

}  // namespace torii::features

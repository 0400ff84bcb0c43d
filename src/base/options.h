#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace torii {

/// One key of torii.yaml: declared once; parsing, validation, `--set` and documentation come from
/// it.
struct Option {
  std::string key;           ///< "train.epochs"
  std::string type;          ///< "integer", "number", "text", "yes/no", "list of texts", "one of"
  std::string default_text;  ///< as one would write it in YAML
  std::string range_text;    ///< "1 to 10000", "dot, cosine, euclidean"; empty if any
  std::string help;          ///< one sentence
  std::function<Result<void>(const Json&)> assign;  ///< checks type and range, then stores
  std::function<Json()> current;                    ///< what is stored now
};

/// Options bound to the fields of plain structs. The structs must outlive the set.
///
///     TrainOptions train;
///     OptionSet set;
///     set.integer("train.epochs", &train.epochs, 1, 10000, "Passes over the training rows.");
class OptionSet {
 public:
  void integer(std::string key, std::int64_t* field, std::int64_t min, std::int64_t max,
               std::string help);
  void integer(std::string key, int* field, int min, int max, std::string help);
  /// min <= value <= max, finite.
  void number(std::string key, double* field, double min, double max, std::string help);
  void flag(std::string key, bool* field, std::string help);
  void text(std::string key, std::string* field, std::string help);
  void texts(std::string key, std::vector<std::string>* field, std::string help);
  /// A text out of `choices`.
  void choice(std::string key, std::string* field, std::vector<std::string> choices,
              std::string help);
  /// Anything else: `assign` validates the tree itself (nested lists, maps).
  void custom(Option option);

  /// Sets every key found in `tree` (nested maps become dotted keys). Unknown keys are an error
  /// that names the nearest known one; messages start with "source:line: key: ".
  [[nodiscard]] Result<void> apply(const Json& tree, std::string_view source);
  /// The same, but goes on behind a fault: every fault of the tree, in its order. Keys without one
  /// are set.
  [[nodiscard]] std::vector<Error> apply_all(const Json& tree, std::string_view source);
  /// `text` is "key=value"; the value is read as YAML.
  [[nodiscard]] Result<void> apply_assignment(std::string_view text);

  /// Keys below `section` ("serve") belong to later versions: naming one is kUnsupported and says
  /// so.
  void announce_later(std::string section);

  /// From now on every assignment of `key` (declared) is an error that says `why`.
  void refuse(std::string_view key, std::string why);

  [[nodiscard]] const std::vector<Option>& options() const { return options_; }
  [[nodiscard]] const Option* find(std::string_view key) const;
  /// Current values as a nested tree.
  [[nodiscard]] Json current() const;

  [[nodiscard]] bool is_later(std::string_view key) const;

 private:
  std::vector<Option> options_;
  std::vector<std::string> later_;
};

/// The nearest of `known` by edit distance, if one is close enough to be meant.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word,
                                                 const std::vector<std::string>& known);

}  // namespace torii

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "pipeline/faults.h"
#include "pipeline/settings.h"

namespace torii::pipeline {

/// One map of a pipeline's file while it is read: each key is asked for once; done() says which
/// were not. What is of the wrong type is a fault and reads as absent. `where` stands before each
/// fault: "step 'train': resources".
class Section {
 public:
  Section(const Json& map, std::string where, Faults& faults);

  /// The value of a key, or null if it is not there (or is null).
  const Json* take(std::string_view key);
  std::optional<std::string> text(std::string_view key);
  /// Numbers and flags too, as they would be written: for values that Kubernetes takes as text.
  std::optional<std::string> scalar(std::string_view key);
  std::optional<std::int64_t> integer(std::string_view key);
  std::optional<double> number(std::string_view key);
  std::optional<bool> flag(std::string_view key);
  /// "90s", "5m", or a number of seconds.
  std::optional<double> seconds(std::string_view key);
  /// Texts and their lines; a single text counts as a list of one.
  std::vector<Json> texts(std::string_view key);
  /// {name: scalar}.
  Pairs pairs(std::string_view key);
  /// Calls `read` with each member of a map, and each element of a list.
  void each(std::string_view key,
            const std::function<void(const std::string& name, const Json& value)>& read);
  void elements(std::string_view key, const std::function<void(const Json& value)>& read);

  void fault(std::uint32_t line, std::string_view text);
  [[nodiscard]] std::uint32_t line() const { return map_->line; }
  [[nodiscard]] const std::string& where() const { return where_; }
  /// Every key that nobody asked for is a fault that names the nearest one.
  void done();

 private:
  void expected(std::string_view key, const Json& found, std::string_view what);

  const Json* map_;
  std::string where_;
  Faults* faults_;
  std::vector<std::string> known_;
};

/// A scalar as it would be written: "2", "0.5", "true".
[[nodiscard]] std::string scalar_text(const Json& scalar);

}  // namespace torii::pipeline

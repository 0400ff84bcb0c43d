#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/table.h"

namespace torii::data {

/// Rows of one table that cannot be used, with reasons and examples. A row counts once, for the
/// first reason that is told.
class BadRows {
 public:
  /// `table` must outlive it.
  explicit BadRows(const Table& table) : table_(&table) {}

  /// `reason`: "rating is not a number"; `value`: what stands there, empty if nothing does.
  void add(std::size_t row, std::string_view reason, std::string_view value);

  [[nodiscard]] bool contains(std::size_t row) const { return !bad_.empty() && bad_[row] != 0; }
  [[nodiscard]] std::uint64_t count() const { return count_; }

  /// "row 17 of events/part-3.csv (\"n/a\")".
  struct Reason {
    std::uint64_t rows = 0;
    std::vector<std::string> examples;  ///< the first ones, at most kExamples
  };
  static constexpr std::size_t kExamples = 3;
  [[nodiscard]] const std::map<std::string, Reason>& reasons() const { return reasons_; }

  /// kInvalidArgument, with counts and examples, if more rows are bad than `share_max` of them. One
  /// bad row passes unless share_max is 0; all rows bad pass only if it is 1.
  [[nodiscard]] Result<void> check(double share_max) const;

 private:
  const Table* table_;
  std::uint64_t count_ = 0;
  std::vector<std::uint8_t> bad_;  // by row; empty as long as there is none
  std::map<std::string, Reason> reasons_;
};

}  // namespace torii::data

#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/environment.h"
#include "base/result.h"

namespace torii::cli {

/// How the lists of users differ between two sets of files that `torii candidates` wrote.
struct ListChanges {
  /// Users above this are sampled: those with the smallest hash of their id, the same in both.
  static constexpr std::size_t kUsersMax = 50'000;
  std::uint64_t users = 0;  ///< compared: they have a list in both
  bool is_sample = false;
  std::uint64_t changed = 0;      ///< of them: another item, or another order
  std::uint64_t only_before = 0;  ///< of the sample: a list there alone
  std::uint64_t only_after = 0;
  std::size_t k = 0;      ///< of the longest list of both
  double overlap_10 = 0;  ///< mean share of the first 10 that both have
  double overlap_k = 0;   ///< of the first k
  /// Items with the most users' lists that they entered, and left; kItemsShown at most.
  static constexpr std::size_t kItemsShown = 10;
  std::vector<std::pair<std::string, std::uint64_t>> entered = {};
  std::vector<std::pair<std::string, std::uint64_t>> left = {};
};

/// Reads the files one at a time (Parquet with user_id and item_ids, local or s3://). Memory: one
/// file, and kUsersMax lists of each side. Errors: those of data::read_table(); kInvalidArgument, a
/// file without these columns.
[[nodiscard]] Result<ListChanges> compare_lists(const std::vector<std::string>& before,
                                                const std::vector<std::string>& after,
                                                const Environment& environment,
                                                std::size_t users_max = ListChanges::kUsersMax);

}  // namespace torii::cli

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/interactions.h"

namespace torii::data {

enum class Part : std::uint8_t { kTrain = 0, kValid = 1, kTest = 2, kUnused = 3 };

/// How rows are parted into train, valid and test.
///   loo                  last positive row of each user = test, the one before = valid (users with
///                        fewer than 3 positive rows stay in train). Rows of that user that are
///                        not positive and come after the valid row are unused: they would tell
///                        the future.
///   time:0.8/0.1/0.1     by global order in time: the first 80 % of rows train, ... The order is
///                        total (timestamp, position, file row), so a cut may fall between rows
///                        of the same time. Every row needs a timestamp.
///   random:0.8/0.1/0.1   a seeded draw inside each user (RecBole's scheme: group by user, shuffle,
///                        cut; at least one row stays in train). Depends on the user's own rows
///                        and the seed only, not on the order in the file or on other users.
///   cold-items           test: every row of the cold items; valid: every row of other items whose
///                        crc32(utf-8 id) % 10 == 1; train: the rest. Cold is what the column
///                        `cold` of the items table says (yes/no or 0/1), and where there is none
///                        or it is null, crc32(utf-8 id) % 10 == 0
///   cold-users           the same by users and the users table
///   column:NAME          a text column with the values train, valid (val, validation), test in
///                        any case
///   none                 every row is train
struct SplitSpec {
  enum class Kind { kNone, kLeaveOneOut, kTime, kRandom, kColdItems, kColdUsers, kColumn };
  Kind kind = Kind::kNone;
  double train = 1.0, valid = 0.0, test = 0.0;
  std::string column;
  [[nodiscard]] bool is_cold() const {
    return kind == Kind::kColdItems || kind == Kind::kColdUsers;
  }
  /// Errors name what is understood.
  [[nodiscard]] static Result<SplitSpec> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
};

struct Split {
  std::vector<Part> part;  ///< one per interaction
  std::uint64_t train_rows = 0, valid_rows = 0, test_rows = 0;
  /// Order-free fingerprint of the training rows (user id, item id, type, time): goes into the
  /// bundle, so that an evaluation on the rows it was trained on can be found out.
  std::string train_fingerprint;
};
/// The column that marks cold items and users: what a cold split goes by cannot be a feature.
inline constexpr std::string_view kColdColumn = "cold";

/// The part of each item (user) in a cold-* split, by dense index. Error kInvalidArgument: the
/// column `cold` is neither yes/no nor 0/1.
[[nodiscard]] Result<std::vector<Part>> cold_parts(const Dataset& dataset, const SplitSpec& spec);

/// `extra` as LoadedDataset.extra (for column:). Errors (kInvalidArgument): no such column, unknown
/// value, no rows to train on, a part that the spec asks for is empty (column: and cold-*
/// may go without valid).
[[nodiscard]] Result<Split> make_split(const Dataset& dataset, const std::vector<Column>& extra,
                                       const SplitSpec& spec, std::uint64_t seed);

/// The same split with the rows of `parts` trained on too, for a refit.
[[nodiscard]] Split train_on(const Dataset& dataset, Split split, std::span<const Part> parts);

}  // namespace torii::data

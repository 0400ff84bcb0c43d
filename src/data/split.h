#pragma once

#include <cstdint>
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
///   column:NAME          a text column with the values train, valid (val, validation), test in
///                        any case
///   none                 every row is train
struct SplitSpec {
  enum class Kind { kNone, kLeaveOneOut, kTime, kRandom, kColumn };
  Kind kind = Kind::kNone;
  double train = 1.0, valid = 0.0, test = 0.0;
  std::string column;
  /// Errors name what is understood. cold-items and cold-users are kUnsupported for now.
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
/// `extra` as LoadedDataset.extra (for column:). Errors (kInvalidArgument): no such column, unknown
/// value, no rows to train on, a part that the spec asks for is empty (a column: split may go
/// without valid).
[[nodiscard]] Result<Split> make_split(const Dataset& dataset, const std::vector<Column>& extra,
                                       const SplitSpec& spec, std::uint64_t seed);

}  // namespace torii::data

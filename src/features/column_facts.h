#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "data/table.h"

namespace torii::features {

/// What the inference rules look at.
struct ColumnFacts {
  std::size_t rows = 0;
  std::size_t values = 0;    ///< rows with a usable value: not null, empty, NaN or infinite
  std::size_t distinct = 0;  ///< different ones among them
  // Numbers only.
  double min = 0.0, max = 0.0;
  // Texts only.
  double mean_bytes = 0.0;
  double mean_words = 0.0;  ///< between blanks; two signs of a script without blanks are a word
  double web_share = 0.0;   ///< of the values start with "http"
  double code_share = 0.0;  ///< of the values hold a digit, '/' or '@'

  [[nodiscard]] double repeats() const {
    return distinct == 0 ? 0.0 : static_cast<double>(values) / static_cast<double>(distinct);
  }
};
[[nodiscard]] ColumnFacts survey(const data::Column& column);

/// What a text column (or list) looks like when it is taken apart.
struct PieceFacts {
  std::size_t pieces = 0;          ///< in all rows
  std::size_t distinct = 0;        ///< different ones
  double rows_with_several = 0.0;  ///< share of the rows with a value
  double mean_words = 0.0;         ///< of a piece
  [[nodiscard]] double repeats() const {
    return distinct == 0 ? 0.0 : static_cast<double>(pieces) / static_cast<double>(distinct);
  }
};
[[nodiscard]] PieceFacts survey_pieces(const data::Column& column, std::string_view separator);

}  // namespace torii::features

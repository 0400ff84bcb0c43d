#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/matrix.h"

namespace torii::features {

/// Codes of one categorical column: row r has codes[offsets[r] .. offsets[r+1]).
struct CodeLists {
  std::vector<std::uint32_t> offsets{0};  ///< [rows+1]
  std::vector<std::uint32_t> codes;
};

/// A whole encoded table: every row once, every distinct text vector once.
struct EncodedTable {
  std::size_t rows = 0;
  Matrix numeric;                      ///< [rows, N]
  std::vector<CodeLists> categorical;  ///< C
  /// T columns; text[t][r] is a row of text_vectors, or -1 where the row has no text.
  std::vector<std::vector<std::int32_t>> text;
  Matrix text_vectors;  ///< [distinct texts, E]
};

/// How the text vectors of a row are laid out for a tower.
enum class TextLayout {
  kMean,      ///< [B, E]: mean over the columns that have text; zero if none has. Taking the mean
              ///< before the shared projection gives the same result and less work.
  kSeparate,  ///< [B, T*E]: column t at t*E; zero where the row has no text
};

/// Rows of an EncodedTable, dense, as a tower reads them. Buffers are reused: no allocation once
/// the largest batch was seen. A row's content does not depend on its neighbours.
struct Batch {
  std::size_t rows = 0;
  Matrix numeric;                      ///< [capacity, N], first `rows` rows used
  std::vector<CodeLists> categorical;  ///< C
  Matrix text;                         ///< [capacity, E or T*E]
  /// kSeparate: 1 where row r has text t, [rows*T]; kMean: [rows], 1 where any column has text.
  std::vector<std::uint8_t> text_present;
  /// Row of the id embedding, or -1 for an id that the model does not know. [rows]
  std::vector<std::int32_t> ids;
  /// How many rows of the training batch each row stands for [rows], for BatchNorm's statistics;
  /// empty = one each. gather() leaves it empty.
  std::vector<float> repeats;

  [[nodiscard]] ConstFloatView numeric_view() const { return numeric.view().middle_rows(0, rows); }
  [[nodiscard]] ConstFloatView text_view() const { return text.view().middle_rows(0, rows); }
};

/// Fills `batch` with the given rows of `table`. ids: one per row, or empty = all -1.
void gather(const EncodedTable& table, std::span<const std::uint32_t> rows,
            std::span<const std::int32_t> ids, TextLayout layout, Batch& batch);

/// The same rows with the mean of each row's texts as the only text column: gather(kMean) gives the
/// same bytes, and copies one vector a row where it averaged several. Takes rows * E floats.
[[nodiscard]] EncodedTable with_mean_text(const EncodedTable& table);

}  // namespace torii::features

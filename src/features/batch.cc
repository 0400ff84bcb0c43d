#include "features/batch.h"

#include <algorithm>

#include "base/check.h"

namespace torii::features {
namespace {

void reserve(Matrix& matrix, std::size_t rows, std::size_t cols) {
  if (matrix.cols() != cols || matrix.rows() < rows) matrix = Matrix(rows, cols);
}

void gather_codes(const CodeLists& table, std::span<const std::uint32_t> rows, CodeLists& batch) {
  batch.offsets.clear();
  batch.codes.clear();
  batch.offsets.push_back(0);
  for (const std::uint32_t row : rows) {
    for (std::uint32_t i = table.offsets[row]; i < table.offsets[row + 1]; ++i) {
      batch.codes.push_back(table.codes[i]);
    }
    batch.offsets.push_back(static_cast<std::uint32_t>(batch.codes.size()));
  }
}

void copy_or_clear(const EncodedTable& table, std::int32_t text, float* out) {
  const std::size_t width = table.text_vectors.cols();
  if (text < 0) {
    std::fill_n(out, width, 0.0F);
  } else {
    std::copy_n(table.text_vectors.row(static_cast<std::size_t>(text)).data(), width, out);
  }
}

void gather_separate(const EncodedTable& table, std::span<const std::uint32_t> rows, Batch& batch) {
  const std::size_t width = table.text_vectors.cols();
  const std::size_t columns = table.text.size();
  batch.text_present.resize(rows.size() * columns);
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t t = 0; t < columns; ++t) {
      const std::int32_t text = table.text[t][rows[r]];
      batch.text_present[r * columns + t] = text < 0 ? 0 : 1;
      copy_or_clear(table, text, batch.text.row(r).data() + t * width);
    }
  }
}

void gather_mean(const EncodedTable& table, std::span<const std::uint32_t> rows, Batch& batch) {
  const std::size_t width = table.text_vectors.cols();
  batch.text_present.resize(rows.size());
  for (std::size_t r = 0; r < rows.size(); ++r) {
    float* out = batch.text.row(r).data();
    std::size_t count = 0;
    for (const auto& column : table.text) {
      const std::int32_t text = column[rows[r]];
      if (text < 0) continue;
      const float* vector = table.text_vectors.row(static_cast<std::size_t>(text)).data();
      if (count++ == 0) {
        std::copy_n(vector, width, out);
      } else {
        for (std::size_t i = 0; i < width; ++i) out[i] += vector[i];
      }
    }
    batch.text_present[r] = count == 0 ? 0 : 1;
    if (count == 0) {
      std::fill_n(out, width, 0.0F);
    } else if (count > 1) {
      const float scale = 1.0F / static_cast<float>(count);
      for (std::size_t i = 0; i < width; ++i) out[i] *= scale;
    }
  }
}

}  // namespace

void gather(const EncodedTable& table, std::span<const std::uint32_t> rows,
            std::span<const std::int32_t> ids, TextLayout layout, Batch& batch) {
  TORII_CHECK(ids.empty() || ids.size() == rows.size(), "one id per row, or none");
  for (const std::uint32_t row : rows) TORII_CHECK(row < table.rows, "row out of range");
  batch.rows = rows.size();
  batch.repeats.clear();
  batch.ids.assign(ids.begin(), ids.end());
  if (ids.empty()) batch.ids.assign(rows.size(), -1);

  const std::size_t numeric = table.numeric.cols();
  reserve(batch.numeric, rows.size(), numeric);
  for (std::size_t r = 0; r < rows.size() && numeric > 0; ++r) {
    std::copy_n(table.numeric.row(rows[r]).data(), numeric, batch.numeric.row(r).data());
  }
  batch.categorical.resize(table.categorical.size());
  for (std::size_t c = 0; c < table.categorical.size(); ++c) {
    gather_codes(table.categorical[c], rows, batch.categorical[c]);
  }
  batch.text_present.clear();
  if (table.text.empty()) return;
  const std::size_t width = table.text_vectors.cols();
  if (layout == TextLayout::kSeparate) {
    reserve(batch.text, rows.size(), width * table.text.size());
    gather_separate(table, rows, batch);
  } else {
    reserve(batch.text, rows.size(), width);
    gather_mean(table, rows, batch);
  }
}

EncodedTable with_mean_text(const EncodedTable& table) {
  EncodedTable result;
  result.rows = table.rows;
  result.numeric = table.numeric.copy();
  result.categorical = table.categorical;
  result.text_vectors = Matrix(table.rows, table.text_vectors.cols());
  result.text.resize(table.text.empty() ? 0 : 1);
  Batch one;
  for (std::uint32_t row = 0; row < table.rows && !table.text.empty(); ++row) {
    gather(table, {&row, 1}, {}, TextLayout::kMean, one);
    result.text[0].push_back(one.text_present[0] == 0 ? -1 : static_cast<std::int32_t>(row));
    std::ranges::copy(one.text.row(0), result.text_vectors.row(row).begin());
  }
  return result;
}

}  // namespace torii::features

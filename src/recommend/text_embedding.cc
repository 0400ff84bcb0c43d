#include "recommend/text_embedding.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace torii::recommend {

Result<Matrix> text_embeddings(const model::Bundle& bundle, const data::Table& items,
                               text::TextVectors* texts, Reporter& reporter) {
  const features::EntitySpec& spec = bundle.spec.item;
  if (spec.text.empty()) return Matrix(items.rows(), 0);
  features::EntitySpec only_text;
  only_text.text = spec.text;
  TORII_TRY(const features::EncodedTable encoded,
            features::encode(items, only_text, bundle.spec.text_identity, texts, reporter));
  Matrix means(items.rows(), bundle.spec.text_width);
  for (std::size_t row = 0; row < means.rows(); ++row) {
    const std::span<float> mean = means.row(row);
    std::fill(mean.begin(), mean.end(), 0.0F);
    for (const auto& column : encoded.text) {
      if (column[row] < 0) continue;
      const auto vector = encoded.text_vectors.row(static_cast<std::size_t>(column[row]));
      for (std::size_t d = 0; d < mean.size(); ++d) mean[d] += vector[d];
    }
    double squares = 0.0;
    for (const float value : mean) squares += static_cast<double>(value) * value;
    if (!(squares > 0.0)) continue;
    const auto scale = static_cast<float>(1.0 / std::sqrt(squares));
    for (float& value : mean) value *= scale;
  }
  return means;
}

}  // namespace torii::recommend

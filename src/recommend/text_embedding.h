#pragma once

#include "base/matrix.h"
#include "base/reporter.h"
#include "base/result.h"
#include "data/table.h"
#include "features/encoder.h"
#include "model/bundle.h"

namespace torii::recommend {

/// What rows of items say, for search by meaning: the mean of the row's text vectors, brought to
/// length 1; zeros for a row without text. [rows, E], or [rows, 0] if the bundle reads no text of
/// items. texts: as in embed_items(). Errors: those of features::encode().
[[nodiscard]] Result<Matrix> text_embeddings(const model::Bundle& bundle, const data::Table& items,
                                             text::TextVectors* texts, Reporter& reporter);

}  // namespace torii::recommend

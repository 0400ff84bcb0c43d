#pragma once

#include "base/reporter.h"
#include "base/result.h"
#include "data/table.h"
#include "features/batch.h"
#include "features/spec.h"
#include "text/text_encoder.h"

namespace torii::features {

/// Turns the rows of a table into codes, numbers and text vectors by a spec: the one encoder of
/// training, batch and serving. Columns that the table lacks count as null (numeric: the spec's
/// mean; categorical: no codes; text: no text), so a partly known new user can be encoded; a column
/// of another type than at learning time is an error. `texts` may be null if spec has no text.
/// Error kInvalidArgument if texts->identity() differs from `text_identity` (Spec).
[[nodiscard]] Result<EncodedTable> encode(const data::Table& table, const EntitySpec& spec,
                                          const std::string& text_identity,
                                          text::TextVectors* texts, Reporter& reporter);

}  // namespace torii::features

#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/reporter.h"
#include "base/result.h"
#include "data/table.h"
#include "features/batch.h"
#include "features/spec.h"
#include "text/text_encoder.h"

namespace torii::features {

/// Turns the rows of a table into codes, numbers and text vectors by a spec: the one encoder of
/// training, batch and serving. Columns that the table lacks, or that hold nulls only, count as
/// null (numeric: the spec's mean; categorical: no codes; text: no text), so a partly known new
/// user can be encoded; a column of another type than at learning time is an error (integers and
/// floats are one type). Columns that the spec does not name are not looked at.
///
/// NaN, infinity and numbers that leave float's range count as null, with one warning per column.
/// Every distinct text is encoded once, over all columns. A row's codes, numbers and text vectors
/// do not depend on the other rows (as far as `texts` gives equal vectors for equal texts).
/// `texts` may be null if the spec has no text column; use AbsentTexts where rows hold none.
/// Errors: kInvalidArgument if texts->identity() differs from `text_identity` (Spec).
[[nodiscard]] Result<EncodedTable> encode(const data::Table& table, const EntitySpec& spec,
                                          const std::string& text_identity,
                                          text::TextVectors* texts, Reporter& reporter);

/// Stands in for an encoder where no row has a text, or none is at hand: knows width and identity,
/// refuses (kUnsupported) to encode.
class AbsentTexts final : public text::TextVectors {
 public:
  explicit AbsentTexts(const Spec& spec)
      : width_(spec.text_width), identity_(spec.text_identity), model_(spec.text_model) {}
  [[nodiscard]] std::size_t width() const override { return width_; }
  [[nodiscard]] const std::string& identity() const override { return identity_; }
  [[nodiscard]] Result<Matrix> encode(std::span<const std::string_view> texts,
                                      Reporter& reporter) override;

 private:
  std::size_t width_;
  std::string identity_;
  std::string model_;
};

}  // namespace torii::features

#include "recommend/live_encoder.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace torii::recommend {
namespace {

bool is_bounded(std::span<const float> row) {
  double squares = 0.0;
  for (const float value : row) squares += double{value} * double{value};
  return std::isfinite(squares) && squares <= model::kSquaredLengthMax;
}

bool same(const Json* a, const Json* b) {
  const bool no_a = a == nullptr || a->is_null();
  const bool no_b = b == nullptr || b->is_null();
  if (no_a || no_b) return no_a && no_b;
  if (a->is_number() && b->is_number()) return a->as_double() == b->as_double();
  return *a == *b;
}

// Rows that have any value in a column, besides the one that merely stands in.
std::vector<std::uint8_t> described_rows(const data::Table& table) {
  std::vector<std::uint8_t> described(table.rows(), 0);
  for (std::size_t c = 1; c < table.columns().size(); ++c) {
    const data::Column& column = table.columns()[c];
    for (std::size_t row = 0; row < described.size(); ++row) {
      if (!column.is_null(row)) described[row] = 1;
    }
  }
  return described;
}

// Mean of each row's text vectors, at length 1; zeros for a row without text.
Matrix mean_texts(const features::EncodedTable& table, std::size_t width) {
  Matrix means(table.rows, width);
  for (std::size_t row = 0; row < table.rows; ++row) {
    const std::span<float> mean = means.row(row);
    for (const auto& column : table.text) {
      if (column[row] < 0) continue;
      const auto vector = table.text_vectors.row(static_cast<std::size_t>(column[row]));
      for (std::size_t d = 0; d < width; ++d) mean[d] += vector[d];
    }
    double squares = 0.0;
    for (const float value : mean) squares += double{value} * double{value};
    if (!(squares > 0.0)) continue;
    const auto scale = static_cast<float>(1.0 / std::sqrt(squares));
    for (float& value : mean) value *= scale;
  }
  return means;
}

}  // namespace

Json overlaid(Json a, const Json& b) {
  for (const auto& [name, value] : b.as_object()) {
    if (!value.is_null()) {
      a.set(name, value);
      continue;
    }
    std::erase_if(a.as_object(), [&](const Json::Member& member) { return member.first == name; });
  }
  return a;
}

/// Lets one caller at a time into an encoder.
class LiveEncoder::Turns final : public text::TextVectors {
 public:
  explicit Turns(text::TextVectors& texts) : texts_(texts) {}
  [[nodiscard]] std::size_t width() const override { return texts_.width(); }
  [[nodiscard]] const std::string& identity() const override { return texts_.identity(); }
  [[nodiscard]] Result<Matrix> encode(std::span<const std::string_view> texts,
                                      Reporter& reporter) override {
    const std::lock_guard lock(mutex_);
    return texts_.encode(texts, reporter);
  }

 private:
  std::mutex mutex_;
  text::TextVectors& texts_;
};

LiveEncoder::LiveEncoder(std::shared_ptr<const LoadedPublication> publication,
                         std::shared_ptr<text::TextVectors> texts)
    : publication_(std::move(publication)), texts_(std::move(texts)) {
  if (texts_) turns_ = std::make_unique<Turns>(*texts_);
}
LiveEncoder::~LiveEncoder() = default;

Result<features::EncodedTable> LiveEncoder::encode(const features::EntitySpec& spec,
                                                   std::span<const Json* const> rows,
                                                   const features::JsonRowsOptions& options,
                                                   std::vector<std::uint8_t>& described) const {
  TORII_TRY(const data::Table table, features::json_rows(spec, rows, options));
  described = described_rows(table);
  Reporter silent;
  const auto& whole = publication_->bundle.spec;
  if (turns_) return features::encode(table, spec, whole.text_identity, turns_.get(), silent);
  features::AbsentTexts absent(whole);
  return features::encode(table, spec, whole.text_identity, &absent, silent);
}

LiveEncoder::Encoded LiveEncoder::embed(const model::EntityTower& tower,
                                        const features::EncodedTable& table,
                                        std::span<const std::int32_t> ids, ThreadPool& pool) {
  if (tower.shape().ids == 0) ids = {};
  Encoded encoded;
  encoded.embeddings = model::embed(tower, table, ids, pool);
  for (std::size_t row = 0; row < table.rows; ++row) {
    const bool bounded = is_bounded(encoded.embeddings.row(row));
    encoded.bounded.push_back(bounded ? 1 : 0);
    if (!bounded) std::ranges::fill(encoded.embeddings.row(row), 0.0F);
  }
  return encoded;
}

Result<LiveEncoder::Encoded> LiveEncoder::users(std::span<const Json* const> rows,
                                                std::span<const std::int32_t> ids, Rows kind,
                                                ThreadPool& pool) const {
  const auto& bundle = publication_->bundle;
  std::vector<std::uint8_t> described;
  features::JsonRowsOptions options;
  if (kind == Rows::kStored) {
    options.others = features::JsonRowsOptions::Others::kIgnore;
    options.misfits = features::JsonRowsOptions::Misfits::kIgnore;
  }
  auto table = encode(bundle.spec.user, rows, options, described);
  if (!table.ok() && kind == Rows::kStored) {
    options.texts = features::JsonRowsOptions::Texts::kLeaveOut;
    table = encode(bundle.spec.user, rows, options, described);
  }
  if (!table.ok()) return std::move(table).error();
  Encoded encoded = embed(bundle.model.user, *table, ids, pool);
  encoded.described = std::move(described);
  return encoded;
}

LiveEncoder::Encoded LiveEncoder::items(std::span<const Json* const> rows,
                                        std::span<const std::int32_t> ids, ThreadPool& pool) const {
  const auto& bundle = publication_->bundle;
  std::vector<std::uint8_t> described;
  features::JsonRowsOptions options;
  options.others = features::JsonRowsOptions::Others::kIgnore;
  options.misfits = features::JsonRowsOptions::Misfits::kIgnore;
  auto table = encode(bundle.spec.item, rows, options, described);
  if (!table.ok()) {
    options.texts = features::JsonRowsOptions::Texts::kLeaveOut;
    table = encode(bundle.spec.item, rows, options, described);
  }
  TORII_CHECK(table.ok(), "rows without texts and misfits can be encoded");
  Encoded encoded = embed(bundle.model.item, *table, ids, pool);
  encoded.texts = mean_texts(*table, publication_->info.text_width);
  encoded.described = std::move(described);
  return encoded;
}

std::int32_t LiveEncoder::user_place(std::string_view id) const {
  const auto place = model::find_trained_user(publication_->bundle, id);
  return place ? static_cast<std::int32_t>(*place) : -1;
}

std::int32_t LiveEncoder::item_place(std::string_view id) const {
  const auto place = publication_->bundle.item_ids.find(id);
  return place ? static_cast<std::int32_t>(*place) : -1;
}

Result<std::vector<float>> LiveEncoder::text(std::string_view text) const {
  if (!turns_) return make_error(ErrorCode::kUnsupported, "no text encoder is at hand");
  if (turns_->identity() != publication_->bundle.spec.text_identity) {
    return make_error(ErrorCode::kUnsupported, "the text encoder is not the model's");
  }
  Reporter silent;
  TORII_TRY(const Matrix vectors, turns_->encode(std::span(&text, 1), silent));
  return std::vector<float>(vectors.flat().begin(), vectors.flat().end());
}

bool LiveEncoder::same_item_features(const Json& a, const Json& b) const {
  const auto& spec = publication_->bundle.spec.item;
  const auto equal = [&](const auto& column) {
    return same(a.find(column.column), b.find(column.column));
  };
  return std::ranges::all_of(spec.numeric, equal) && std::ranges::all_of(spec.categorical, equal) &&
         std::ranges::all_of(spec.text, equal);
}

}  // namespace torii::recommend

#include "recommend/segment.h"

#include <algorithm>
#include <array>

#include "recommend/rank.h"

namespace torii::recommend {
namespace {

bool is_one_of(std::string_view text, std::span<const std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

bool is_hidden(const Json& value) {
  constexpr std::array<std::string_view, 5> kYes = {"true", "True", "yes", "1", "TRUE"};
  if (value.is_bool()) return value.as_bool();
  if (value.is_number()) return value.as_double() != 0.0;
  return value.is_string() && is_one_of(value.as_string(), kYes);
}

bool is_in_stock(const Json& value) {
  constexpr std::array<std::string_view, 6> kNo = {"", "false", "False", "no", "0", "FALSE"};
  if (value.is_bool()) return value.as_bool();
  if (value.is_number()) return value.as_double() > 0.0;
  return !value.is_string() || !is_one_of(value.as_string(), kNo);
}

}  // namespace

bool is_offered(const Json& attributes, const Roles& roles) {
  const Json* hidden = roles.hidden.empty() ? nullptr : attributes.find(roles.hidden);
  if (hidden != nullptr && is_hidden(*hidden)) return false;
  const Json* stock = roles.in_stock.empty() ? nullptr : attributes.find(roles.in_stock);
  return stock == nullptr || is_in_stock(*stock);
}

Result<std::shared_ptr<const Segment>> Segment::make(SegmentRows rows, Metric metric,
                                                     const Roles& roles) {
  std::shared_ptr<Segment> segment(new Segment());
  segment->ids_ = std::move(rows.ids);
  segment->attributes_ = std::move(rows.attributes);
  segment->popularity_ = std::move(rows.popularity);
  segment->places_ = PlaceIndex(segment->ids_);
  const std::size_t size = segment->ids_.size();
  if (const auto twice = segment->places_.repeated()) {
    return make_error(ErrorCode::kCorrupt, "item '{}' is there twice",
                      segment->ids_[*twice].substr(0, 80));
  }
  segment->offered_.assign(words_of(size), 0);
  AttributeIndex::Builder builder;
  for (std::size_t i = 0; i < size; ++i) {
    auto attributes = Json::parse(segment->attributes_[i], "attributes");
    if (!attributes.ok() || !attributes->is_object()) {
      return make_error(ErrorCode::kCorrupt, "item '{}': its attributes are no JSON object",
                        segment->ids_[i].substr(0, 80));
    }
    builder.add(*attributes);
    if (is_offered(*attributes, roles)) set_bit(segment->offered_, i);
    segment->ids_json_.push_back(Json(segment->ids_[i]).dump());
  }
  segment->attribute_index_ = std::move(builder).build();
  segment->popular_ = by_popularity(segment->popularity_);
  segment->index_ = retrieval::ExactIndex(rows.embeddings.view(), metric);
  if (metric == Metric::kDot) segment->cosine_.emplace(rows.embeddings.view(), Metric::kCosine);
  segment->texts_ = TextScan(rows.texts.view());
  return std::shared_ptr<const Segment>(std::move(segment));
}

std::shared_ptr<const Bits> Segment::matching(const Filter& filter, const std::string& key) const {
  {
    const std::lock_guard lock(mutex_);
    for (Compiled& entry : compiled_) {
      if (entry.key != key) continue;
      entry.used = ++uses_;
      return entry.bits;
    }
  }
  auto bits = std::make_shared<const Bits>(attribute_index_.match(filter));
  const std::lock_guard lock(mutex_);
  if (compiled_.size() < kFiltersMax) {
    compiled_.push_back({key, bits, ++uses_});
  } else {
    *std::ranges::min_element(compiled_, {}, &Compiled::used) = {key, bits, ++uses_};
  }
  return bits;
}

std::uint64_t Segment::bytes() const {
  const std::uint64_t vectors = size() * index_.width() * sizeof(float) * (cosine_ ? 4 : 2);
  return vectors + texts_.bytes() + attribute_index_.bytes() + ids_.bytes.size() +
         ids_json_.bytes.size() + attributes_.bytes.size() + size() * (3 * 8 + 16 + 8);
}

}  // namespace torii::recommend

#include "recommend/segment.h"

#include <algorithm>
#include <array>
#include <functional>

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

void each_text(const Json& attributes, const std::string& key,
               const std::function<void(std::string_view)>& call) {
  const Json* value = attributes.find(key);
  if (value == nullptr) return;
  if (value->is_string()) call(value->as_string());
  if (!value->is_array()) return;
  for (const Json& one : value->as_array()) {
    if (one.is_string()) call(one.as_string());
  }
}

// What exact words are searched in: a word of the title counts three times, one of a category or
// brand twice. A shop that names none of them is searched in all its texts.
void add_words(const Json& attributes, const Roles& roles, std::uint32_t item,
               retrieval::WordIndex::Builder& builder) {
  std::vector<std::string> done;
  const auto add = [&](const std::string& key, float weight) {
    if (key.empty() || std::ranges::find(done, key) != done.end()) return;
    done.push_back(key);
    each_text(attributes, key, [&](std::string_view text) { builder.add(item, text, weight); });
  };
  add(roles.title, 3.0F);
  for (const std::string& key : roles.categories) add(key, 2.0F);
  add(roles.brand, 2.0F);
  for (const std::string& key : roles.texts) add(key, 1.0F);
  const bool named = !roles.title.empty() || !roles.brand.empty() || !roles.categories.empty() ||
                     !roles.texts.empty();
  if (named) return;
  for (const auto& [key, value] : attributes.as_object()) add(key, 1.0F);
}

}  // namespace

bool is_offered(const Json& attributes, const Roles& roles) {
  const Json* hidden = roles.hidden.empty() ? nullptr : attributes.find(roles.hidden);
  if (hidden != nullptr && is_hidden(*hidden)) return false;
  const Json* stock = roles.in_stock.empty() ? nullptr : attributes.find(roles.in_stock);
  return stock == nullptr || is_in_stock(*stock);
}

Result<std::shared_ptr<const Segment>> Segment::make(SegmentRows rows,
                                                     const SegmentOptions& options,
                                                     const Roles& roles, ThreadPool& pool) {
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
  retrieval::WordIndex::Builder words;
  for (std::size_t i = 0; i < size; ++i) {
    auto attributes = Json::parse(segment->attributes_[i], "attributes");
    if (!attributes.ok() || !attributes->is_object()) {
      return make_error(ErrorCode::kCorrupt, "item '{}': its attributes are no JSON object",
                        segment->ids_[i].substr(0, 80));
    }
    builder.add(*attributes);
    add_words(*attributes, roles, static_cast<std::uint32_t>(i), words);
    if (is_offered(*attributes, roles)) set_bit(segment->offered_, i);
    segment->ids_json_.push_back(Json(segment->ids_[i]).dump());
  }
  segment->attribute_index_ = std::move(builder).build();
  segment->popular_ = by_popularity(segment->popularity_);
  segment->words_ = std::move(words).build(size);
  segment->index_ = retrieval::ExactIndex(rows.embeddings.view(), options.metric);
  if (options.approximate_from != 0 && size > options.approximate_from) {
    retrieval::ApproximateIndex::Options graph;
    graph.sample = options.queries;
    segment->approximate_.emplace(segment->index_, graph, pool);
    segment->recall_is_of_queries_ = options.queries.rows > 0;
  }
  segment->texts_ = TextScan(rows.texts.view());
  return std::shared_ptr<const Segment>(std::move(segment));
}

const retrieval::ExactIndex& Segment::similar_index() const {
  if (index_.metric() != Metric::kDot) return index_;
  std::call_once(cosine_made_, [&] { cosine_.emplace(index_.items(), Metric::kCosine); });
  return *cosine_;
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
  // As they are, and in panels of floats and of bytes.
  const std::uint64_t vectors = size() * index_.width() * 9;
  return vectors + texts_.bytes() + attribute_index_.bytes() + ids_.bytes.size() +
         ids_json_.bytes.size() + attributes_.bytes.size() + size() * (3 * 8 + 16 + 8);
}

}  // namespace torii::recommend

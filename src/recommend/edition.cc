#include "recommend/edition.h"

#include <algorithm>
#include <string>

#include "base/check.h"

namespace torii::recommend {

const Edition::Layer& Edition::layer_of(std::uint32_t place) const {
  std::size_t i = layers.size() - 1;
  while (place < layers[i].first) --i;
  TORII_DCHECK(place - layers[i].first < layers[i].segment->size(), "no item has this place");
  return layers[i];
}

std::string_view Edition::id(std::uint32_t item) const {
  const Layer& layer = layer_of(item);
  return layer.segment->id(item - layer.first);
}

std::string_view Edition::id_json(std::uint32_t item) const {
  const Layer& layer = layer_of(item);
  return layer.segment->id_json(item - layer.first);
}

std::string_view Edition::attributes_json(std::uint32_t item) const {
  const Layer& layer = layer_of(item);
  return layer.segment->attributes_json(item - layer.first);
}

std::span<const float> Edition::embedding(std::uint32_t item) const {
  const Layer& layer = layer_of(item);
  return layer.segment->index().items().row(item - layer.first);
}

std::vector<float> Edition::text_embedding(std::uint32_t item) const {
  const Layer& layer = layer_of(item);
  std::vector<float> vector = layer.segment->texts().vector(item - layer.first);
  if (std::ranges::all_of(vector, [](float value) { return value == 0.0F; })) vector.clear();
  return vector;
}

float Edition::popularity(std::uint32_t item) const {
  const Layer& layer = layer_of(item);
  return layer.segment->popularity()[item - layer.first];
}

std::optional<std::uint32_t> Edition::find(std::string_view item_id) const {
  for (std::size_t i = layers.size(); i-- > 0;) {
    const auto local = layers[i].segment->find(item_id);
    if (!local.has_value()) continue;
    const std::uint32_t place = layers[i].first + *local;
    if (test_bit(*alive, place)) return place;
  }
  return std::nullopt;
}

std::vector<Catalogue> Edition::likeness() const {
  std::vector<Catalogue> segments = catalogue;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    segments[i].index = &layers[i].segment->similar_index();
    if (segments[i].index != catalogue[i].index) segments[i].approximate = nullptr;
  }
  return segments;
}

void Edition::keep_matching(const Filter& filter, Bits& bits) const {
  std::string key;
  append_key(filter, key);
  for (const Layer& layer : layers) {
    const auto matching = layer.segment->matching(filter, key);
    for (std::size_t w = 0; w < matching->size(); ++w) bits[layer.first / 64 + w] &= (*matching)[w];
  }
}

}  // namespace torii::recommend

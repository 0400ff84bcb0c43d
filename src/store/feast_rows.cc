#include "store/feast_rows.h"

#include <variant>

#include "base/printable.h"

namespace torii::store {

bool has_content(FeastContent content, std::size_t embedding, std::size_t text) {
  switch (content) {
    case FeastContent::kItemEmbedding:
    case FeastContent::kUserEmbedding:
      return embedding != 0;
    case FeastContent::kItemText:
      return text != 0;
    case FeastContent::kUserItems:
      return true;
  }
  return false;
}

std::optional<feast::Value> FeastRowReader::value(FeastContent content) const {
  if (!has_content(content, row_.embedding.size(), row_.text_embedding.size())) return std::nullopt;
  if (content == FeastContent::kItemText) return feast::Value::floats(row_.text_embedding);
  if (content != FeastContent::kUserItems) return feast::Value::floats(row_.embedding);
  std::vector<std::string> ids;
  ids.reserve(row_.items.size());
  for (const std::uint32_t item : row_.items) ids.push_back(rows_.item_ids[item]);
  return feast::Value::texts(std::move(ids));
}

std::optional<std::string> FeastRowReader::bytes(FeastContent content) const {
  if (content == FeastContent::kUserItems) return lists_->of(row_.items);
  const auto held = value(content);
  if (!held) return std::nullopt;
  return feast::encode_value(*held);
}

std::string id_in_key(std::string_view entity_key) {
  const auto key = feast::decode_entity_key(entity_key);
  if (!key.ok() || key->size() != 1) return "?";
  const auto* id = std::get_if<std::string>(&key->front().value.held);
  return id == nullptr ? "?" : cut(visible(*id), 40);
}

}  // namespace torii::store

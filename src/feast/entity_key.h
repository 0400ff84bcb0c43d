#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "feast/value.h"

namespace torii::feast {

/// One join key and its value: text or integer; kBytes, kString, kInt32, kInt64, kUnixTimestamp.
struct KeyPart {
  std::string join_key;
  Value value;
};
using EntityKey = std::vector<KeyPart>;

/// The bytes by which online stores know an entity (entity_key_serialization_version 3, the only
/// one that Feast has written since 0.50): little-endian; the count of keys, the names in their
/// order of bytes as (2, length, name), then the values in the same order as (type, length, bytes).
/// `key` in any order. Errors: kInvalidArgument for other types and repeated names.
[[nodiscard]] Result<std::string> encode_entity_key(EntityKey key);
/// Errors: kCorrupt.
[[nodiscard]] Result<EntityKey> decode_entity_key(std::string_view bytes);

/// The prefix of the keys of entities with one join key that is a string; append_key() ends them.
/// For many: no allocation beyond the result.
class StringKeys {
 public:
  explicit StringKeys(std::string_view join_key);
  [[nodiscard]] std::string of(std::string_view id) const;

 private:
  std::string prefix_;
};

}  // namespace torii::feast

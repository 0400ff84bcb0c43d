#pragma once

#include "store/store.h"

namespace torii::store {

/// What of a publication is kept as one JSON text: all but version, items, users and checksum,
/// which change or are asked for apart. docs/formats/store.md names the keys.
[[nodiscard]] std::string publication_text(const Publication& info);
/// kCorrupt. `where` stands in messages.
[[nodiscard]] Result<Publication> publication_of(std::string_view text, const std::string& where);

/// A key as JSON text, and back (kCorrupt).
[[nodiscard]] std::string key_text(const ApiKey& key);
[[nodiscard]] Result<ApiKey> key_of(std::string_view text, const std::string& where);

}  // namespace torii::store

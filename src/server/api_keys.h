#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "server/rate_limit.h"
#include "store/store.h"

namespace torii::server {

/// A valid key of the API, as a request meets it.
struct KnownKey {
  std::string id;
  std::string tenant;
  std::uint8_t scopes = 0;
  std::array<unsigned char, 32> hash{};
  std::int64_t expires_ms = 0;
  std::shared_ptr<Limiter> limiter;  ///< outlives a reload
};

/// The keys of all tenants at one moment; immutable.
class KeyRing {
 public:
  KeyRing() = default;
  /// Revoked keys, and rows that are none, are left out. Limiters of `before` go on.
  KeyRing(std::span<const store::ApiKey> keys, const KeyRing* before);

  /// The key that a client sent: "torii_<id>_<secret>". The SHA-256 of the whole is compared in
  /// constant time, for unknown ids too. nullptr: none of ours, or expired. No allocation.
  [[nodiscard]] const KnownKey* find(std::string_view key, std::int64_t now_ms) const;
  [[nodiscard]] std::size_t size() const { return keys_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  std::unordered_map<std::string, KnownKey, Hash, std::equal_to<>> keys_;
};

/// What of a request names its sender: "Bearer x" -> x; nullopt for another scheme.
[[nodiscard]] std::optional<std::string_view> bearer_of(std::string_view authorization);

/// Whether a credential has the form of an API key (else it is taken for a user token).
[[nodiscard]] bool is_api_key(std::string_view credential);

}  // namespace torii::server

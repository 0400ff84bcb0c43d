#include "server/api_keys.h"

#include <sodium.h>

namespace torii::server {
namespace {

constexpr std::string_view kPrefix = "torii_";
constexpr std::size_t kKeyBytesMax = 256;

bool read_hash(std::string_view hex, std::array<unsigned char, 32>& hash) {
  std::size_t size = 0;
  return sodium_hex2bin(hash.data(), hash.size(), hex.data(), hex.size(), nullptr, &size,
                        nullptr) == 0 &&
         size == hash.size();
}

}  // namespace

KeyRing::KeyRing(std::span<const store::ApiKey> keys, const KeyRing* before) {
  for (const store::ApiKey& key : keys) {
    if (key.revoked_ms != 0) continue;
    KnownKey known{.id = key.id,
                   .tenant = key.tenant,
                   .scopes = key.scopes,
                   .expires_ms = key.expires_ms,
                   .limiter = nullptr};
    if (!read_hash(key.hash, known.hash)) continue;
    if (before != nullptr) {
      const auto old = before->keys_.find(key.id);
      if (old != before->keys_.end()) known.limiter = old->second.limiter;
    }
    if (!known.limiter) known.limiter = std::make_shared<Limiter>();
    keys_.insert_or_assign(key.id, std::move(known));
  }
}

const KnownKey* KeyRing::find(std::string_view key, std::int64_t now_ms) const {
  if (key.size() > kKeyBytesMax || !is_api_key(key)) return nullptr;
  const std::string_view rest = key.substr(kPrefix.size());
  const auto entry = keys_.find(rest.substr(0, rest.find('_')));
  const KnownKey* known = entry == keys_.end() ? nullptr : &entry->second;
  static constexpr std::array<unsigned char, 32> kNobody{};
  std::array<unsigned char, 32> hash;
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(key.data()), key.size());
  const bool equal = sodium_memcmp(hash.data(), (known != nullptr ? known->hash : kNobody).data(),
                                   hash.size()) == 0;
  if (known == nullptr || !equal) return nullptr;
  if (known->expires_ms != 0 && known->expires_ms <= now_ms) return nullptr;
  return known;
}

std::optional<std::string_view> bearer_of(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size()) return std::nullopt;
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    const char letter = authorization[i];
    const char low = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
    if (low != kScheme[i]) return std::nullopt;
  }
  authorization.remove_prefix(kScheme.size());
  while (authorization.starts_with(' ')) authorization.remove_prefix(1);
  if (authorization.empty()) return std::nullopt;
  return authorization;
}

bool is_api_key(std::string_view credential) {
  return credential.starts_with(kPrefix);
}

}  // namespace torii::server

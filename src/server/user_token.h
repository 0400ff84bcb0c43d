#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/environment.h"
#include "base/result.h"

namespace torii::server {

/// Keys that verify the tokens of one tenant's users. The algorithm belongs to the key, not to the
/// token: a token that names another one is refused before anything is computed.
struct TokenKey {
  enum class Algorithm : std::uint8_t { kEdDsa, kHs256 } algorithm = Algorithm::kEdDsa;
  std::array<unsigned char, 32> public_key{};  ///< kEdDsa
  std::string secret;                          ///< kHs256, at least 32 bytes
};
using TokenKeys = std::map<std::string, std::vector<TokenKey>, std::less<>>;  ///< by tenant

/// "TENANT=eddsa:FILE" (PEM of an Ed25519 public key, or its 32 bytes in base64),
/// "TENANT=hs256:FILE" (the secret, a last line break is no part of it), each also with
/// "env:NAME" for FILE. Errors name the entry, never what is in the file.
[[nodiscard]] Result<TokenKeys> read_token_keys(std::span<const std::string> entries,
                                                const Environment& environment);

struct UserToken {
  std::string user;    ///< sub
  std::string tenant;  ///< aud
};

/// A JWT in compact form (RFC 7519; JWS with alg EdDSA on Ed25519, or HS256): signature by a key of
/// the tenant that aud names, sub of 1 to 512 bytes, exp required and not passed, nbf and iat not
/// in the future (30 s of grace), no critical extensions. nullopt: refused, whatever the reason.
[[nodiscard]] std::optional<UserToken> verify_token(std::string_view token, const TokenKeys& keys,
                                                    std::int64_t now_ms);

}  // namespace torii::server

#include "server/user_token.h"

#include <sodium.h>

#include "base/file.h"
#include "base/json.h"
#include "server/json_text.h"
#include "store/store.h"

namespace torii::server {
namespace {

constexpr std::size_t kTokenBytesMax = 4096;
constexpr std::size_t kSecretBytesMin = 32;
constexpr std::size_t kKeyFileBytesMax = 64 * 1024;
constexpr std::size_t kUserBytesMax = 512;
constexpr double kGraceS = 30;
// SubjectPublicKeyInfo of Ed25519 (RFC 8410): these bytes, then the key.
constexpr std::string_view kSpkiHead("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12);

std::optional<std::string> public_key_bytes(std::string_view text) {
  constexpr std::string_view kBegin = "-----BEGIN PUBLIC KEY-----", kEnd = "-----END PUBLIC KEY";
  const std::size_t begin = text.find(kBegin);
  if (begin != std::string_view::npos) {
    const std::size_t from = begin + kBegin.size();
    const std::size_t end = text.find(kEnd, from);
    if (end == std::string_view::npos) return std::nullopt;
    text = text.substr(from, end - from);
  }
  auto bytes = base64_decode(text);
  if (bytes && bytes->starts_with(kSpkiHead)) bytes->erase(0, kSpkiHead.size());
  if (!bytes || bytes->size() != crypto_sign_PUBLICKEYBYTES) return std::nullopt;
  return bytes;
}

Result<std::string> read_source(const std::string& entry, std::string_view source,
                                const Environment& environment) {
  constexpr std::string_view kVariable = "env:";
  if (!source.starts_with(kVariable)) {
    auto text = read_file(std::string(source), kKeyFileBytesMax);
    if (!text.ok()) return with_context(std::move(text).error(), "serve.tokens");
    return text;
  }
  const auto found = environment.find(source.substr(kVariable.size()));
  if (found == environment.end() || found->second.empty()) {
    return invalid("serve.tokens: '{}' names an environment variable that is not set", entry);
  }
  return found->second;
}

Result<TokenKey> read_key(const std::string& entry, std::string_view kind, std::string text) {
  TokenKey key;
  if (kind == "eddsa") {
    const auto bytes = public_key_bytes(text);
    if (!bytes) {
      return invalid("serve.tokens: '{}' holds no Ed25519 public key (PEM, or 32 bytes in base64)",
                     entry);
    }
    std::copy(bytes->begin(), bytes->end(), key.public_key.begin());
    return key;
  }
  key.algorithm = TokenKey::Algorithm::kHs256;
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.size() < kSecretBytesMin) {
    return invalid("serve.tokens: the secret of '{}' is shorter than {} bytes", entry,
                   kSecretBytesMin);
  }
  key.secret = std::move(text);
  return key;
}

bool is_signed_by(const TokenKey& key, std::string_view algorithm, std::string_view content,
                  std::string_view signature) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(content.data());
  const auto* mark = reinterpret_cast<const unsigned char*>(signature.data());
  if (key.algorithm == TokenKey::Algorithm::kEdDsa) {
    return algorithm == "EdDSA" && signature.size() == crypto_sign_BYTES &&
           crypto_sign_verify_detached(mark, bytes, content.size(), key.public_key.data()) == 0;
  }
  if (algorithm != "HS256" || signature.size() != crypto_auth_hmacsha256_BYTES) return false;
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(key.secret.data()),
                              key.secret.size());
  crypto_auth_hmacsha256_update(&state, bytes, content.size());
  unsigned char wanted[crypto_auth_hmacsha256_BYTES];
  crypto_auth_hmacsha256_final(&state, wanted);
  return sodium_memcmp(wanted, mark, sizeof wanted) == 0;
}

// aud is a text, or a list of one text: a token for several tenants would be nobody's.
std::optional<std::string> audience_of(const Json& claims) {
  const Json* audience = claims.find("aud");
  if (audience == nullptr) return std::nullopt;
  if (audience->is_string()) return audience->as_string();
  if (!audience->is_array() || audience->as_array().size() != 1) return std::nullopt;
  const Json& only = audience->as_array().front();
  return only.is_string() ? std::optional<std::string>(only.as_string()) : std::nullopt;
}

// The moments of a token. A claim that is there and no number makes it invalid.
bool is_current(const Json& claims, std::int64_t now_ms) {
  const double now = static_cast<double>(now_ms) / 1000;
  const auto expires = claims.number_at("exp");
  if (!expires || !(*expires + kGraceS > now)) return false;
  for (const char* name : {"nbf", "iat"}) {
    if (claims.find(name) == nullptr) continue;
    const auto from = claims.number_at(name);
    if (!from || !(*from - kGraceS <= now)) return false;
  }
  return true;
}

}  // namespace

Result<TokenKeys> read_token_keys(std::span<const std::string> entries,
                                  const Environment& environment) {
  TokenKeys keys;
  for (const std::string& entry : entries) {
    const std::size_t equals = entry.find('=');
    const std::size_t colon = entry.find(':', equals == std::string::npos ? 0 : equals);
    const std::string_view whole(entry);
    const std::string_view kind = equals == std::string::npos || colon == std::string::npos
                                      ? std::string_view()
                                      : whole.substr(equals + 1, colon - equals - 1);
    if (kind != "eddsa" && kind != "hs256") {
      return invalid(
          "serve.tokens: found '{}', expected TENANT=eddsa:FILE or TENANT=hs256:FILE (env:NAME in "
          "place of FILE reads an environment variable)",
          entry);
    }
    const std::string tenant = entry.substr(0, equals);
    TORII_TRY_VOID(store::check_tenant(tenant));
    TORII_TRY(std::string text, read_source(entry, whole.substr(colon + 1), environment));
    TORII_TRY(TokenKey key, read_key(entry, kind, std::move(text)));
    keys[tenant].push_back(std::move(key));
  }
  return keys;
}

std::optional<UserToken> verify_token(std::string_view token, const TokenKeys& keys,
                                      std::int64_t now_ms) {
  if (token.size() > kTokenBytesMax || keys.empty()) return std::nullopt;
  const std::size_t first = token.find('.');
  const std::size_t second =
      first == std::string_view::npos ? std::string_view::npos : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return std::nullopt;
  }
  const auto head_text = base64url_decode(token.substr(0, first));
  const auto body_text = base64url_decode(token.substr(first + 1, second - first - 1));
  const auto signature = base64url_decode(token.substr(second + 1));
  if (!head_text || !body_text || !signature) return std::nullopt;
  const auto head = Json::parse(*head_text, "token", Json::DuplicateKeys::kRefuse);
  const auto claims = Json::parse(*body_text, "token", Json::DuplicateKeys::kRefuse);
  if (!head.ok() || !claims.ok() || !head->is_object() || !claims->is_object()) return std::nullopt;
  if (head->find("crit") != nullptr) return std::nullopt;
  const auto algorithm = head->string_at("alg");
  auto tenant = audience_of(*claims);
  auto user = claims->string_at("sub");
  if (!algorithm || !tenant || !user || user->empty() || user->size() > kUserBytesMax ||
      user->find('\0') != std::string::npos) {
    return std::nullopt;
  }
  const auto of_tenant = keys.find(*tenant);
  if (of_tenant == keys.end()) return std::nullopt;
  bool is_signed = false;
  for (const TokenKey& key : of_tenant->second) {
    is_signed = is_signed || is_signed_by(key, *algorithm, token.substr(0, second), *signature);
  }
  if (!is_signed || !is_current(*claims, now_ms)) return std::nullopt;
  return UserToken{*std::move(user), *std::move(tenant)};
}

}  // namespace torii::server

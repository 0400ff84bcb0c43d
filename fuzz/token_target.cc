#include <array>
#include <span>
#include <string>

#include "base/check.h"
#include "fuzz/target.h"
#include "server/api_keys.h"
#include "server/user_token.h"

namespace torii::fuzz {

// Input: what a sender calls its credential. None of them is signed by these keys.
void run_token(std::string_view input) {
  using namespace server;  // NOLINT: the subject
  TokenKeys keys;
  keys["default"].push_back(
      {.algorithm = TokenKey::Algorithm::kEdDsa, .public_key = {1}, .secret = {}});
  keys["default"].push_back({.algorithm = TokenKey::Algorithm::kHs256,
                             .public_key = {},
                             .secret = "e5b1f1f0c2a94d0f8b7d6a5c4b3a29180716f5e4"});
  TORII_CHECK(!verify_token(input, keys, 1'800'000'000'000), "nobody can sign without the key");
  const auto bearer = bearer_of(input);
  const store::ApiKey key{
      .id = "abc", .tenant = "default", .name = {}, .scopes = 1, .hash = std::string(64, '0')};
  const KeyRing ring(std::span(&key, 1), nullptr);
  TORII_CHECK(ring.find(bearer.value_or(input), 0) == nullptr, "nobody has the key");
  const std::string entry(input);
  if (entry.find("=hs256:env:") != std::string::npos) {  // no file is to be opened here
    (void)read_token_keys(std::span(&entry, 1), {{"NAME", entry}});
  }
}

}  // namespace torii::fuzz

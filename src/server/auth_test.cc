#include <gtest/gtest.h>
#include <sodium.h>

#include <string>

#include "base/hash.h"
#include "server/api_keys.h"
#include "server/json_text.h"
#include "server/rate_limit.h"
#include "server/user_token.h"

namespace torii::server {
namespace {

constexpr std::int64_t kNowMs = 1'800'000'000'000;
constexpr std::int64_t kNowS = kNowMs / 1000;

store::ApiKey key_of(const std::string& id, const std::string& whole, std::uint8_t scopes) {
  return {.id = id, .tenant = "default", .name = "", .scopes = scopes, .hash = sha256_hex(whole)};
}

TEST(KeyRing, KnowsWholeKeysOnly) {
  const store::ApiKey key = key_of("abc", "torii_abc_secret", store::kRead);
  const KeyRing ring(std::span(&key, 1), nullptr);
  const KnownKey* found = ring.find("torii_abc_secret", kNowMs);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->scopes, store::kRead);
  for (const char* other : {"torii_abc_secreT", "torii_abc_", "torii_abc", "torii_xyz_secret",
                            "abc", "", "torii_", "torii_abc_secret "}) {
    EXPECT_EQ(ring.find(other, kNowMs), nullptr) << other;
  }
}

TEST(KeyRing, RevokedAndExpiredKeysAreNone) {
  store::ApiKey keys[2] = {key_of("a", "torii_a_1", store::kAdmin),
                           key_of("b", "torii_b_1", store::kAdmin)};
  keys[0].revoked_ms = 1;
  keys[1].expires_ms = kNowMs;
  const KeyRing ring(keys, nullptr);
  EXPECT_EQ(ring.find("torii_a_1", kNowMs), nullptr);
  EXPECT_EQ(ring.find("torii_b_1", kNowMs), nullptr);
  EXPECT_NE(ring.find("torii_b_1", kNowMs - 1), nullptr);
}

TEST(KeyRing, LimitersOutliveAReload) {
  const store::ApiKey key = key_of("abc", "torii_abc_s", store::kRead);
  const KeyRing before(std::span(&key, 1), nullptr);
  const KeyRing after(std::span(&key, 1), &before);
  EXPECT_EQ(before.find("torii_abc_s", 0)->limiter, after.find("torii_abc_s", 0)->limiter);
}

TEST(Bearer, IsTheOnlyScheme) {
  EXPECT_EQ(bearer_of("Bearer x"), "x");
  EXPECT_EQ(bearer_of("bearer  y"), "y");
  EXPECT_FALSE(bearer_of("Basic eDp5"));
  EXPECT_FALSE(bearer_of("Bearer "));
  EXPECT_FALSE(bearer_of(""));
}

TEST(Limiter, LetsABurstThroughAndThenTheRate) {
  Limiter limiter;
  std::int64_t now = 1'000'000'000;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(limiter.take(10, 5, now), 0) << i;
  EXPECT_GE(limiter.take(10, 5, now), 1);
  now += 100'000'000;  // a tenth of a second: one more
  EXPECT_EQ(limiter.take(10, 5, now), 0);
  EXPECT_GE(limiter.take(10, 5, now), 1);
  EXPECT_EQ(limiter.take(0, 5, now), 0) << "no limit";
}

TEST(Limiter, CountsWhatWaits) {
  Limiter limiter;
  EXPECT_TRUE(limiter.enter(1));
  EXPECT_FALSE(limiter.enter(1));
  limiter.leave();
  EXPECT_TRUE(limiter.enter(1));
  EXPECT_TRUE(limiter.enter(0));
}

// ---- tokens

std::string base64url(std::string_view text) {
  std::string out(sodium_base64_encoded_len(text.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING),
                  '\0');
  sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(text.data()),
                    text.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  out.pop_back();
  return out;
}

class UserTokens : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    crypto_sign_keypair(public_.data(), private_.data());
    secret_ = std::string(40, 's');
    environment_ = {{"PUB", base64(std::as_bytes(std::span(public_)))}, {"SECRET", secret_}};
    const std::string entries[] = {"shop=eddsa:env:PUB", "other=hs256:env:SECRET"};
    auto read = read_token_keys(entries, environment_);
    ASSERT_TRUE(read.ok()) << read.error().message;
    keys_ = std::move(read).value();
  }
  std::string eddsa(const std::string& head, const std::string& claims) const {
    const std::string content = base64url(head) + "." + base64url(claims);
    unsigned char mark[crypto_sign_BYTES];
    crypto_sign_detached(mark, nullptr, reinterpret_cast<const unsigned char*>(content.data()),
                         content.size(), private_.data());
    return content + "." + base64url({reinterpret_cast<const char*>(mark), sizeof mark});
  }
  static std::string hs256(const std::string& head, const std::string& claims,
                           const std::string& secret) {
    const std::string content = base64url(head) + "." + base64url(claims);
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(secret.data()),
                                secret.size());
    crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(content.data()),
                                  content.size());
    unsigned char mark[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_final(&state, mark);
    return content + "." + base64url({reinterpret_cast<const char*>(mark), sizeof mark});
  }
  static std::string claims(const std::string& tenant, const std::string& more = "") {
    return R"({"sub":"ann","aud":")" + tenant + R"(","exp":)" + std::to_string(kNowS + 60) + more +
           "}";
  }
  std::array<unsigned char, 32> public_{};
  std::array<unsigned char, 64> private_{};
  std::string secret_;
  Environment environment_;
  TokenKeys keys_;
  const std::string ed_ = R"({"alg":"EdDSA","typ":"JWT"})";
  const std::string hs_ = R"({"alg":"HS256"})";
};

TEST_F(UserTokens, NameTheUserAndTheTenant) {
  const auto token = verify_token(eddsa(ed_, claims("shop")), keys_, kNowMs);
  ASSERT_TRUE(token);
  EXPECT_EQ(token->user, "ann");
  EXPECT_EQ(token->tenant, "shop");
  EXPECT_TRUE(verify_token(hs256(hs_, claims("other"), secret_), keys_, kNowMs));
}

TEST_F(UserTokens, AlgorithmBelongsToTheKey) {
  // The public key as the secret of an HMAC, no signature, and another tenant's algorithm.
  const std::string as_secret(reinterpret_cast<const char*>(public_.data()), public_.size());
  EXPECT_FALSE(verify_token(hs256(hs_, claims("shop"), as_secret), keys_, kNowMs));
  EXPECT_FALSE(verify_token(hs256(hs_, claims("shop"), environment_["PUB"]), keys_, kNowMs));
  EXPECT_FALSE(verify_token(base64url(R"({"alg":"none"})") + "." + base64url(claims("shop")) + ".",
                            keys_, kNowMs));
  EXPECT_FALSE(verify_token(eddsa(hs_, claims("shop")), keys_, kNowMs));
  EXPECT_FALSE(verify_token(eddsa(ed_, claims("other")), keys_, kNowMs));
  EXPECT_FALSE(verify_token(hs256(hs_, claims("shop"), secret_), keys_, kNowMs));
  EXPECT_FALSE(
      verify_token(eddsa(R"({"alg":"EdDSA","crit":["x"]})", claims("shop")), keys_, kNowMs));
}

TEST_F(UserTokens, TimesCount) {
  const auto with = [&](const std::string& body) {
    return verify_token(eddsa(ed_, body), keys_, kNowMs).has_value();
  };
  EXPECT_FALSE(with(R"({"sub":"ann","aud":"shop"})")) << "exp is required";
  EXPECT_FALSE(with(R"({"sub":"ann","aud":"shop","exp":"never"})"));
  EXPECT_FALSE(with(R"({"sub":"ann","aud":"shop","exp":)" + std::to_string(kNowS - 31) + "}"));
  EXPECT_TRUE(with(R"({"sub":"ann","aud":"shop","exp":)" + std::to_string(kNowS - 29) + "}"));
  EXPECT_FALSE(with(claims("shop", ",\"nbf\":" + std::to_string(kNowS + 31))));
  EXPECT_FALSE(with(claims("shop", ",\"iat\":" + std::to_string(kNowS + 31))));
  EXPECT_TRUE(with(claims("shop", ",\"nbf\":" + std::to_string(kNowS - 1))));
}

TEST_F(UserTokens, BrokenOnesAreRefused) {
  const std::string good = eddsa(ed_, claims("shop"));
  std::string changed = good;
  changed[changed.find('.') + 5] ^= 1;
  for (const std::string& bad : {changed, good + "x", good + ".", good.substr(0, good.rfind('.')),
                                 std::string(), std::string("a.b.c"), std::string(5000, 'a'),
                                 eddsa(ed_, R"({"sub":"","aud":"shop","exp":1e12})"),
                                 eddsa(ed_, R"({"sub":1,"aud":"shop","exp":1e12})"),
                                 eddsa(ed_, R"({"sub":"a","aud":["shop","other"],"exp":1e12})"),
                                 eddsa(ed_, R"({"sub":"a","sub":"b","aud":"shop","exp":1e12})")}) {
    EXPECT_FALSE(verify_token(bad, keys_, kNowMs)) << bad.substr(0, 60);
  }
}

TEST_F(UserTokens, KeysAreChecked) {
  for (const char* entry : {"shop", "shop=rsa:x", "SHOP=eddsa:env:PUB", "shop=eddsa:env:NONE",
                            "shop=eddsa:env:SECRET", "shop=hs256:/nowhere"}) {
    const std::string entries[] = {entry};
    EXPECT_FALSE(read_token_keys(entries, environment_).ok()) << entry;
  }
  const std::string entries[] = {"shop=hs256:env:SHORT"};
  const auto shortly = read_token_keys(entries, {{"SHORT", "tooshort"}});
  ASSERT_FALSE(shortly.ok());
  EXPECT_EQ(shortly.error().message.find("tooshort"), std::string::npos) << "secrets stay secret";
}

TEST(IsoTime, ReadsWhatItWrites) {
  EXPECT_EQ(iso_time(kNowMs + 7), "2027-01-15T08:00:00.007Z");
  EXPECT_EQ(parse_iso_time(iso_time(kNowMs + 7)), kNowMs + 7);
  EXPECT_EQ(parse_iso_time("2027-01-15T10:00:00+02:00"), kNowMs);
  for (const char* bad : {"2027-01-15", "2027-02-30T00:00:00Z", "2027-01-15T25:00:00Z",
                          "2027-01-15T08:00:00", "1960-01-15T08:00:00Z", "2027-01-15T08:00:00.Z"}) {
    EXPECT_FALSE(parse_iso_time(bad)) << bad;
  }
}

}  // namespace
}  // namespace torii::server

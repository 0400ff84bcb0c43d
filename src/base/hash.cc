#include "base/hash.h"

#include <openssl/evp.h>

#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/random.h"

namespace torii {

namespace {

struct DigestContext {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  DigestContext() = default;
  DigestContext(const DigestContext&) = delete;
  DigestContext& operator=(const DigestContext&) = delete;
  ~DigestContext() { EVP_MD_CTX_free(context); }
};

}  // namespace

struct Sha256::State : DigestContext {};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  TORII_CHECK(
      state_->context != nullptr && EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) == 1,
      "the crypto library offers no SHA-256");
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const std::byte> bytes) {
  TORII_CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1,
              "update after finish");
}

void Sha256::update(std::string_view text) {
  update(std::as_bytes(std::span(text.data(), text.size())));
}

Sha256::Digest Sha256::finish() {
  Digest digest;
  unsigned length = 0;
  TORII_CHECK(EVP_DigestFinal_ex(state_->context, reinterpret_cast<unsigned char*>(digest.data()),
                                 &length) == 1 &&
                  length == digest.size(),
              "SHA-256 did not finish");
  return digest;
}

Sha256::Digest sha256(std::span<const std::byte> bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

std::string to_hex(std::span<const std::byte> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<unsigned>(byte) >> 4];
    text += kDigits[std::to_integer<unsigned>(byte) & 15U];
  }
  return text;
}

std::string sha256_hex(std::span<const std::byte> bytes) {
  return to_hex(sha256(bytes));
}

std::string sha256_hex(std::string_view text) {
  return sha256_hex(std::as_bytes(std::span(text.data(), text.size())));
}

std::string git_blob_hex(std::span<const std::byte> bytes) {
  std::string head = "blob " + std::to_string(bytes.size());
  head.push_back('\0');
  const DigestContext hash;
  std::array<std::byte, 20> digest;
  unsigned length = 0;
  TORII_CHECK(hash.context != nullptr &&
                  EVP_DigestInit_ex(hash.context, EVP_sha1(), nullptr) == 1 &&
                  EVP_DigestUpdate(hash.context, head.data(), head.size()) == 1 &&
                  EVP_DigestUpdate(hash.context, bytes.data(), bytes.size()) == 1 &&
                  EVP_DigestFinal_ex(hash.context, reinterpret_cast<unsigned char*>(digest.data()),
                                     &length) == 1 &&
                  length == digest.size(),
              "the crypto library offers no SHA-1");
  return to_hex(digest);
}

namespace {

std::uint64_t load_little_endian(const char* bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes, sizeof value);
  if constexpr (std::endian::native == std::endian::big) value = __builtin_bswap64(value);
  return value;
}

// The 128-bit product folded to 64 bits mixes both factors into every bit (as in wyhash).
std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

std::uint64_t hash64(std::string_view text, std::uint64_t seed) {
  constexpr std::uint64_t kLow = 0x9e3779b97f4a7c15ULL;  // odd, half of the bits set
  constexpr std::uint64_t kHigh = 0xd6e8feb86659fd93ULL;
  std::uint64_t hash = mix64(seed ^ kHigh);
  const char* bytes = text.data();
  std::size_t left = text.size();
  for (; left >= 16; left -= 16, bytes += 16) {
    hash = std::rotl(hash, 23) +
           fold(load_little_endian(bytes) ^ hash ^ kLow, load_little_endian(bytes + 8) ^ kHigh);
  }
  if (left > 0) {
    char tail[16] = {};
    std::memcpy(tail, bytes, left);
    hash = std::rotl(hash, 23) +
           fold(load_little_endian(tail) ^ hash ^ kLow, load_little_endian(tail + 8) ^ kHigh);
  }
  return mix64(hash ^ text.size());
}

}  // namespace torii

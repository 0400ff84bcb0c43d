#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace torii {

/// SHA-256 (FIPS 180-4) over pieces.
class Sha256 {
 public:
  using Digest = std::array<std::byte, 32>;
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::span<const std::byte> bytes);
  void update(std::string_view text);
  /// Ends the computation; the object must not be used after.
  [[nodiscard]] Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

[[nodiscard]] Sha256::Digest sha256(std::span<const std::byte> bytes);
/// 64 lower-case hexadecimal digits.
[[nodiscard]] std::string to_hex(std::span<const std::byte> bytes);
[[nodiscard]] std::string sha256_hex(std::span<const std::byte> bytes);
[[nodiscard]] std::string sha256_hex(std::string_view text);

/// The name that git gives to a file of these bytes: SHA-1 of "blob <size>\0" and the bytes. To
/// notice damage, not to stop an attacker.
[[nodiscard]] std::string git_blob_hex(std::span<const std::byte> bytes);

/// A fast 64-bit hash of text for tables and fingerprints inside one process or file version: not
/// for security. The value is stable: files may hold it.
[[nodiscard]] std::uint64_t hash64(std::string_view text, std::uint64_t seed = 0);

}  // namespace torii

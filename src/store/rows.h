#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/store.h"

/// A row of a publication, and a record, as bytes that are the same in every back end: what the
/// checksums are over, what Redis holds, what a backup holds. Little-endian; texts and arrays with
/// their length (uint32) before them. docs/formats/store.md.
namespace torii::store {

void encode(const PublishedItem& item, std::string& out);
void encode(const PublishedUser& user, std::string& out);
/// Without seq.
void encode(const Record& record, std::string& out);

/// Takes encoded things off the front of `bytes`. nullopt: what is there is none (`bytes` is then
/// of no use any more); lengths never reach beyond `bytes`.
[[nodiscard]] std::optional<PublishedItem> decode_item(std::string_view& bytes);
[[nodiscard]] std::optional<PublishedUser> decode_user(std::string_view& bytes);
[[nodiscard]] std::optional<Record> decode_record(std::string_view& bytes);

/// A checksum over rows, to notice damage, in which one row can be taken out again: sums (mod 2^64)
/// of two hash64 values of every row.
struct RowSum {
  std::uint64_t low = 0, high = 0;

  /// `place` is the item's dense index; 0 for users, whose order their ids say.
  void add(std::string_view encoded, std::uint64_t place);
  void remove(std::string_view encoded, std::uint64_t place);
  void add(const RowSum& other);
  /// 32 hexadecimal digits.
  [[nodiscard]] std::string hex() const;
  [[nodiscard]] static std::optional<RowSum> parse(std::string_view hex);
  [[nodiscard]] bool operator==(const RowSum&) const = default;
};

/// What the rows of one kind add up to.
struct RowTotals {
  std::uint64_t rows = 0;
  RowSum sum;
  [[nodiscard]] bool operator==(const RowTotals&) const = default;
};

/// Array <-> bytes, for columns. nullopt: no whole number of entries.
[[nodiscard]] std::string float_bytes(const std::vector<float>& numbers);
[[nodiscard]] std::string index_bytes(const std::vector<std::uint32_t>& numbers);
[[nodiscard]] std::optional<std::vector<float>> floats_of(std::string_view bytes);
[[nodiscard]] std::optional<std::vector<std::uint32_t>> indices_of(std::string_view bytes);

}  // namespace torii::store

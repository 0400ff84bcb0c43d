#include <array>
#include <cmath>
#include <optional>

#include "data/split.h"

namespace torii::data {
namespace {

// CRC-32 of ISO-HDLC, as zlib's crc32().
constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0xEDB88320U : 0U);
    table[byte] = value;
  }
  return table;
}

std::uint32_t crc32(std::string_view text) {
  static constexpr auto kTable = crc_table();
  std::uint32_t value = 0xFFFFFFFFU;
  for (const char c : text) {
    value = kTable[(value ^ static_cast<unsigned char>(c)) & 0xFFU] ^ (value >> 8);
  }
  return ~value;
}

// nullopt: null. Only for numbers and yes/no.
Result<std::optional<bool>> flag_at(const Column& column, std::size_t row,
                                    const std::string& where) {
  if (column.is_null(row)) return std::optional<bool>();
  const auto number = column.number_at(row);
  if (number && (*number == 0.0 || *number == 1.0)) return std::optional<bool>(*number == 1.0);
  return invalid("{}: column '{}': expected yes/no or 0 and 1, found \"{}\"", where, kColdColumn,
                 column.text_at(row).substr(0, 40));
}

}  // namespace

Result<std::vector<Part>> cold_parts(const Dataset& dataset, const SplitSpec& spec) {
  const bool items = spec.kind == SplitSpec::Kind::kColdItems;
  const IdIndex& ids = items ? dataset.items : dataset.users;
  const Table& table = items ? dataset.item_table : dataset.user_table;
  const Column* column = table.find(kColdColumn);
  const std::string where =
      table.source().empty() ? std::string(items ? "items" : "users") : table.source();
  std::vector<Part> parts(ids.size(), Part::kTrain);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::uint32_t residue = crc32(ids[i]) % 10;
    bool cold = residue == 0;
    if (column != nullptr) {
      TORII_TRY(const std::optional<bool> flag, flag_at(*column, i, where));
      cold = flag.value_or(cold);
    }
    if (cold) {
      parts[i] = Part::kTest;
    } else if (residue == 1) {
      parts[i] = Part::kValid;
    }
  }
  return parts;
}

}  // namespace torii::data

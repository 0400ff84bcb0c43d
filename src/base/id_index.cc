#include "base/id_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/hash.h"

namespace torii {
namespace {

// The first 8 bytes as a big-endian number: its order is the order of the bytes.
std::uint64_t prefix(std::string_view text) {
  unsigned char bytes[8] = {};
  std::memcpy(bytes, text.data(), std::min<std::size_t>(text.size(), 8));
  std::uint64_t value = 0;
  for (const unsigned char byte : bytes) value = value << 8 | byte;
  return value;
}

constexpr std::size_t kIdsMax = std::numeric_limits<std::uint32_t>::max() - 1;

}  // namespace

std::optional<std::int64_t> canonical_integer(std::string_view text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  const std::string_view digits = text.front() == '-' ? text.substr(1) : text;
  if (digits.front() == '0' && text != "0") return std::nullopt;
  return value;
}

std::vector<std::uint32_t> order_by_bytes(const StringArray& texts) {
  TORII_CHECK(texts.size() <= kIdsMax, "too many texts for 32-bit places");
  std::vector<std::pair<std::uint64_t, std::uint32_t>> keys(texts.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    keys[i] = {prefix(texts[i]), static_cast<std::uint32_t>(i)};
  }
  std::sort(keys.begin(), keys.end(), [&](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first < b.first;
    const int order = texts[a.second].compare(texts[b.second]);
    return order != 0 ? order < 0 : a.second < b.second;
  });
  std::vector<std::uint32_t> places(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) places[i] = keys[i].second;
  return places;
}

IdIndex::IdIndex(std::vector<std::string> ids, bool integers) {
  StringArray texts;
  texts.offsets.reserve(ids.size() + 1);
  for (const std::string& id : ids) texts.push_back(id);
  *this = build(texts, integers);
}

IdIndex IdIndex::build(const StringArray& ids, bool integers) {
  IdIndex result;
  std::vector<std::int64_t> numbers;
  if (integers) {
    numbers.reserve(ids.size());
    for (std::size_t i = 0; i < ids.size() && integers; ++i) {
      if (const auto number = canonical_integer(ids[i])) {
        numbers.push_back(*number);
      } else {
        integers = false;
      }
    }
  }
  result.integers_ = integers;
  if (integers) {
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    for (const std::int64_t number : numbers) {
      const fmt::format_int text(number);
      result.ids_.push_back({text.data(), text.size()});
    }
  } else {
    const std::vector<std::uint32_t> order = order_by_bytes(ids);
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (i == 0 || ids[order[i]] != ids[order[i - 1]]) result.ids_.push_back(ids[order[i]]);
    }
  }
  result.index();
  return result;
}

Result<IdIndex> IdIndex::from_ordered(StringArray ids, bool integers) {
  if (ids.size() > kIdsMax) {
    return make_error(ErrorCode::kUnsupported, "{} ids: at most {} are supported", ids.size(),
                      kIdsMax);
  }
  std::int64_t previous = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    bool ascending = true;
    if (integers) {
      const auto number = canonical_integer(ids[i]);
      if (!number) {
        return make_error(ErrorCode::kCorrupt, "id {} of {}: expected an integer, found \"{}\"",
                          i + 1, ids.size(), ids[i].substr(0, 80));
      }
      ascending = i == 0 || previous < *number;
      previous = *number;
    } else {
      ascending = i == 0 || ids[i - 1] < ids[i];
    }
    if (!ascending) {
      return make_error(ErrorCode::kCorrupt,
                        "ids must be strictly ascending, but id {} of {} (\"{}\") is not", i + 1,
                        ids.size(), ids[i].substr(0, 80));
    }
  }
  IdIndex result;
  result.ids_ = std::move(ids);
  result.integers_ = integers;
  result.index();
  return result;
}

void IdIndex::index() {
  TORII_CHECK(ids_.size() <= kIdsMax, "too many ids for 32-bit places");
  // At most half full, so that a probe rarely takes more than two steps.
  slots_.assign(std::bit_ceil(std::max<std::size_t>(ids_.size() * 2, 2)), 0);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = 0; i < ids_.size(); ++i) {
    std::size_t slot = hash64(ids_[i]) & mask;
    while (slots_[slot] != 0) slot = (slot + 1) & mask;
    slots_[slot] = static_cast<std::uint32_t>(i + 1);
  }
}

std::optional<std::uint32_t> IdIndex::find(std::string_view id) const {
  if (slots_.empty()) return std::nullopt;
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t slot = hash64(id) & mask; slots_[slot] != 0; slot = (slot + 1) & mask) {
    const std::uint32_t place = slots_[slot] - 1;
    if (ids_[place] == id) return place;
  }
  return std::nullopt;
}

}  // namespace torii

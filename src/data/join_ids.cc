#include "data/join_ids.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "base/hash.h"
#include "base/random.h"

namespace torii::data {
namespace {

// Ids of one source, understood as integers, as texts, or (texts that are all integers) as both.
struct Ids {
  const StringArray* texts = nullptr;
  const EncodedTexts* encoded = nullptr;
  const std::vector<std::int64_t>* borrowed = nullptr;
  std::optional<std::vector<std::int64_t>> owned;

  const std::vector<std::int64_t>* integers() const { return owned ? &*owned : borrowed; }
};

bool is_whole(double value) {
  constexpr double kExactMax = 9007199254740992.0;  // 2^53
  return std::abs(value) <= kExactMax && value == std::trunc(value);
}

// Whole numbers: what remains of an integer column with nulls after pandas wrote it. Others are no
// ids: is_missing().
std::vector<std::int64_t> whole_numbers(const Column& column) {
  std::vector<std::int64_t> integers(column.size(), 0);
  for (std::size_t row = 0; row < column.size(); ++row) {
    const double value = column.doubles()[row];
    if (is_whole(value)) integers[row] = static_cast<std::int64_t>(value);
  }
  return integers;
}

std::optional<std::vector<std::int64_t>> all_integers(const Column& column) {
  const StringArray& texts = column.strings();
  std::vector<std::int64_t> integers(texts.size(), 0);
  for (std::size_t row = 0; row < texts.size(); ++row) {
    if (column.is_null(row) || texts[row].empty()) continue;
    const auto number = canonical_integer(texts[row]);
    if (!number) return std::nullopt;
    integers[row] = *number;
  }
  return integers;
}

Result<Ids> understand(const IdSource& source) {
  const Column& column = *source.column;
  Ids ids;
  switch (column.type) {
    case ColumnType::kInt64:
      ids.borrowed = &std::get<std::vector<std::int64_t>>(column.values);
      return ids;
    case ColumnType::kFloat64: {
      ids.owned = whole_numbers(column);
      return ids;
    }
    case ColumnType::kString:
      if (column.is_encoded()) {
        ids.encoded = &column.encoded();
        return ids;
      }
      ids.texts = &column.strings();
      if (source.untyped) ids.owned = all_integers(column);
      return ids;
    case ColumnType::kBool:
    case ColumnType::kTimestamp:
    case ColumnType::kStringList:
    case ColumnType::kFloatList:
      break;
  }
  return invalid("{}: expected ids (integers or texts), found {}; name another column as the id",
                 source.where, type_name(column.type));
}

bool is_missing(const IdSource& source, std::size_t row) {
  if (source.column->is_null(row)) return true;
  if (source.column->type == ColumnType::kFloat64) return !is_whole(source.column->doubles()[row]);
  return source.column->type == ColumnType::kString && !source.column->is_encoded() &&
         source.column->strings()[row].empty();
}

// Numbers distinct keys 0, 1, 2, ... as they come. A slot holds the upper half of the hash and the
// number + 1, so that most probes need not look at the key.
class Numbering {
 public:
  // equal(number): whether the key of that number is the one looked for.
  template <class Equal>
  std::uint32_t number_of(std::uint64_t hash, const Equal& equal) {
    if (2 * (count_ + 1) > slots_.size()) grow();
    const std::uint64_t tag = hash & ~kNumberMask;
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = (hash >> 32) & mask;
    for (; slots_[slot] != 0; slot = (slot + 1) & mask) {
      if ((slots_[slot] & ~kNumberMask) != tag) continue;
      const auto number = static_cast<std::uint32_t>((slots_[slot] & kNumberMask) - 1);
      if (equal(number)) return number;
    }
    slots_[slot] = tag | ++count_;
    return static_cast<std::uint32_t>(count_ - 1);
  }
  std::uint64_t count() const { return count_; }

 private:
  static constexpr std::uint64_t kNumberMask = 0xFFFFFFFFULL;

  void grow() {
    std::vector<std::uint64_t> old(slots_.size() * 2, 0);
    old.swap(slots_);
    const std::size_t mask = slots_.size() - 1;
    for (const std::uint64_t value : old) {
      if (value == 0) continue;
      std::size_t slot = (value >> 32) & mask;
      while (slots_[slot] != 0) slot = (slot + 1) & mask;
      slots_[slot] = value;
    }
  }

  std::vector<std::uint64_t> slots_ = std::vector<std::uint64_t>(1024, 0);
  std::uint64_t count_ = 0;
};

// Replaces numbers in order of appearance by places in the order of ids.
void renumber(std::vector<std::vector<std::uint32_t>>& codes,
              const std::vector<std::uint32_t>& order) {
  std::vector<std::uint32_t> place(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) place[order[i]] = static_cast<std::uint32_t>(i);
  for (auto& list : codes) {
    for (std::uint32_t& code : list) {
      if (code != JoinedIds::kNone) code = place[code];
    }
  }
}

Result<JoinedIds> join_integers(const std::vector<IdSource>& sources, const std::vector<Ids>& ids) {
  JoinedIds joined;
  Numbering numbering;
  std::vector<std::int64_t> distinct;
  for (std::size_t s = 0; s < sources.size(); ++s) {
    const std::vector<std::int64_t>& values = *ids[s].integers();
    auto& codes = joined.codes.emplace_back(values.size(), JoinedIds::kNone);
    for (std::size_t row = 0; row < values.size(); ++row) {
      if (is_missing(sources[s], row)) continue;
      codes[row] =
          numbering.number_of(mix64(static_cast<std::uint64_t>(values[row])),
                              [&](auto number) { return distinct[number] == values[row]; });
      if (codes[row] == distinct.size()) distinct.push_back(values[row]);
    }
  }
  std::vector<std::uint32_t> order(distinct.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return distinct[a] < distinct[b]; });
  renumber(joined.codes, order);
  StringArray sorted;
  sorted.offsets.reserve(order.size() + 1);
  for (const std::uint32_t number : order) {
    const fmt::format_int text(distinct[number]);
    sorted.push_back({text.data(), text.size()});
  }
  TORII_TRY(joined.index, IdIndex::from_ordered(std::move(sorted), true));
  return joined;
}

// Looks each text up once, and only if a row has it.
template <class NumberOf>
void number_encoded(const Column& column, const NumberOf& number_of,
                    std::vector<std::uint32_t>& codes) {
  const EncodedTexts& texts = column.encoded();
  std::vector<std::uint64_t> numbers(texts.values.size(), UINT64_MAX);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (texts.values[i].empty()) numbers[i] = JoinedIds::kNone;
  }
  for (std::size_t row = 0; row < codes.size(); ++row) {
    if (column.is_null(row)) continue;
    std::uint64_t& number = numbers[texts.codes[row]];
    if (number == UINT64_MAX) number = number_of(texts.values[texts.codes[row]]);
    codes[row] = static_cast<std::uint32_t>(number);
  }
}

Result<JoinedIds> join_texts(const std::vector<IdSource>& sources, const std::vector<Ids>& ids) {
  JoinedIds joined;
  Numbering numbering;
  StringArray distinct;
  const auto number_of = [&](std::string_view id) {
    const std::uint32_t number =
        numbering.number_of(hash64(id), [&](auto other) { return distinct[other] == id; });
    if (number == distinct.size()) distinct.push_back(id);
    return number;
  };
  for (std::size_t s = 0; s < sources.size(); ++s) {
    const std::size_t rows = sources[s].column->size();
    auto& codes = joined.codes.emplace_back(rows, JoinedIds::kNone);
    if (ids[s].encoded != nullptr) {
      number_encoded(*sources[s].column, number_of, codes);
      continue;
    }
    for (std::size_t row = 0; row < rows; ++row) {
      if (is_missing(sources[s], row)) continue;
      if (ids[s].texts != nullptr) {
        codes[row] = number_of((*ids[s].texts)[row]);
      } else {
        const fmt::format_int text((*ids[s].integers())[row]);
        codes[row] = number_of({text.data(), text.size()});
      }
    }
  }
  const std::vector<std::uint32_t> order = order_by_bytes(distinct);
  renumber(joined.codes, order);
  StringArray sorted;
  sorted.offsets.reserve(order.size() + 1);
  sorted.bytes.reserve(distinct.bytes.size());
  for (const std::uint32_t number : order) sorted.push_back(distinct[number]);
  TORII_TRY(joined.index, IdIndex::from_ordered(std::move(sorted), false));
  return joined;
}

}  // namespace

Result<JoinedIds> join_ids(const std::vector<IdSource>& sources) {
  std::vector<Ids> ids;
  std::uint64_t rows = 0;
  bool integers = true;
  for (const IdSource& source : sources) {
    TORII_TRY(Ids one, understand(source));
    rows += source.column->size();
    integers = integers && one.integers() != nullptr;
    ids.push_back(std::move(one));
  }
  if (rows >= JoinedIds::kNone) {
    return make_error(ErrorCode::kUnsupported, "{}: {} rows of ids; fewer than 2^32 are supported",
                      sources.front().where, rows);
  }
  return integers ? join_integers(sources, ids) : join_texts(sources, ids);
}

}  // namespace torii::data

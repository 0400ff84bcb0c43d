#include "data/concatenate.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/thread_pool.h"

namespace torii::data {
namespace {

Column null_column(const std::string& name, ColumnType type, std::size_t rows) {
  Column column{name, type, {}, std::vector<std::uint8_t>(rows, 0)};
  switch (type) {
    case ColumnType::kInt64:
    case ColumnType::kTimestamp:
      column.values = std::vector<std::int64_t>(rows, 0);
      break;
    case ColumnType::kFloat64:
      column.values = std::vector<double>(rows, std::numeric_limits<double>::quiet_NaN());
      break;
    case ColumnType::kBool:
      column.values = std::vector<std::uint8_t>(rows, 0);
      break;
    case ColumnType::kString:
      column.values.emplace<StringArray>().offsets.assign(rows + 1, 0);
      break;
    case ColumnType::kStringList:
      column.values.emplace<StringLists>().offsets.assign(rows + 1, 0);
      break;
    case ColumnType::kFloatList:
      column.values.emplace<FloatLists>().offsets.assign(rows + 1, 0);
      break;
  }
  return column;
}

template <class T>
void append(std::vector<T>& to, std::vector<T>&& from) {
  to.insert(to.end(), from.begin(), from.end());
}

void append_offsets(std::vector<std::uint64_t>& to, const std::vector<std::uint64_t>& from) {
  const std::uint64_t base = to.back();
  for (std::size_t i = 1; i < from.size(); ++i) to.push_back(base + from[i]);
}

void append(StringArray& to, StringArray&& from) {
  append_offsets(to.offsets, from.offsets);
  to.bytes.append(from.bytes);
}
void append(StringLists& to, StringLists&& from) {
  append_offsets(to.offsets, from.offsets);
  append(to.values, std::move(from.values));
}
void append(FloatLists& to, FloatLists&& from) {
  append_offsets(to.offsets, from.offsets);
  append(to.values, std::move(from.values));
}
void append(EncodedTexts& to, EncodedTexts&& from) {
  const auto base = static_cast<std::uint32_t>(to.values.size());
  append(to.values, std::move(from.values));
  to.codes.reserve(to.codes.size() + from.codes.size());
  for (const std::uint32_t code : from.codes) to.codes.push_back(base + code);
}

template <class T>
void reserve(std::vector<T>& values, std::size_t rows) {
  values.reserve(rows);
}
void reserve(EncodedTexts& texts, std::size_t rows) {
  texts.codes.reserve(rows);
}
template <class Lists>
void reserve(Lists& lists, std::size_t rows) {
  lists.offsets.reserve(rows + 1);
}

EncodedTexts encode(StringArray texts) {
  EncodedTexts result;
  result.codes.resize(texts.size());
  std::iota(result.codes.begin(), result.codes.end(), 0U);
  result.values = std::move(texts);
  return result;
}

Column to_floats(Column column) {
  if (column.type != ColumnType::kInt64) return column;
  std::vector<double> numbers(column.size());
  for (std::size_t row = 0; row < numbers.size(); ++row) {
    numbers[row] = column.is_null(row) ? std::numeric_limits<double>::quiet_NaN()
                                       : static_cast<double>(column.ints()[row]);
  }
  return {std::move(column.name), ColumnType::kFloat64, std::move(numbers),
          std::move(column.valid)};
}

bool is_number(ColumnType type) {
  return type == ColumnType::kInt64 || type == ColumnType::kFloat64;
}

// The type that holds both; nullopt if there is none.
std::optional<ColumnType> common_type(ColumnType a, ColumnType b) {
  if (a == b) return a;
  if (is_number(a) && is_number(b)) return ColumnType::kFloat64;
  return std::nullopt;
}

// One column of all parts: where it is, and of what type it becomes.
struct Unified {
  std::string name;
  std::vector<std::optional<std::size_t>> places;  // in each part's columns
  std::optional<std::size_t> typed;                // first part that says something
  ColumnType type = ColumnType::kString;
  std::optional<Conflict> conflict;
};

std::vector<Unified> unified_columns(const std::vector<PartTable>& parts) {
  std::vector<Unified> result;
  std::unordered_map<std::string, std::size_t> known;
  for (std::size_t p = 0; p < parts.size(); ++p) {
    for (std::size_t c = 0; c < parts[p].columns.size(); ++c) {
      const Column& column = parts[p].columns[c];
      const auto [entry, is_new] = known.try_emplace(column.name, result.size());
      if (is_new) {
        result.push_back({column.name, {}, {}, column.type, {}});
        result.back().places.resize(parts.size());
      }
      Unified& unified = result[entry->second];
      unified.places[p] = c;
      if (is_all_null(column)) continue;
      if (!unified.typed) {
        unified.typed = p;
        unified.type = column.type;
        continue;
      }
      if (const auto both = common_type(unified.type, column.type)) {
        unified.type = *both;
      } else if (!unified.conflict) {
        unified.conflict = {column.name, *unified.typed, p, unified.type, column.type};
      }
    }
  }
  return result;
}

}  // namespace

bool is_all_null(const Column& column) {
  return column.size() == 0 || (!column.valid.empty() && column.null_count() == column.size());
}

Column as_text(Column column) {
  if (column.type == ColumnType::kString) return column;
  StringArray texts;
  texts.offsets.reserve(column.size() + 1);
  for (std::size_t row = 0; row < column.size(); ++row) texts.push_back(column.text_at(row));
  return {std::move(column.name), ColumnType::kString, std::move(texts), std::move(column.valid)};
}

Column concatenate(std::vector<Column> pieces) {
  TORII_CHECK(!pieces.empty(), "a column has one piece or more");
  if (pieces.size() == 1) return std::move(pieces.front());
  std::size_t rows = 0;
  bool has_nulls = false, is_encoded = false;
  const Column* typed = nullptr;
  for (const Column& piece : pieces) {
    rows += piece.size();
    has_nulls = has_nulls || !piece.valid.empty();
    is_encoded = is_encoded || piece.is_encoded();
    if (typed == nullptr && !is_all_null(piece)) typed = &piece;
  }
  Column result{pieces.front().name, typed == nullptr ? pieces.front().type : typed->type, {}, {}};
  result.values = null_column("", result.type, 0).values;
  if (is_encoded) result.values = EncodedTexts{};
  if (has_nulls) result.valid.reserve(rows);
  std::visit([&](auto& values) { reserve(values, rows); }, result.values);
  for (Column& piece : pieces) {
    if (piece.type != result.type) {
      TORII_CHECK(is_all_null(piece), "pieces of a column must have one type");
      piece = null_column(piece.name, result.type, piece.size());
    }
    if (has_nulls) {
      if (piece.valid.empty()) piece.valid.assign(piece.size(), 1);
      append(result.valid, std::move(piece.valid));
    }
    if (is_encoded && !piece.is_encoded()) {
      piece.values = encode(std::move(std::get<StringArray>(piece.values)));
    }
    std::visit(
        [&](auto& to) {
          append(to, std::move(std::get<std::remove_reference_t<decltype(to)>>(piece.values)));
        },
        result.values);
    piece = Column{};  // its memory is not needed any more
  }
  return result;
}

std::vector<Conflict> conflicts(const std::vector<PartTable>& parts) {
  std::vector<Conflict> result;
  for (Unified& column : unified_columns(parts)) {
    if (column.conflict) result.push_back(std::move(*column.conflict));
  }
  return result;
}

PartTable unify(std::vector<PartTable> parts, ThreadPool* pool) {
  PartTable whole;
  for (const PartTable& part : parts) {
    whole.rows += part.rows;
    for (const auto& skipped : part.skipped) {
      const bool known =
          std::any_of(whole.skipped.begin(), whole.skipped.end(),
                      [&](const auto& other) { return other.first == skipped.first; });
      if (!known) whole.skipped.push_back(skipped);
    }
    for (const auto& [name, texts] : part.repaired) whole.repaired[name] += texts;
    whole.mixed.insert(part.mixed.begin(), part.mixed.end());
  }
  std::vector<Unified> columns = unified_columns(parts);
  std::erase_if(columns, [&](const Unified& column) {
    return std::any_of(whole.skipped.begin(), whole.skipped.end(),
                       [&](const auto& skipped) { return skipped.first == column.name; });
  });
  whole.columns.resize(columns.size());
  const auto join = [&](std::size_t c, std::size_t) {
    std::vector<Column> pieces;
    for (std::size_t p = 0; p < parts.size(); ++p) {
      if (!columns[c].places[p]) {
        pieces.push_back(null_column(columns[c].name, columns[c].type, parts[p].rows));
        continue;
      }
      Column& piece = parts[p].columns[*columns[c].places[p]];
      pieces.push_back(columns[c].type == ColumnType::kFloat64 ? to_floats(std::move(piece))
                                                               : std::move(piece));
    }
    whole.columns[c] = concatenate(std::move(pieces));
  };
  if (pool != nullptr) {
    pool->run(columns.size(), join);
  } else {
    for (std::size_t c = 0; c < columns.size(); ++c) join(c, 0);
  }
  return whole;
}

}  // namespace torii::data

#include "recommend/attribute_index.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "base/check.h"
#include "data/iso_time.h"

namespace torii::recommend {
namespace {

// A value whose items are at least that part of all is kept as bits too: no more memory than the
// list takes twice.
constexpr std::size_t kFrequentPart = 64;
// Bits of so many beginnings of an ordered list are kept, if it is that long.
constexpr std::size_t kMarks = 16, kMarkedMin = 4096;

// Only these can be times; most texts are none, and parsing takes longer than a look.
bool may_be_time(std::string_view text) {
  return text.size() >= 10 && text.size() <= 40 && text[0] >= '0' && text[0] <= '9' &&
         text[4] == '-';
}

struct Entry {
  double value;
  std::uint32_t item;
};

}  // namespace

struct AttributeIndex::Builder::State {
  struct KeyState {
    std::unordered_map<std::string, std::uint32_t> places;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> entries;  // value, item
    std::vector<Entry> numbers, times;
    std::vector<std::uint32_t> present;
  };
  std::uint32_t size = 0;
  std::map<std::string, KeyState, std::less<>> keys;

  void add_value(KeyState& key, const Json& value) {
    if (value.is_null() || value.is_array()) return;
    if (value.is_string() && value.as_string().empty()) return;
    if (key.present.empty() || key.present.back() != size) key.present.push_back(size);
    if (std::string text = value_key(value); !text.empty()) {
      const auto next = static_cast<std::uint32_t>(key.places.size());
      const std::uint32_t place = key.places.try_emplace(std::move(text), next).first->second;
      key.entries.emplace_back(place, size);
    }
    if (value.is_number()) key.numbers.push_back({value.as_double(), size});
    if (value.is_string() && may_be_time(value.as_string())) {
      if (const auto ms = data::parse_iso_time(value.as_string())) {
        key.times.push_back({static_cast<double>(*ms), size});
      }
    }
  }
};

AttributeIndex::Builder::Builder() : state_(std::make_unique<State>()) {}
AttributeIndex::Builder::~Builder() = default;

void AttributeIndex::Builder::add(const Json& attributes) {
  if (attributes.is_object()) {
    for (const auto& [name, value] : attributes.as_object()) {
      State::KeyState& key = state_->keys[name];
      if (value.is_array()) {
        for (const Json& one : value.as_array()) state_->add_value(key, one);
      } else {
        state_->add_value(key, value);
      }
    }
  }
  ++state_->size;
}

AttributeIndex AttributeIndex::Builder::build() && {
  AttributeIndex index;
  index.size_ = state_->size;
  const auto order = [](std::vector<Entry>& entries, Ordered& out) {
    std::ranges::stable_sort(entries, {}, &Entry::value);
    for (const Entry& entry : entries) {
      out.values.push_back(entry.value);
      out.items.push_back(entry.item);
    }
    out.values.shrink_to_fit();
    out.items.shrink_to_fit();
  };
  for (auto& [name, state] : state_->keys) {
    Key& key = index.keys_[name];
    StringArray texts;
    std::vector<std::string_view> by_place(state.places.size());
    for (const auto& [text, place] : state.places) by_place[place] = text;
    std::vector<std::uint32_t> sorted(by_place.size());
    std::iota(sorted.begin(), sorted.end(), 0U);
    std::ranges::sort(sorted, [&](auto a, auto b) { return by_place[a] < by_place[b]; });
    std::vector<std::uint32_t> rank(by_place.size());
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      rank[sorted[i]] = static_cast<std::uint32_t>(i);
      texts.push_back(by_place[sorted[i]]);
    }
    auto values = IdIndex::from_ordered(std::move(texts), false);
    TORII_CHECK(values.ok(), "values were sorted");
    key.values = std::move(values).value();
    for (auto& entry : state.entries) entry.first = rank[entry.first];
    std::ranges::sort(state.entries);
    const auto repeated = std::ranges::unique(state.entries);
    state.entries.erase(repeated.begin(), repeated.end());
    key.offsets.assign(key.values.size() + 1, 0);
    key.items.reserve(state.entries.size());
    for (const auto& [value, item] : state.entries) {
      ++key.offsets[value + 1];
      key.items.push_back(item);
    }
    std::partial_sum(key.offsets.begin(), key.offsets.end(), key.offsets.begin());
    for (std::uint32_t v = 0; v < key.values.size(); ++v) {
      const auto items = items_of(key, v);
      if (items.size() < kMarkedMin / kFrequentPart || items.size() * kFrequentPart < index.size_) {
        continue;
      }
      Bits& bits = key.frequent[v];
      bits.assign(words_of(index.size_), 0);
      for (const std::uint32_t item : items) set_bit(bits, item);
    }
    order(state.numbers, key.numbers);
    order(state.times, key.times);
    key.numbers.mark(index.size_);
    key.times.mark(index.size_);
    key.present.assign(words_of(index.size_), 0);
    for (const std::uint32_t item : state.present) set_bit(key.present, item);
    state = {};
  }
  return index;
}

std::span<const std::uint32_t> AttributeIndex::items_of(const Key& key, std::uint32_t place) {
  return std::span(key.items).subspan(key.offsets[place],
                                      key.offsets[place + 1] - key.offsets[place]);
}

void AttributeIndex::Ordered::mark(std::size_t size) {
  if (items.size() < kMarkedMin) return;
  Bits so_far(words_of(size), 0);
  std::vector<Bits> found = {so_far};
  const std::size_t step = (items.size() + kMarks - 1) / kMarks;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (test_bit(so_far, items[i])) return;  // what is before a place does not tell what is behind
    set_bit(so_far, items[i]);
    if ((i + 1) % step == 0) found.push_back(so_far);
  }
  marks = std::move(found);
  stride = step;
}

// From the nearest mark to the nearest mark, then what is between marks and ends, one by one.
void AttributeIndex::Ordered::add_range(std::size_t first, std::size_t last, Bits& bits) const {
  if (stride == 0 || last - first <= stride) {
    for (std::size_t i = first; i < last; ++i) set_bit(bits, items[i]);
    return;
  }
  const auto nearest = [&](std::size_t at) {
    return std::min((at + stride / 2) / stride, marks.size() - 1);
  };
  const std::size_t low = nearest(first), high = nearest(last);
  for (std::size_t w = 0; w < bits.size(); ++w) bits[w] = marks[high][w] & ~marks[low][w];
  for (std::size_t i = first; i < low * stride; ++i) set_bit(bits, items[i]);
  for (std::size_t i = low * stride; i < first; ++i) clear_bit(bits, items[i]);
  for (std::size_t i = high * stride; i < last; ++i) set_bit(bits, items[i]);
  for (std::size_t i = last; i < high * stride; ++i) clear_bit(bits, items[i]);
}

void AttributeIndex::match_condition(const Condition& condition, Bits& bits) const {
  const auto found = keys_.find(condition.key);
  if (found == keys_.end()) {
    if (condition.kind == Condition::Kind::kExists && !condition.exists) bits = all_bits(size_);
    return;
  }
  const Key& key = found->second;
  if (condition.kind == Condition::Kind::kExists) {
    bits = condition.exists ? key.present : all_bits(size_);
    if (!condition.exists) take_away(bits, key.present);
    return;
  }
  if (condition.kind == Condition::Kind::kEquals) {
    for (const Json& value : condition.values) {
      const std::string text = value_key(value);
      if (text.empty()) continue;
      const auto place = key.values.find(text);
      if (!place.has_value()) continue;
      if (const auto many = key.frequent.find(*place); many != key.frequent.end()) {
        add_bits(bits, many->second);
        continue;
      }
      for (const std::uint32_t item : items_of(key, *place)) set_bit(bits, item);
    }
    return;
  }
  const Ordered& ordered = condition.is_time ? key.times : key.numbers;
  const auto& values = ordered.values;
  const auto first = condition.low_open ? std::ranges::upper_bound(values, condition.low)
                                        : std::ranges::lower_bound(values, condition.low);
  const auto last = condition.high_open ? std::ranges::lower_bound(values, condition.high)
                                        : std::ranges::upper_bound(values, condition.high);
  if (first < last) {
    ordered.add_range(static_cast<std::size_t>(first - values.begin()),
                      static_cast<std::size_t>(last - values.begin()), bits);
  }
}

Bits AttributeIndex::match(const Filter& filter) const {
  Bits result = all_bits(size_);
  Bits one;
  const auto test = [&](const Condition& condition) -> const Bits& {
    one.assign(words_of(size_), 0);
    match_condition(condition, one);
    return one;
  };
  for (const Condition& condition : filter.must) keep_common(result, test(condition));
  for (const Filter& nested : filter.must_filters) keep_common(result, match(nested));
  for (const Condition& condition : filter.must_not) take_away(result, test(condition));
  for (const Filter& nested : filter.must_not_filters) take_away(result, match(nested));
  if (filter.should.empty() && filter.should_filters.empty()) return result;
  Bits any(words_of(size_), 0);
  for (const Condition& condition : filter.should) add_bits(any, test(condition));
  for (const Filter& nested : filter.should_filters) add_bits(any, match(nested));
  keep_common(result, any);
  return result;
}

std::span<const std::uint32_t> AttributeIndex::items_with(std::string_view key,
                                                          std::string_view text) const {
  const auto found = keys_.find(key);
  if (found == keys_.end()) return {};
  const auto place = found->second.values.find(value_key(Json(text)));
  if (!place.has_value()) return {};
  return items_of(found->second, *place);
}

void AttributeIndex::each_value(
    std::string_view key,
    const std::function<void(std::string_view, std::span<const std::uint32_t>)>& call) const {
  const auto found = keys_.find(key);
  if (found == keys_.end()) return;
  const IdIndex& values = found->second.values;
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::string_view text = values[i];
    if (text == "y" || text == "n") {
      text = text == "y" ? "true" : "false";
    } else {
      text.remove_prefix(1);
    }
    call(text, items_of(found->second, static_cast<std::uint32_t>(i)));
  }
}

std::vector<std::string> AttributeIndex::keys() const {
  std::vector<std::string> names;
  for (const auto& [name, key] : keys_) names.push_back(name);
  return names;
}

std::uint64_t AttributeIndex::bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [name, key] : keys_) {
    bytes += key.values.all().bytes.size() + key.values.size() * 20 + key.items.size() * 4 +
             (key.numbers.items.size() + key.times.items.size()) * 12 +
             (1 + key.frequent.size() + key.numbers.marks.size() + key.times.marks.size()) *
                 key.present.size() * 8;
  }
  return bytes;
}

}  // namespace torii::recommend

#include "data/fingerprint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <variant>

#include "base/hash.h"
#include "base/random.h"

namespace torii::data {
namespace {

// Everything goes in with its length, so that no two contents look alike.
class Fingerprint {
 public:
  void add(std::uint64_t number) { sha_.update(std::as_bytes(std::span(&number, 1))); }
  void add(std::string_view text) {
    add(std::uint64_t{text.size()});
    sha_.update(text);
  }
  template <class T>
  void add(const std::vector<T>& values) {
    add(std::uint64_t{values.size()});
    sha_.update(std::as_bytes(std::span(values)));
  }
  void add(const StringArray& texts) {
    add(texts.offsets);
    add(std::string_view(texts.bytes));
  }
  // Written out, so that a text counts the same however it is held.
  void add(const EncodedTexts& texts) {
    StringArray plain;
    for (const std::uint32_t code : texts.codes) plain.push_back(texts.values[code]);
    add(plain);
  }
  void add(const StringLists& lists) {
    add(lists.offsets);
    add(lists.values);
  }
  void add(const FloatLists& lists) {
    add(lists.offsets);
    add(lists.values);
  }
  void add(const Column& column) {
    add(std::string_view(column.name));
    add(static_cast<std::uint64_t>(column.type));
    add(column.valid);
    std::visit([this](const auto& values) { add(values); }, column.values);
  }
  void add(const std::vector<Column>& columns) {
    add(std::uint64_t{columns.size()});
    for (const Column& column : columns) add(column);
  }
  std::string text() { return to_hex(sha_.finish()); }

 private:
  Sha256 sha_;
};

std::vector<std::uint64_t> id_hashes(const IdIndex& ids, std::uint64_t seed) {
  std::vector<std::uint64_t> hashes(ids.size());
  for (std::size_t i = 0; i < hashes.size(); ++i) hashes[i] = hash64(ids[i], seed);
  return hashes;
}

}  // namespace

std::string content_fingerprint(const Dataset& dataset, const std::vector<Column>& extra) {
  Fingerprint fingerprint;
  fingerprint.add(std::string_view("torii dataset 1"));
  fingerprint.add(dataset.users.all());
  fingerprint.add(dataset.items.all());
  fingerprint.add(dataset.user_table.columns());
  fingerprint.add(dataset.item_table.columns());
  const Interactions& rows = dataset.interactions;
  fingerprint.add(rows.user);
  fingerprint.add(rows.item);
  fingerprint.add(rows.time);
  fingerprint.add(rows.position);
  fingerprint.add(rows.type);
  fingerprint.add(rows.rating);
  fingerprint.add(rows.quantity);
  fingerprint.add(std::uint64_t{rows.type_names.size()});
  for (const std::string& name : rows.type_names) fingerprint.add(std::string_view(name));
  fingerprint.add(extra);
  return fingerprint.text();
}

std::string rows_fingerprint(const Dataset& dataset, const std::vector<Part>& part, Part which) {
  const Interactions& rows = dataset.interactions;
  const std::vector<std::uint64_t> users = id_hashes(dataset.users, 1);
  const std::vector<std::uint64_t> items = id_hashes(dataset.items, 2);
  std::vector<std::uint64_t> types;
  for (const std::string& name : rows.type_names) types.push_back(hash64(name, 3));
  std::uint64_t count = 0, low = 0, high = 0;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    if (part[row] != which) continue;
    std::uint64_t hash = mix64(users[rows.user[row]]);
    hash = mix64(hash ^ items[rows.item[row]]);
    hash = mix64(hash ^ types[rows.type[row]]);
    hash = mix64(hash ^ static_cast<std::uint64_t>(rows.time[row]));
    low += hash;
    high += mix64(hash);
    ++count;
  }
  return sha256_hex(fmt::format("torii rows 1 {} {:016x} {:016x}", count, low, high));
}

PairHashes::PairHashes(const Dataset& dataset)
    : users_(id_hashes(dataset.users, 1)), items_(id_hashes(dataset.items, 2)) {}

std::uint64_t PairHashes::of(std::uint32_t user, std::uint32_t item) const {
  return mix64(mix64(users_[user]) ^ items_[item]);
}

std::vector<std::uint64_t> training_pairs(const Dataset& dataset, const Split& split) {
  const PairHashes hashes(dataset);
  const Interactions& rows = dataset.interactions;
  std::vector<std::uint64_t> pairs;
  for (std::size_t row = 0; row < split.part.size(); ++row) {
    if (split.part[row] == Part::kTrain) pairs.push_back(hashes.of(rows.user[row], rows.item[row]));
  }
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  return pairs;
}

}  // namespace torii::data

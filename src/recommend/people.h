#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/json.h"
#include "recommend/online.h"

namespace torii::recommend {

/// What an event means for what comes next.
struct EventMeaning {
  bool negative = false;
  bool bought = false;
  enum class Cart : std::uint8_t { kNo, kIn, kOut } cart = Cart::kNo;
  /// In the vector of somebody's events; 0 = does not count.
  float weight = 0.0F;
  [[nodiscard]] bool positive() const { return !negative; }
};
/// By docs/serving.md. rating: NaN if there is none.
[[nodiscard]] EventMeaning meaning_of(std::string_view type, double rating,
                                      const ShopOptions& options);

/// An event as it is kept. Items are keys (ItemKeys), types places of a list of names.
struct Happened {
  std::int64_t time_ms = 0;
  std::uint32_t item = 0;
  std::uint16_t type = 0;
  float weight = 0.0F;
};

/// What somebody did or said since the publication's data, and before as far as records tell.
struct Person {
  // Ascending keys, complete however many.
  std::vector<std::uint32_t> seen, bought, negative, cart;
  std::vector<Happened> history;  ///< by time, the newest last; bounded

  bool has_record = false;
  std::uint64_t record_seq = 0;
  Json attributes = Json::object();  ///< as in the record
  std::vector<std::string> preferences;
  /// The record that deleted the person; what is published of them counts no more. 0 = never.
  std::uint64_t erased_seq = 0;

  /// By the user tower from what is published and the record over it; empty if there is nothing to
  /// encode. Of the publication `vector_of`.
  std::vector<float> vector;
  std::uint64_t vector_of = 0;
  bool described = false;  ///< some feature that the model reads is there

  void add(const Happened& event, const EventMeaning& meaning, std::size_t history_max);
};

/// Inserts into an ascending list, unless it is there. Returns whether it was not.
bool insert_key(std::vector<std::uint32_t>& keys, std::uint32_t key);

/// People by id, in shards with a lock each. Threads: concurrent.
class People {
 public:
  /// Calls change(person) under the lock; makes the person if there is none.
  template <class Change>
  void change(std::string_view id, const Change& change) {
    Shard& shard = shard_of(id);
    const std::lock_guard lock(shard.mutex);
    auto found = shard.people.find(id);
    if (found == shard.people.end()) found = shard.people.emplace(std::string(id), Person()).first;
    change(found->second);
  }
  /// Calls look(person) under the lock; false if there is none.
  template <class Look>
  bool look(std::string_view id, const Look& look) const {
    const Shard& shard = shard_of(id);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.people.find(id);
    if (found == shard.people.end()) return false;
    look(found->second);
    return true;
  }
  /// Every person, shard after shard under its lock.
  template <class Visit>
  void each(const Visit& visit) {
    for (Shard& shard : shards_) {
      const std::lock_guard lock(shard.mutex);
      for (auto& [id, person] : shard.people) visit(id, person);
    }
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view id) const { return std::hash<std::string_view>()(id); }
  };
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::string, Person, Hash, std::equal_to<>> people;  ///< guarded by mutex
  };
  [[nodiscard]] const Shard& shard_of(std::string_view id) const {
    return shards_[Hash()(id) / 7 % shards_.size()];
  }
  [[nodiscard]] Shard& shard_of(std::string_view id) {
    return shards_[Hash()(id) / 7 % shards_.size()];
  }
  std::array<Shard, 64> shards_;
};

}  // namespace torii::recommend

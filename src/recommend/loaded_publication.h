#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/matrix.h"
#include "model/bundle.h"
#include "recommend/online.h"
#include "recommend/place_index.h"
#include "recommend/segment.h"

namespace torii::recommend {

/// The users of a publication side by side: no object of its own for any of them.
class PublishedUsers {
 public:
  explicit PublishedUsers(std::size_t width) : width_(width) {}
  /// items: how many the publication has. Error kCorrupt: a place beyond them, other widths.
  [[nodiscard]] Result<void> add(const store::PublishedUser& user, std::size_t items);
  /// After the last add(). Error kCorrupt: an id twice.
  [[nodiscard]] Result<void> finish();

  [[nodiscard]] std::size_t size() const { return sources_.size(); }
  [[nodiscard]] std::optional<std::uint32_t> find(std::string_view id) const {
    return places_.find(ids_, id);
  }
  [[nodiscard]] Source source(std::uint32_t user) const {
    return static_cast<Source>(sources_[user]);
  }
  [[nodiscard]] std::string_view attributes(std::uint32_t user) const { return attributes_[user]; }
  [[nodiscard]] std::span<const float> embedding(std::uint32_t user) const {
    return std::span(embeddings_).subspan(user * width_, width_);
  }
  [[nodiscard]] std::span<const retrieval::Scored> list(std::uint32_t user) const {
    return std::span(lists_).subspan(list_offsets_[user],
                                     list_offsets_[user + 1] - list_offsets_[user]);
  }
  /// As PublishedUser::seen; store::item_of_seen() of the entries ascends.
  [[nodiscard]] std::span<const std::uint32_t> seen(std::uint32_t user) const {
    return std::span(seen_).subspan(seen_offsets_[user],
                                    seen_offsets_[user + 1] - seen_offsets_[user]);
  }
  /// At most `count` embeddings of people who are searched for by them, evenly chosen.
  [[nodiscard]] Matrix sample(std::size_t count) const;
  [[nodiscard]] std::uint64_t bytes() const;

 private:
  std::size_t width_;
  StringArray ids_, attributes_;
  PlaceIndex places_;
  std::vector<std::uint8_t> sources_;
  std::vector<float> embeddings_;
  std::vector<std::uint64_t> list_offsets_{0}, seen_offsets_{0};
  std::vector<retrieval::Scored> lists_;
  std::vector<std::uint32_t> seen_;
};

class LoadedPublication {
 public:
  LoadedPublication(store::Publication publication, model::Bundle opened, Roles meaning)
      : info(std::move(publication)),
        bundle(std::move(opened)),
        roles(std::move(meaning)),
        users(info.width) {}

  store::Publication info;
  model::Bundle bundle;  ///< without its item embeddings: those of the publication count
  Roles roles;
  PublishedUsers users;
  std::shared_ptr<const Segment> items;
  /// Whether an entry of users.seen() counts as bought: if it is marked, or if the publication does
  /// not say of any.
  [[nodiscard]] bool is_bought(std::uint32_t entry) const {
    return !info.marks_bought || (entry & store::kBoughtMark) != 0;
  }
  /// Whether all that the user has counts as bought.
  [[nodiscard]] bool all_bought(std::uint32_t user) const {
    return !info.marks_bought || std::ranges::all_of(users.seen(user), [&](std::uint32_t entry) {
      return is_bought(entry);
    });
  }
  [[nodiscard]] std::uint64_t bytes() const { return users.bytes() + items->bytes(); }
};

}  // namespace torii::recommend

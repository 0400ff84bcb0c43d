#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "recommend/asker.h"
#include "recommend/edition.h"
#include "recommend/item_keys.h"
#include "recommend/item_overlay.h"
#include "recommend/people.h"
#include "recommend/rules.h"

// What a Shop holds; internal to recommend/shop*.cc.
namespace torii::recommend {

/// Names of event types as small numbers. Threads: concurrent.
class TypeNames {
 public:
  /// 0 ("") for names beyond the first 1000.
  std::uint16_t add(std::string_view name);
  [[nodiscard]] std::string name(std::uint16_t type) const;

 private:
  mutable std::shared_mutex mutex_;
  std::vector<std::string> names_{""};  ///< guarded by mutex_
};

/// The edition that answers are made from. Threads: concurrent.
class CurrentEdition {
 public:
  [[nodiscard]] std::shared_ptr<const Edition> get() const {
    const std::lock_guard lock(mutex_);
    return edition_;
  }
  void set(std::shared_ptr<const Edition> edition) {
    const std::lock_guard lock(mutex_);
    edition_.swap(edition);  // the old one goes after the lock
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Edition> edition_;  ///< guarded by mutex_
};

class Shop::Workspace {
 public:
  ThreadPool pool{1};
  RankWorkspace rank;
  retrieval::WordIndex::Workspace words;
  Asker asker;
  Bits mask;
  std::vector<retrieval::Scored> found;
  std::vector<std::uint32_t> places;
};

struct Shop::State {
  State(ShopOptions shop_options, Context shop_context)
      : options(std::move(shop_options)),
        context(std::move(shop_context)),
        overlay(keys, options.popularity_half_life_h * 3'600'000.0) {}

  ShopOptions options;
  Context context;
  ItemKeys keys;
  TypeNames types;
  People people;
  ItemOverlay overlay;  ///< apply() and adopt() only
  CurrentEdition current;
  std::atomic<std::uint64_t> applied{0};
  std::atomic<std::uint64_t> unreadable{0};

  // shop_apply.cc
  void apply_event(const store::Record& record, std::int64_t now_ms);
  [[nodiscard]] bool apply_user(const store::Record& record);
  /// Encodes people whose record holds over the edition's publication.
  void encode_people(const Edition& edition, std::span<const std::string> ids);
  /// A published row that still counts, for somebody with that state (null: none).
  [[nodiscard]] static std::optional<std::uint32_t> published_row(const Edition& edition,
                                                                  std::string_view id,
                                                                  const Person* person);
  [[nodiscard]] static bool record_counts(const Edition& edition,
                                          std::optional<std::uint32_t> published,
                                          const Person& person);
  [[nodiscard]] static Json attributes_of(const Edition& edition,
                                          std::optional<std::uint32_t> published,
                                          const Person* person);

  // shop_asker.cc
  /// Fills workspace.asker for the edition. Errors as Shop::recommend().
  [[nodiscard]] Result<void> resolve(const ShopRequest& request,
                                     std::shared_ptr<const Edition> edition,
                                     Workspace& workspace) const;

  // shop_answer.cc
  /// workspace.mask: offered, passing the request's filter, without the asker's own.
  void make_mask(const ShopRequest& request, Workspace& workspace) const;
  /// Whether chosen categories have anything within workspace.mask; if not, they are no answer.
  static void settle_categories(Workspace& workspace);
  [[nodiscard]] bool answer_from_list(const ShopRequest& request, Workspace& workspace,
                                      ShopAnswer& answer) const;
  void answer_by_search(const ShopRequest& request, Workspace& workspace, ShopAnswer& answer) const;
  /// Candidates for the asker, within workspace.mask. Borrows everything.
  [[nodiscard]] CandidateSource candidates(const ShopRequest& request, Workspace& workspace) const;
  /// Cuts, applies rules and writes the answer; explains it if asked to.
  void finish(const ShopRequest& request, Workspace& workspace, const CandidateSource& source,
              ShopAnswer& answer) const;

  // shop_explain.cc
  void explain(const ShopRequest& request, Workspace& workspace, std::span<const Candidate> chosen,
               const RuleTrace& trace, ShopAnswer& answer) const;
};

inline constexpr std::uint16_t kSessionType = 0xFFFF;
inline constexpr std::size_t kAnswerMax = 1000;
/// Names of an answer that every call fills alike.
void begin_answer(const Edition& edition, std::shared_ptr<const ItemsEdition> keep,
                  ShopAnswer& answer);
[[nodiscard]] Result<void> check_range(const ShopRequest& request);
/// A published list has nothing that the user has in the data: whether that is what was asked for.
[[nodiscard]] inline bool list_lacks_no_more(const LoadedPublication& publication,
                                             std::uint32_t user, ShopRequest::Exclude wish) {
  return wish == ShopRequest::Exclude::kSeen ||
         (wish == ShopRequest::Exclude::kBought && publication.all_bought(user));
}

}  // namespace torii::recommend

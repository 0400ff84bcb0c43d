#include <utility>

#include "store/checks.h"
#include "store/publication_json.h"
#include "store/redis_scripts.h"
#include "store/redis_store.h"

// A publication being written: a script for each block of rows, and one that gives the number.
namespace torii::store {
namespace {

namespace scripts = redis_scripts;

constexpr std::size_t kDraftBlockBytes = std::size_t{1} << 20;
constexpr int kDraftAttempts = 100;

}  // namespace

class RedisDraft final : public Draft {
 public:
  RedisDraft(RedisStore& store, std::string tenant, std::string number)
      : store_(store),
        tenant_(std::move(tenant)),
        prefix_(redis_prefix(tenant_)),
        number_(std::move(number)) {}
  ~RedisDraft() override {
    if (!done_) (void)store_.redis_.script(scripts::kRemoveDraft, prefix_, {number_, "+inf"});
  }
  RedisDraft(const RedisDraft&) = delete;
  RedisDraft& operator=(const RedisDraft&) = delete;

  [[nodiscard]] Result<void> add_items(std::span<const PublishedItem> items) override {
    for (const PublishedItem& item : items) {
      TORII_TRY_VOID(checks_.item(item));
      std::string row;
      encode(item, row);
      items_.sum.add(row, items_.rows);
      item_words_.push_back(std::to_string(items_.rows++));
      TORII_TRY_VOID(keep(std::move(row), item_words_));
    }
    return {};
  }

  [[nodiscard]] Result<void> add_users(std::span<const PublishedUser> users) override {
    for (const PublishedUser& user : users) {
      TORII_TRY_VOID(checks_.user(user));
      std::string row;
      encode(user, row);
      users_.sum.add(row, 0);
      user_words_.push_back(std::to_string(users_.rows++));
      user_words_.push_back(user.id);
      TORII_TRY_VOID(keep(std::move(row), user_words_));
    }
    return {};
  }

  [[nodiscard]] Result<std::uint64_t> commit(const Publication& info) override {
    return finish(info, true);
  }
  [[nodiscard]] Result<void> commit_as(const Publication& info) override {
    TORII_TRY_VOID(finish(info, false));
    return {};
  }

 private:
  Result<void> keep(std::string row, std::vector<std::string>& words) {
    bytes_ += row.size();
    words.push_back(std::move(row));
    return bytes_ < kDraftBlockBytes ? Result<void>() : flush();
  }

  [[nodiscard]] Error gone() const {
    return make_error(ErrorCode::kNotFound,
                      "{}: the unfinished publication was removed (torii store gc); publish again",
                      store_.shown());
  }

  Result<void> flush() {
    if (bytes_ == 0) return {};
    const std::string now = std::to_string(store_.now_ms());
    const std::string items = std::to_string(item_words_.size() / 2);
    std::vector<std::string_view> words = {number_, now, items};
    words.insert(words.end(), item_words_.begin(), item_words_.end());
    words.insert(words.end(), user_words_.begin(), user_words_.end());
    TORII_TRY(const RedisReply there, store_.ask_script(scripts::kAddRows, prefix_, words));
    if (there.number() == 0) return gone();
    item_words_.clear();
    user_words_.clear();
    bytes_ = 0;
    return {};
  }

  // What the rows add up to now: those that were added, less those of users that were erased, whose
  // count and checksum the server keeps below nothing.
  Result<RedisStore::Stored> totals() {
    TORII_TRY(auto noted, store_.stored(number_));
    if (!noted.has_value()) return gone();
    noted->items = items_;
    noted->users.rows += users_.rows;
    noted->users.sum.add(users_.sum);
    return std::move(*noted);
  }

  Result<std::uint64_t> finish(const Publication& given, bool make_current) {
    if (done_) return invalid("{}: the publication is committed already", store_.shown());
    Publication info = given;
    TORII_TRY_VOID(checks_.finish(info));
    TORII_TRY_VOID(flush());
    TORII_TRY_VOID(check_rows());
    if (make_current) TORII_TRY_VOID(leave_out_erased(info.records_seq));
    const std::string text = publication_text(info);
    const std::string version = make_current ? "" : std::to_string(info.version);
    const std::string when = std::to_string(info.created_ms);
    for (int attempt = 0; attempt < kDraftAttempts; ++attempt) {
      TORII_TRY(const RedisStore::Stored all, totals());
      TORII_TRY(const auto noted, store_.stored(number_));
      if (!noted.has_value()) return gone();
      const std::string items = std::to_string(all.items.rows);
      const std::string users = std::to_string(all.users.rows);
      TORII_TRY(const RedisReply reply,
                store_.redis_.script(
                    scripts::kCommit, prefix_,
                    {tenant_, number_, version, text, when, info.created_by, items,
                     all.items.sum.hex(), noted->users.sum.hex(), users, all.users.sum.hex()}));
      if (reply.number() == 0) return gone();
      if (reply.number() < 0) continue;  // a user was erased between the two
      done_ = true;
      return static_cast<std::uint64_t>(reply.number());
    }
    return make_error(ErrorCode::kIo, "{}: users are erased all the time; publish again",
                      store_.shown());
  }

  Result<void> check_rows() {
    TORII_TRY(const RedisStore::Stored all, totals());
    TORII_TRY(const RowTotals items,
              store_.scan_items(all, [](PublishedItem) { return Result<void>(); }));
    TORII_TRY(const RowTotals users,
              store_.scan_users(all, [](PublishedUser) { return Result<void>(); }));
    TORII_TRY(const RedisStore::Stored after, totals());
    const bool erased = all.users != after.users;  // while it was read
    if (items == all.items && (users == all.users || erased)) return {};
    return make_error(ErrorCode::kCorrupt,
                      "{}: rows are not those that were written (found {} items and {} users, "
                      "expected {} and {})",
                      store_.shown(), items.rows, users.rows, all.items.rows, all.users.rows);
  }

  Result<void> leave_out_erased(std::uint64_t records_seq) {
    const std::string after = "(" + std::to_string(records_seq);
    for (int attempt = 0; attempt < kDraftAttempts; ++attempt) {
      TORII_TRY(const RedisReply erased,
                store_.ask({"ZRANGEBYSCORE", prefix_ + "erased", after, "+inf"}));
      TORII_TRY(const auto noted, store_.stored(number_));
      if (!noted.has_value()) return gone();
      RowSum without = noted->users.sum;
      std::vector<std::string> words = {number_, noted->users.sum.hex(), ""};
      for (const RedisReply& each : erased.elements) {
        TORII_TRY(const auto user, store_.find_row(number_, each.text));
        if (!user.has_value()) continue;
        std::string row;
        encode(*user, row);
        without.remove(row, 0);
        words.push_back(each.text);
      }
      if (words.size() == 3) return {};
      words[2] = without.hex();
      TORII_TRY(const RedisReply done,
                store_.redis_.script(scripts::kLeaveOut, prefix_, {words.begin(), words.end()}));
      if (done.number() != 0) return {};
    }
    return make_error(ErrorCode::kIo, "{}: users are erased all the time; publish again",
                      store_.shown());
  }

  RedisStore& store_;
  std::string tenant_, prefix_, number_;
  RowChecks checks_;
  RowTotals items_, users_;  // of all rows that were added
  // Rows that are not written yet, as the script takes them.
  std::vector<std::string> item_words_, user_words_;
  std::size_t bytes_ = 0;
  bool done_ = false;
};

Result<std::unique_ptr<Draft>> RedisStore::begin_publication(std::string_view tenant) {
  TORII_TRY_VOID(check_tenant(tenant));
  TORII_TRY(RedisReply number, redis_.script(scripts::kBegin, redis_prefix(tenant),
                                             {std::to_string(now_ms()), RowSum().hex()}));
  return std::unique_ptr<Draft>(
      std::make_unique<RedisDraft>(*this, std::string(tenant), std::move(number.text)));
}

}  // namespace torii::store

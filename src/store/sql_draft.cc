#include <utility>

#include "store/checks.h"
#include "store/publication_json.h"
#include "store/sql_store.h"

// A publication being written. Rows go in short transactions, so that a server that appends beside
// it never waits long; the last one only gives the number.
namespace torii::store {

using sql::Value;

class SqlDraft final : public Draft {
 public:
  SqlDraft(SqlStore& store, std::string tenant, std::int64_t publication)
      : store_(store), tenant_(std::move(tenant)), publication_(publication) {}
  ~SqlDraft() override {
    if (!done_) (void)store_.remove_rows(publication_);
  }
  SqlDraft(const SqlDraft&) = delete;
  SqlDraft& operator=(const SqlDraft&) = delete;

  [[nodiscard]] Result<void> add_items(std::span<const PublishedItem> items) override {
    for (const PublishedItem& item : items) {
      TORII_TRY_VOID(checks_.item(item));
      row_.clear();
      encode(item, row_);
      added_items_.sum.add(row_, items_before_ + added_items_.rows);
      ++added_items_.rows;
      items_.push_back(item);
      TORII_TRY_VOID(grown());
    }
    return {};
  }

  [[nodiscard]] Result<void> add_users(std::span<const PublishedUser> users) override {
    for (const PublishedUser& user : users) {
      TORII_TRY_VOID(checks_.user(user));
      row_.clear();
      encode(user, row_);
      added_users_.sum.add(row_, 0);
      ++added_users_.rows;
      users_.push_back(user);
      TORII_TRY_VOID(grown());
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
  static constexpr std::size_t kBlockBytes = std::size_t{1} << 20;

  Result<void> grown() {
    bytes_ += row_.size();
    return bytes_ < kBlockBytes ? Result<void>() : flush();
  }

  [[nodiscard]] Error gone() const {
    return make_error(ErrorCode::kNotFound,
                      "{}: the unfinished publication was removed (torii store gc); publish again",
                      store_.shown());
  }

  Result<void> flush() {
    if (bytes_ == 0) return {};
    const RelaxedCommits relaxed(store_.session_);
    TORII_TRY(SqlTransaction transaction, store_.begin_write());
    TORII_TRY(auto noted, store_.lock_draft(publication_));
    if (!noted.has_value()) return gone();
    TORII_TRY_VOID(write_items());
    TORII_TRY_VOID(write_users());
    noted->items.rows += added_items_.rows;
    noted->items.sum.add(added_items_.sum);
    noted->users.rows += added_users_.rows;
    noted->users.sum.add(added_users_.sum);
    TORII_TRY_VOID(store_.set_totals(*noted));
    TORII_TRY_VOID(transaction.commit());
    items_before_ += added_items_.rows;
    added_items_ = added_users_ = {};
    items_.clear();
    users_.clear();
    bytes_ = 0;
    return {};
  }

  Result<void> write_items() {
    if (items_.empty()) return {};
    std::size_t next = 0;
    return store_.session_.copy_in(
        "torii_publication_items",
        {"publication", "place", "item_id", "attributes", "embedding", "text_embedding",
         "popularity"},
        [&](std::vector<Value>& row) -> Result<bool> {
          if (next == items_.size()) return false;
          PublishedItem& item = items_[next];
          row.emplace_back(publication_);
          row.emplace_back(static_cast<std::int64_t>(items_before_ + next));
          row.emplace_back(std::move(item.id));
          row.emplace_back(std::move(item.attributes));
          row.emplace_back(sql::Bytes{float_bytes(item.embedding)});
          row.emplace_back(sql::Bytes{float_bytes(item.text_embedding)});
          row.emplace_back(static_cast<double>(item.popularity));
          ++next;
          return true;
        });
  }

  Result<void> write_users() {
    if (users_.empty()) return {};
    std::size_t next = 0;
    return store_.session_.copy_in(
        "torii_publication_users",
        {"publication", "user_id", "source", "attributes", "embedding", "items", "scores", "seen"},
        [&](std::vector<Value>& row) -> Result<bool> {
          if (next == users_.size()) return false;
          PublishedUser& user = users_[next];
          row.emplace_back(publication_);
          row.emplace_back(std::move(user.id));
          row.emplace_back(std::int64_t{user.source});
          row.emplace_back(std::move(user.attributes));
          row.emplace_back(sql::Bytes{float_bytes(user.embedding)});
          row.emplace_back(sql::Bytes{index_bytes(user.items)});
          row.emplace_back(sql::Bytes{float_bytes(user.scores)});
          row.emplace_back(sql::Bytes{index_bytes(user.seen)});
          ++next;
          return true;
        });
  }

  Result<std::uint64_t> finish(const Publication& given, bool make_current) {
    if (done_) return invalid("{}: the publication is committed already", store_.shown());
    Publication info = given;
    TORII_TRY_VOID(checks_.finish(info));
    TORII_TRY_VOID(flush());
    TORII_TRY_VOID(store_.check_rows(publication_));
    TORII_TRY(SqlTransaction transaction, store_.begin_write());
    // Erasing a user takes this lock, too: it is wholly before or wholly after this.
    TORII_TRY_VOID(store_.lock_counter(tenant_, "seq"));
    TORII_TRY_VOID(store_.lock_counter(tenant_, "activation"));
    std::uint64_t version = info.version;
    if (make_current) {
      TORII_TRY(const std::int64_t next, store_.next_counter(tenant_, "version"));
      version = static_cast<std::uint64_t>(next);
    }
    TORII_TRY(auto noted, store_.lock_draft(publication_));
    if (!noted.has_value()) return gone();
    if (make_current) TORII_TRY_VOID(leave_out_erased(*noted, info.records_seq));
    TORII_TRY_VOID(store_.session_.run(
        "UPDATE torii_publications SET version = $2, info = $3 WHERE publication = $1",
        {publication_, static_cast<std::int64_t>(version), publication_text(info)}));
    if (make_current) {
      TORII_TRY_VOID(store_.make_current(tenant_, version, info.created_by, info.created_ms));
    }
    TORII_TRY_VOID(transaction.commit());
    done_ = true;
    return version;
  }

  Result<void> leave_out_erased(SqlStore::Stored& noted, std::uint64_t records_seq) {
    std::vector<std::string> erased;
    TORII_TRY_VOID(store_.session_.each(
        "SELECT r.id FROM torii_records r "
        "JOIN torii_publication_users u ON u.publication = $1 AND u.user_id = r.id "
        "WHERE r.tenant = $2 AND r.seq > $3 AND r.kind IN (1, 3) AND r.payload = ''",
        {publication_, tenant_, static_cast<std::int64_t>(records_seq)},
        [&](const sql::Statement& row) -> Result<void> {
          erased.emplace_back(row.text(0));
          return {};
        }));
    if (erased.empty()) return {};
    for (const std::string& id : erased) TORII_TRY_VOID(store_.erase_row(noted, id));
    return store_.set_totals(noted);
  }

  SqlStore& store_;
  std::string tenant_;
  std::int64_t publication_;
  RowChecks checks_;
  // Rows that are not written yet, and what they add up to.
  std::vector<PublishedItem> items_;
  std::vector<PublishedUser> users_;
  RowTotals added_items_, added_users_;
  std::uint64_t items_before_ = 0;
  std::size_t bytes_ = 0;
  std::string row_;
  bool done_ = false;
};

Result<std::unique_ptr<Draft>> SqlStore::begin_publication(std::string_view tenant) {
  TORII_TRY_VOID(check_tenant(tenant));
  TORII_TRY(SqlTransaction transaction, begin_write());
  TORII_TRY(const std::int64_t publication, next_counter("", "publication"));
  const std::string none = RowSum().hex();
  TORII_TRY_VOID(session_.run(
      "INSERT INTO torii_publications (publication, tenant, version, touched_ms, info, items, "
      "items_sum, users, users_sum) VALUES ($1, $2, NULL, $3, '', 0, $4, 0, $5)",
      {publication, std::string(tenant), now_ms(), none, none}));
  TORII_TRY_VOID(transaction.commit());
  return std::unique_ptr<Draft>(
      std::make_unique<SqlDraft>(*this, std::string(tenant), publication));
}

}  // namespace torii::store

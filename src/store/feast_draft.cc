#include "store/feast_draft.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "base/printable.h"
#include "store/checks.h"

namespace torii::store {
namespace {

constexpr double kRetryFirstS = 0.5;
constexpr double kRetryLongestS = 15;
constexpr double kRetryAllS = 120;  ///< of waiting, in all

class FeastDraft final : public Draft {
 public:
  FeastDraft(FeastWriter& writer, const std::vector<FeastTarget>& targets,
             const OpenOptions& options, FeastOutcome& outcome, FeastRows rows)
      : writer_(writer),
        targets_(targets),
        options_(options),
        outcome_(outcome),
        rows_(std::move(rows)) {}

  [[nodiscard]] Result<void> add_items(std::span<const PublishedItem> items) override {
    for (const PublishedItem& item : items) {
      TORII_TRY_VOID(checks_.item(item));
      TORII_TRY_VOID(rows_.items.add(item.id, item.embedding, item.text_embedding, {}));
      rows_.item_ids.push_back(item.id);
      count(true, item.embedding.size(), item.text_embedding.size());
    }
    return {};
  }

  [[nodiscard]] Result<void> add_users(std::span<const PublishedUser> users) override {
    for (const PublishedUser& user : users) {
      TORII_TRY_VOID(checks_.user(user));
      TORII_TRY_VOID(rows_.users.add(user.id, user.embedding, {}, user.items));
      count(false, user.embedding.size(), 0);
    }
    return {};
  }

  [[nodiscard]] Result<std::uint64_t> commit(const Publication& given) override {
    if (done_) return invalid("{}: the publication is committed already", writer_.shown());
    FeastCommit commit{
        .rows = &rows_, .info = given, .now_ms = [this] { return now_ms(); }, .progress = {}};
    TORII_TRY_VOID(checks_.finish(commit.info));
    commit.info.items = rows_.items.rows();
    commit.info.users = rows_.users.rows();
    TORII_TRY_VOID(rows_.items.flush());
    TORII_TRY_VOID(rows_.users.flush());
    TORII_TRY(const std::uint64_t version, write(commit));
    done_ = true;
    return version;
  }

  [[nodiscard]] Result<void> commit_as(const Publication&) override {
    return make_error(ErrorCode::kUnsupported, "{}: a Feast repository takes no backup",
                      writer_.shown());
  }

 private:
  void count(bool of_items, std::size_t embedding, std::size_t text) {
    for (const FeastTarget& target : targets_) {
      if (target.of_items() != of_items || !has_content(target.content, embedding, text)) continue;
      ++rows_.counts[static_cast<std::size_t>(target.content)];
    }
  }

  [[nodiscard]] std::int64_t now_ms() const {
    if (options_.clock) return options_.clock();
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  }

  // All of it, from the start, until it is done: the transaction of an attempt that failed is gone.
  Result<std::uint64_t> write(FeastCommit& commit) {
    std::uint64_t total = 0;
    for (const FeastTarget& target : targets_) total += rows_.count(target.content);
    Reporter nobody;
    Reporter& reporter = options_.reporter == nullptr ? nobody : *options_.reporter;
    double pause_s = kRetryFirstS;
    double waited_s = 0;
    for (;;) {
      std::uint64_t done = 0;
      commit.progress = [&](std::uint64_t rows) {
        done += rows;
        reporter.progress(done, "");
        return is_cancelled();
      };
      reporter.begin("feature store", total, "rows");
      auto version = writer_.write(commit, outcome_);
      if (version.ok()) {
        reporter.end(fmt::format("{} rows", grouped(done)));
        return version;
      }
      reporter.end("");
      const bool may_return = version.error().code == ErrorCode::kIo && writer_.is_server();
      if (!may_return || waited_s >= kRetryAllS) return version;
      reporter.warn(fmt::format("{}; once more in {} s", version.error().message, pause_s));
      TORII_TRY_VOID(wait(pause_s));
      waited_s += pause_s;
      pause_s = std::min(2 * pause_s, kRetryLongestS);
    }
  }

  [[nodiscard]] bool is_cancelled() const { return options_.cancelled && options_.cancelled(); }

  [[nodiscard]] Result<void> wait(double seconds) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (std::chrono::steady_clock::now() < end) {
      if (is_cancelled()) return make_error(ErrorCode::kCancelled, "interrupted");
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return {};
  }

  FeastWriter& writer_;
  const std::vector<FeastTarget>& targets_;
  const OpenOptions& options_;
  FeastOutcome& outcome_;
  FeastRows rows_;
  RowChecks checks_;
  bool done_ = false;
};

}  // namespace

Result<std::unique_ptr<Draft>> make_feast_draft(FeastWriter& writer,
                                                const std::vector<FeastTarget>& targets,
                                                const OpenOptions& options, FeastOutcome& outcome) {
  TORII_TRY(FeastSpool items, FeastSpool::make(options.scratch));
  TORII_TRY(FeastSpool users, FeastSpool::make(options.scratch));
  FeastRows rows{
      .items = std::move(items), .users = std::move(users), .item_ids = {}, .counts = {}};
  return std::unique_ptr<Draft>(
      std::make_unique<FeastDraft>(writer, targets, options, outcome, std::move(rows)));
}

}  // namespace torii::store

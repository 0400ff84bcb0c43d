#include "server/journal.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/clock.h"

namespace torii::server {
namespace {

constexpr std::size_t kRecordsMax = 8192;  // in one transaction
constexpr std::size_t kReadMax = 10'000;   // in one answer of the store
constexpr double kStorePauseS = 0.1, kStorePauseMaxS = 5.0;

}  // namespace

Journal::Journal(std::string tenant, std::unique_ptr<store::Store> store, Apply apply,
                 const JournalOptions& options, Log& log)
    : tenant_(std::move(tenant)),
      store_(std::move(store)),
      apply_(std::move(apply)),
      options_(options),
      log_(log) {}

Journal::~Journal() {
  stop();
}

Result<void> Journal::catch_up() {
  return follow();
}

void Journal::start() {
  thread_ = std::thread([this] { run(); });
}

void Journal::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

bool Journal::push(Write write) {
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_ || queue_.size() >= options_.queue_max) return false;
    queue_.push_back(std::move(write));
  }
  wake_.notify_one();
  return true;
}

bool Journal::append(std::vector<store::Record> records, Appender done) {
  return push({.records = std::move(records), .appended = std::move(done)});
}

bool Journal::append_made(Make make, Appender done) {
  return push({.make = std::move(make), .appended = std::move(done)});
}

bool Journal::erase_user(std::string user_id, std::int64_t time_ms, Eraser done) {
  return push(
      {.erase_id = std::move(user_id), .erase_time_ms = time_ms, .erased = std::move(done)});
}

Journal::Counts Journal::counts() const {
  Counts counts{.applied_seq = seq_,
                .commits = commits_,
                .appended = appended_,
                .errors = errors_,
                .is_down = is_down_};
  const std::scoped_lock lock(mutex_);
  counts.waiting = queue_.size();
  return counts;
}

void Journal::run() {
  std::int64_t next_look_ns = 0;
  while (true) {
    std::vector<Write> writes;
    {
      std::unique_lock lock(mutex_);
      const std::int64_t now = steady_ns();
      const auto until = std::chrono::nanoseconds(std::max<std::int64_t>(next_look_ns - now, 0));
      wake_.wait_for(lock, until, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_ && queue_.empty()) return;
      std::size_t records = 0;
      while (!queue_.empty() && records < kRecordsMax) {
        records += std::max<std::size_t>(1, queue_.front().records.size());
        writes.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
    }
    if (!writes.empty()) {
      if (is_down_ && steady_ns() < try_again_ns_) {
        fail(writes, {ErrorCode::kIo, "the store cannot be reached"});
        continue;
      }
      commit(std::move(writes));
    }
    if (const std::int64_t now = steady_ns(); now >= next_look_ns) {
      if (!is_down_ || now >= try_again_ns_) note(follow());
      next_look_ns = steady_ns() + static_cast<std::int64_t>(options_.poll_s * 1e9);
    }
  }
}

// Runs of appends go together; the order of all writes is kept. A record that is made from what is
// there begins a run: what comes before it acts by then.
void Journal::commit(std::vector<Write> writes) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= writes.size(); ++i) {
    const bool ends = i == writes.size() || writes[i].erased || writes[i].make;
    if (!ends) continue;
    if (i > begin) commit_records(std::span(writes).subspan(begin, i - begin));
    begin = i;
    if (i == writes.size()) return;
    if (writes[i].make) {
      note(follow());
      writes[i].records.push_back(writes[i].make());
    } else {
      commit_erasure(writes[i]);
      begin = i + 1;
    }
  }
}

void Journal::commit_records(std::span<Write> writes) {
  std::vector<store::Record> records;
  std::vector<std::size_t> sizes;
  for (Write& write : writes) {
    sizes.push_back(write.records.size());
    std::move(write.records.begin(), write.records.end(), std::back_inserter(records));
  }
  const Result<store::Appended> appended = store_->append(tenant_, records);
  if (!appended.ok()) {
    note(appended.error());
    fail(writes, appended.error());
    return;
  }
  note({});
  commits_ += 1;
  appended_ += records.size();
  apply_own(records, *appended);
  std::size_t at = 0;
  for (std::size_t i = 0; i < writes.size(); ++i) {
    store::Appended own{.seq = appended->seq, .is_new = {}};
    const auto from = appended->is_new.begin() + static_cast<std::ptrdiff_t>(at);
    own.is_new.assign(from, from + static_cast<std::ptrdiff_t>(sizes[i]));
    at += sizes[i];
    writes[i].appended(own);
  }
}

void Journal::commit_erasure(Write& write) {
  const Result<store::Erased> erased =
      store_->erase_user(tenant_, write.erase_id, write.erase_time_ms);
  if (!erased.ok()) {
    note(erased.error());
    fail({&write, 1}, erased.error());
    return;
  }
  commits_ += 1;
  note(follow());  // the store left a tombstone, and that is what acts
  write.erased(erased);
}

// If nobody else wrote since we last looked, the seqs follow each other and nothing need be read
// back; otherwise what the others wrote comes first, so that every server applies one order.
void Journal::apply_own(std::vector<store::Record>& records, const store::Appended& appended) {
  std::vector<store::Record> changed;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (appended.is_new[i] != 0) changed.push_back(std::move(records[i]));
  }
  if (appended.seq != seq_ + changed.size()) {
    note(follow());
    return;
  }
  std::uint64_t seq = seq_;
  for (store::Record& record : changed) record.seq = ++seq;
  if (!changed.empty()) apply_(changed);
  seq_ = appended.seq;
}

void Journal::fail(std::span<Write> writes, const Error& error) {
  for (Write& write : writes) {
    if (write.erased) {
      write.erased(error);
    } else {
      write.appended(error);
    }
  }
}

Result<void> Journal::follow() {
  while (true) {
    TORII_TRY(const std::vector<store::Record> records,
              store_->read_records(tenant_, seq_, kReadMax));
    if (records.empty()) return {};
    apply_(records);
    seq_ = records.back().seq;
    if (records.size() < kReadMax) return {};
  }
}

// Keeps count of the store's health, and says once when it changes.
void Journal::note(const Result<void>& outcome) {
  if (outcome.ok()) {
    if (is_down_) log_.info("store_back", {{"tenant", tenant_}});
    is_down_ = false;
    pause_s_ = 0;
    return;
  }
  errors_ += 1;
  if (outcome.error().code == ErrorCode::kInvalidArgument) return;  // the store is well
  pause_s_ = std::clamp(pause_s_ * 2, kStorePauseS, kStorePauseMaxS);
  try_again_ns_ = steady_ns() + static_cast<std::int64_t>(pause_s_ * 1e9);
  if (!is_down_) {
    log_.error("store_down", {{"tenant", tenant_}, {"error", outcome.error().message}});
  }
  is_down_ = true;
}

}  // namespace torii::server

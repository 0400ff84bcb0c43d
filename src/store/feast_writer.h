#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/environment.h"
#include "store/feast_rows.h"
#include "store/feast_store.h"

// How rows come into each kind of online store.
namespace torii::store {

/// A commit as the writers do it.
struct FeastCommit {
  const FeastRows* rows = nullptr;
  Publication info;
  /// Stored rows of after this are placeholders. Asked late, and again and again: what somebody
  /// wrote while this commit was on its way is not of the future.
  std::function<std::int64_t()> now_ms;
  /// Told of each row; says whether to stop.
  std::function<bool(std::uint64_t rows)> progress;
  [[nodiscard]] Result<void> step(std::uint64_t count) const;
};

class FeastWriter {
 public:
  virtual ~FeastWriter() = default;
  [[nodiscard]] virtual std::string shown() const = 0;
  /// Whether the store can be reached and has what the views need.
  [[nodiscard]] virtual Result<void> check() = 0;
  /// Newest first.
  [[nodiscard]] virtual Result<std::vector<Publication>> publications() = 0;
  /// Writes all rows and the publication's description. Returns the version. Called again for the
  /// same publication it does not count on.
  [[nodiscard]] virtual Result<std::uint64_t> write(const FeastCommit& commit,
                                                    FeastOutcome& outcome) = 0;
  /// Whether write() may be tried again after a kIo: a server may come back.
  [[nodiscard]] virtual bool is_server() const { return true; }
};

/// Names of the views and what is left out of them; nothing is written yet.
[[nodiscard]] FeastOutcome fresh_outcome(const std::vector<FeastTarget>& targets,
                                         const FeastRows& rows);

/// What a writer is made from; `targets` are of the repository, which the store keeps.
struct FeastWriterInput {
  const feast::Repo* repo = nullptr;
  std::vector<FeastTarget> targets;
  std::string push;  ///< URL of a feature server
  Environment environment;
  OpenOptions options;
};
[[nodiscard]] Result<std::unique_ptr<FeastWriter>> make_feast_sqlite_writer(FeastWriterInput input);
[[nodiscard]] Result<std::unique_ptr<FeastWriter>> make_feast_postgres_writer(
    FeastWriterInput input);
[[nodiscard]] Result<std::unique_ptr<FeastWriter>> make_feast_redis_writer(FeastWriterInput input);
[[nodiscard]] Result<std::unique_ptr<FeastWriter>> make_feast_push_writer(FeastWriterInput input);

}  // namespace torii::store

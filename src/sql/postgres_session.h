#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "sql/connection.h"
#include "sql/libpq.h"
#include "sql/uri.h"

namespace torii::sql {

struct PostgresResultDeleter {
  const Libpq* pq;
  void operator()(PGresult* result) const { pq->PQclear(result); }
};
using PostgresResult = std::unique_ptr<PGresult, PostgresResultDeleter>;

/// What connection and statements share: the wire, and how to wait on it and end waiting.
class PostgresSession {
 public:
  PostgresSession(const Libpq* pq, PGconn* connection, PostgresUri uri, ConnectionOptions options);
  ~PostgresSession();
  PostgresSession(const PostgresSession&) = delete;
  PostgresSession& operator=(const PostgresSession&) = delete;

  [[nodiscard]] const Libpq& pq() const { return *pq_; }
  [[nodiscard]] PGconn* wire() const { return wire_; }
  [[nodiscard]] const std::string& shown() const { return uri_.shown; }

  /// The next result of what was sent, or null after the last. Waits at most the time of a
  /// statement; then, and when the user stops, the statement is cancelled at the server.
  [[nodiscard]] Result<PostgresResult> next_result();
  /// All results of what was sent; the last one, which must be good.
  [[nodiscard]] Result<PostgresResult> last_result();
  /// The result's error, or success.
  [[nodiscard]] Result<void> check(const PGresult* result) const;
  /// The wire's own error.
  [[nodiscard]] Error wire_error() const;
  /// Ends a statement whose rows nobody wants any more.
  void drop_rest();
  [[nodiscard]] std::string next_name() { return "torii_" + std::to_string(++names_); }

 private:
  [[nodiscard]] Result<void> wait_for_input();
  void cancel();

  const Libpq* pq_;
  PGconn* wire_;
  PostgresUri uri_;
  ConnectionOptions options_;
  bool cancelled_ = false, ran_out_ = false;
  std::uint64_t names_ = 0;
};

}  // namespace torii::sql

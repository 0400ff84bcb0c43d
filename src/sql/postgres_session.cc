#include "sql/postgres_session.h"

#include <poll.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "base/file.h"

namespace torii::sql {
namespace {

ErrorCode code_of(std::string_view state) {
  if (state.starts_with("53")) return ErrorCode::kResourceExhausted;  // disk, memory, connections
  // Connection, lock, operator's doing, system.
  for (const std::string_view kind : {"08", "40", "55", "57", "58", "28"}) {
    if (state.starts_with(kind)) return ErrorCode::kIo;
  }
  if (state == "3D000" || state == "42P01") return ErrorCode::kNotFound;  // database, table
  return ErrorCode::kInvalidArgument;
}

std::string one_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  for (char& c : text) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  return text;
}

}  // namespace

PostgresSession::PostgresSession(const Libpq* pq, PGconn* connection, PostgresUri uri,
                                 ConnectionOptions options)
    : pq_(pq), wire_(connection), uri_(std::move(uri)), options_(std::move(options)) {}

PostgresSession::~PostgresSession() {
  pq_->PQfinish(wire_);
}

void PostgresSession::cancel() {
  PGcancel* request = pq_->PQgetCancel(wire_);
  if (request == nullptr) return;
  std::array<char, 256> ignored{};
  pq_->PQcancel(request, ignored.data(), static_cast<int>(ignored.size()));
  pq_->PQfreeCancel(request);
}

Result<void> PostgresSession::wait_for_input() {
  using Clock = std::chrono::steady_clock;
  auto since = Clock::now();
  while (pq_->PQisBusy(wire_) != 0) {
    const std::chrono::duration<double> waited = Clock::now() - since;
    if (!cancelled_ && !ran_out_) {
      cancelled_ = options_.cancelled && options_.cancelled();
      ran_out_ = !cancelled_ && waited.count() > options_.statement_timeout_s;
      if (cancelled_ || ran_out_) {
        cancel();
        since = Clock::now();
      }
    } else if (waited.count() > 5) {  // the server does not even answer that
      return make_error(cancelled_ ? ErrorCode::kCancelled : ErrorCode::kIo,
                        "{}: the server does not answer", shown());
    }
    pollfd socket{pq_->PQsocket(wire_), POLLIN, 0};
    const int ready = ::poll(&socket, 1, 100);
    if (ready < 0 && errno != EINTR) {
      return make_error(ErrorCode::kIo, "{}: {}", shown(), errno_text(errno));
    }
    if (ready > 0 && pq_->PQconsumeInput(wire_) == 0) return wire_error();
  }
  return {};
}

Result<PostgresResult> PostgresSession::next_result() {
  TORII_TRY_VOID(wait_for_input());
  return PostgresResult(pq_->PQgetResult(wire_), {pq_});
}

Result<PostgresResult> PostgresSession::last_result() {
  PostgresResult last(nullptr, {pq_});
  Result<void> status;
  for (;;) {
    TORII_TRY(PostgresResult result, next_result());
    if (result == nullptr) break;
    if (status.ok()) status = check(result.get());
    last = std::move(result);
  }
  TORII_TRY_VOID(std::move(status));
  if (last == nullptr) return wire_error();
  return last;
}

void PostgresSession::drop_rest() {
  cancel();
  for (;;) {
    auto result = next_result();
    if (!result.ok() || *result == nullptr) break;
  }
  cancelled_ = ran_out_ = false;
}

Result<void> PostgresSession::check(const PGresult* result) const {
  switch (pq_->PQresultStatus(result)) {
    case PGRES_FATAL_ERROR:
    case PGRES_BAD_RESPONSE:
    case PGRES_NONFATAL_ERROR:
      break;
    case PGRES_EMPTY_QUERY:
      return invalid("{}: the statement is empty", shown());
    default:
      return {};
  }
  const char* state = pq_->PQresultErrorField(result, PG_DIAG_SQLSTATE);
  if (cancelled_) return make_error(ErrorCode::kCancelled, "{}: cancelled", shown());
  if (ran_out_) {
    return make_error(ErrorCode::kIo, "{}: no row within {} s; the statement was ended", shown(),
                      options_.statement_timeout_s);
  }
  const char* text = pq_->PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const char* hint = pq_->PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
  if (state == nullptr || text == nullptr) return wire_error();
  return make_error(code_of(state), "{}: {}{}{}", shown(), redacted(one_line(text), uri_.secrets),
                    hint == nullptr ? "" : "; ",
                    hint == nullptr ? "" : redacted(one_line(hint), uri_.secrets));
}

Error PostgresSession::wire_error() const {
  return make_error(ErrorCode::kIo, "{}: {}", shown(),
                    redacted(one_line(pq_->PQerrorMessage(wire_)), uri_.secrets));
}

}  // namespace torii::sql

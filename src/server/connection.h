#pragma once

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "server/http_parser.h"
#include "server/loop.h"
#include "server/transport.h"
#include "server/wire.h"

namespace torii::server {

/// One client, from accept to close, on one loop and its thread. At any time it waits for bytes,
/// waits for a deferred answer, or writes; what keeps it alive is the handler it waits in. Answers
/// leave in the order of their requests.
class Connection final : public std::enable_shared_from_this<Connection>, public Exchange {
 public:
  /// socket: non-blocking.
  Connection(boost::asio::ip::tcp::socket socket, Loop* loop, Shared* shared);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void wait_for_bytes();
  /// The deadline passed: a client that began a request hears why, others are just closed.
  void sweep(std::int64_t now);
  /// The transport ends: what has arrived is still answered.
  void drain();
  void answer_deferred(const Reply& reply, Wants wants, std::string_view packed);

  // Exchange
  Reply& reply() override { return loop_->reply; }
  Deferred defer() override;
  std::size_t thread() const override { return loop_->index; }
  std::int64_t arrived_ns() const override { return arrived_; }

 private:
  static constexpr std::size_t kFirstBytes = std::size_t{1} << 10;  // most requests fit

  void close();
  void touch(double seconds) { deadline_ = steady_ns() + ns_of(seconds); }

  // In: first_ or the thread's input -> work.
  void take(std::size_t size);
  void read(std::size_t held);
  void work_on(std::string_view bytes);
  void work_pending();
  void work(std::string_view bytes);
  bool account(std::size_t bytes);
  void release();
  void handle(const HttpRequest& request);
  void fail(int status, const char* why);
  void append_refusal(int status, const char* why);

  // Out: the thread's output -> the socket, then on.
  void flush();
  void write_rest(std::size_t sent);
  void go_on();
  void finish();

  boost::asio::ip::tcp::socket socket_;
  Loop* loop_;
  Shared* shared_;
  std::array<char, kFirstBytes> first_;      // what a waiting read fills
  std::string pending_;                      // bytes of requests that are not handled yet
  std::unique_ptr<PartialRequest> partial_;  // a body that is arriving
  std::string unsent_;                       // what the client did not take at once
  std::string behind_;                       // answers that came while unsent_ was going out
  std::size_t buffered_ = 0;
  std::int64_t deadline_ = 0;
  std::int64_t arrived_ = 0;
  Wants wants_;
  bool waiting_ = false;    // a read into first_ is asked for
  bool reading_ = false;    // a request has begun to arrive
  bool writing_ = false;    // unsent_ is going out
  bool deferred_ = false;   // an answer comes later
  bool more_ = false;       // pending_ may hold whole requests
  bool closing_ = false;    // the last answer is made
  bool lingering_ = false;  // see finish()
};

}  // namespace torii::server

#include "server/transport.h"

#include <fmt/format.h>

#include <array>
#include <utility>
// Boost 1.74 uses std::exchange without saying so.
#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_set>
#include <vector>

namespace torii::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kReadBytes = std::size_t{64} << 10;
constexpr std::size_t kBatchBytesMax = std::size_t{256} << 10;  // answers in one write
constexpr std::size_t kLoosePartBytesMax = std::size_t{64} << 10;
constexpr auto kSweep = std::chrono::milliseconds(500);
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

std::int64_t steady_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::int64_t ns_of(double seconds) {
  return static_cast<std::int64_t>(seconds * 1e9);
}

struct Counters {
  std::atomic<std::uint64_t> open{0}, accepted{0}, refused{0}, timed_out{0}, malformed{0};
  std::atomic<std::size_t> buffered{0};  // bytes of bodies that are arriving
};

class Connection;

// One io thread: its loop, its connections, and the buffers that they share in turn.
struct Loop {
  explicit Loop(std::size_t which)
      : index(which), input(kReadBytes), context(1), sweeper(context) {}
  std::size_t index;
  std::vector<char> input;
  std::string output;
  Reply reply;
  std::unordered_set<Connection*> connections;  // of this thread alone
  bool draining = false;
  std::time_t date_of = 0;
  std::array<char, 40> date{};
  std::size_t date_size = 0;
  // Its end destroys handlers, and with them connections, which look into the members above.
  asio::io_context context;
  asio::steady_timer sweeper;
  std::thread thread;

  // "Date: Thu, 26 Nov 2026 00:00:00 GMT\r\n", made once a second.
  std::string_view date_line() {
    const std::time_t now = std::time(nullptr);
    if (now != date_of) {
      date_of = now;
      std::tm parts{};
      gmtime_r(&now, &parts);
      static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
      static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
      const auto end = fmt::format_to_n(
          date.data(), date.size(), "Date: {}, {:02} {} {:04} {:02}:{:02}:{:02} GMT\r\n",
          kDays[parts.tm_wday], parts.tm_mday, kMonths[parts.tm_mon], parts.tm_year + 1900,
          parts.tm_hour, parts.tm_min, parts.tm_sec);
      date_size = std::min(end.size, date.size());
    }
    return {date.data(), date_size};
  }
};

struct Shared {
  TransportOptions options;
  HttpHandler* handler = nullptr;
  Counters counters;
};

// What of a request is needed to write its answer.
struct Wants {
  bool head = false;  // no body
  bool gzip = false;
  bool keep_alive = true;
};

void append_number(std::string& out, std::size_t number) {
  const fmt::format_int text(number);
  out.append(text.data(), text.size());
}

// packed: the body after gzip, or empty.
void append_answer(std::string& out, Loop& loop, const Reply& reply, const Wants& wants,
                   std::string_view packed) {
  const std::string_view body = packed.empty() ? std::string_view(reply.body) : packed;
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::size_t>(reply.status));
  out.append(" ").append(reason_phrase(reply.status)).append("\r\n");
  out.append(loop.date_line());
  const bool bodiless = reply.status == 204 || reply.status == 304;
  if (!bodiless) {
    if (!body.empty()) out.append("Content-Type: ").append(reply.content_type).append("\r\n");
    out.append("Content-Length: ");
    append_number(out, body.size());
    out.append("\r\n");
  }
  if (!packed.empty()) out.append("Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n");
  out.append(reply.headers);
  if (!wants.keep_alive || reply.close) out.append("Connection: close\r\n");
  out.append("\r\n");
  if (!wants.head && !bodiless) out.append(body);
}

std::string packed_body(const Reply& reply, const Wants& wants, std::size_t gzip_from) {
  return wants.gzip && reply.body.size() >= gzip_from ? gzip(reply.body) : std::string();
}

}  // namespace

class Deferred::Target {
 public:
  Target(Loop* loop, std::shared_ptr<Connection> connection, Shared* shared, Wants wants)
      : loop_(loop), connection_(std::move(connection)), shared_(shared), wants_(wants) {}
  ~Target() {
    if (!connection_) return;
    Reply reply;
    shared_->handler->refuse(503, "The request was given up; try again.", reply);
    send(std::move(reply));
  }
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;
  void send(Reply&& reply);

 private:
  Loop* loop_;
  std::shared_ptr<Connection> connection_;  // its last owner is to be the loop's thread
  Shared* shared_;
  Wants wants_;
};

namespace {

class Connection final : public std::enable_shared_from_this<Connection>, public Exchange {
 public:
  Connection(tcp::socket socket, Loop* loop, Shared* shared)
      : socket_(std::move(socket)), loop_(loop), shared_(shared) {
    loop_->connections.insert(this);
    touch(shared_->options.idle_s);
  }
  ~Connection() override {
    loop_->connections.erase(this);
    release();
    --shared_->counters.open;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void wait_for_bytes() {
    socket_.async_wait(tcp::socket::wait_read,
                       [self = shared_from_this()](const error_code& failure) {
                         if (failure || !self->socket_.is_open()) return;
                         if (self->lingering_) return self->discard();
                         if (!self->closing_) self->read();
                       });
  }

  // The deadline passed: a client that began a request hears why, others are just closed.
  void sweep(std::int64_t now) {
    if (now < deadline_ || (deferred_ && !writing_)) return;
    ++shared_->counters.timed_out;
    if (reading_ && !writing_ && !closing_) {
      loop_->output.clear();
      append_refusal(408, "The request did not arrive in time.");
      return flush();
    }
    close();
  }

  void drain() {
    if (deferred_ || reading_ || writing_ || closing_) return;
    read();  // what has arrived is still answered
  }

  void close() {
    closing_ = true;
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_both, ignored);
    socket_.close(ignored);
  }

  void answer_deferred(const Reply& reply, Wants wants, std::string_view packed) {
    deferred_ = false;
    if (!socket_.is_open()) return;
    if (loop_->draining) wants.keep_alive = false;
    loop_->output.clear();
    append_answer(loop_->output, *loop_, reply, wants, packed);
    closing_ = closing_ || !wants.keep_alive || reply.close;
    if (writing_) {  // an earlier answer is still on its way out
      behind_.append(loop_->output);
      return;
    }
    if (!closing_) work_pending();
    flush();
  }

  // Exchange
  Reply& reply() override { return loop_->reply; }
  Deferred defer() override {
    deferred_ = true;
    return Deferred(std::make_unique<Deferred::Target>(loop_, shared_from_this(), shared_, wants_));
  }
  std::size_t thread() const override { return loop_->index; }
  std::int64_t arrived_ns() const override { return arrived_; }

 private:
  void touch(double seconds) { deadline_ = steady_ns() + ns_of(seconds); }

  void read() {
    error_code failure;
    const std::size_t size = socket_.read_some(asio::buffer(loop_->input), failure);
    if (failure == asio::error::would_block || failure == asio::error::try_again) {
      if (loop_->draining && !reading_) return close();
      return wait_for_bytes();
    }
    if (failure) return close();
    arrived_ = steady_ns();
    loop_->output.clear();
    const std::string_view bytes(loop_->input.data(), size);
    if (pending_.empty()) {
      work(bytes);
    } else {
      pending_.append(bytes);
      work_pending();
    }
    flush();
  }

  void work_pending() {
    more_ = false;
    if (pending_.empty()) return;
    const std::string bytes = std::move(pending_);
    pending_.clear();
    work(bytes);
  }

  // Answers all requests that are complete in `bytes`; what is left goes to pending_.
  void work(std::string_view bytes) {
    while (!bytes.empty() && !closing_ && !deferred_) {
      if (loop_->output.size() > kBatchBytesMax) {
        more_ = true;
        break;
      }
      if (partial_) {
        const Parsed parsed = partial_->feed(bytes);
        bytes.remove_prefix(parsed.used);
        if (parsed.state == ParseState::kFailed) return fail(parsed.status, parsed.why);
        if (parsed.state != ParseState::kDone) {
          if (!account(parsed.used)) return;
          break;
        }
        handle(partial_->request());
        release();
        continue;
      }
      HttpRequest request;
      const Parsed parsed = parse_request(bytes, shared_->options.limits, request);
      if (parsed.state == ParseState::kFailed) return fail(parsed.status, parsed.why);
      if (parsed.state == ParseState::kNeedHeader) break;
      if (parsed.state == ParseState::kNeedBody) {
        const bool must_ask = request.expects_continue;
        partial_ = std::make_unique<PartialRequest>(bytes, shared_->options.limits);
        bytes.remove_prefix(partial_->head_size());
        if (must_ask && bytes.empty()) loop_->output.append("HTTP/1.1 100 Continue\r\n\r\n");
        continue;
      }
      bytes.remove_prefix(parsed.used);
      handle(request);
    }
    if (closing_) return;
    if (partial_ && bytes.size() > kLoosePartBytesMax) {
      return fail(400, "A chunk of the body is not well-formed.");
    }
    pending_.assign(bytes);  // part of a header or of a chunk's size, or what waits its turn
  }

  // False: too much is arriving at once, and this connection was told so.
  bool account(std::size_t bytes) {
    buffered_ += bytes;
    const std::size_t all = shared_->counters.buffered += bytes;
    if (all <= shared_->options.buffered_bytes_max || buffered_ <= kReadBytes) return true;
    fail(503, "Too many large requests are arriving at the moment; try again.");
    return false;
  }
  void release() {
    partial_.reset();
    shared_->counters.buffered -= buffered_;
    buffered_ = 0;
  }

  void handle(const HttpRequest& request) {
    wants_ = {.head = request.method == Method::kHead,
              .gzip = !request.accept_encoding.empty() && takes_gzip(request.accept_encoding),
              .keep_alive = request.keep_alive && !loop_->draining};
    Reply& reply = loop_->reply;
    reply.clear();
    reading_ = false;
    shared_->handler->handle(request, *this);
    if (deferred_) return;
    closing_ = !wants_.keep_alive || reply.close;
    append_answer(loop_->output, *loop_, reply, wants_,
                  packed_body(reply, wants_, shared_->options.gzip_from));
  }

  void fail(int status, const char* why) {
    ++shared_->counters.malformed;
    append_refusal(status, why);
  }
  void append_refusal(int status, const char* why) {
    Reply& reply = loop_->reply;
    reply.clear();
    shared_->handler->refuse(status, why, reply);
    closing_ = lingering_ = true;
    append_answer(loop_->output, *loop_, reply, {.keep_alive = false}, {});
  }

  // Writes what the thread's output holds for this connection, then goes on.
  void flush() {
    while (socket_.is_open()) {
      std::string& output = loop_->output;
      if (!output.empty()) {
        error_code failure;
        const std::size_t size = socket_.write_some(asio::buffer(output), failure);
        const bool full = failure == asio::error::would_block || failure == asio::error::try_again;
        if (failure && !full) return close();
        const std::size_t sent = full ? 0 : size;
        if (sent < output.size()) return write_rest(sent);
        output.clear();
      }
      if (closing_) return finish();
      if (!more_) return go_on();
      work_pending();
    }
  }

  void write_rest(std::size_t sent) {
    unsent_.assign(loop_->output, sent);
    writing_ = true;
    touch(shared_->options.write_s);
    asio::async_write(socket_, asio::buffer(unsent_),
                      [self = shared_from_this()](const error_code& broken, std::size_t) {
                        self->writing_ = false;
                        if (broken) return self->close();
                        self->unsent_ = std::string();
                        self->loop_->output.assign(self->behind_);
                        const bool late = !self->behind_.empty();
                        self->behind_ = std::string();
                        if (late && !self->closing_) self->work_pending();
                        self->flush();
                      });
  }

  void go_on() {
    if (deferred_) return;  // the client's next bytes wait in the socket
    if (partial_ == nullptr && pending_.empty()) {
      reading_ = false;
      touch(shared_->options.idle_s);
      if (loop_->draining) return close();
    } else if (!reading_) {
      reading_ = true;
      touch(shared_->options.read_s);
    }
    wait_for_bytes();
  }

  // The last answer is out. A client that may still be sending must not lose it to a reset: say
  // that nothing more comes, take what does, and let the deadline close.
  void finish() {
    if (!lingering_) return close();
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    reading_ = false;
    touch(1.0);
    wait_for_bytes();
  }
  void discard() {
    error_code failure;
    const std::size_t size = socket_.read_some(asio::buffer(loop_->input), failure);
    if (failure == asio::error::would_block || failure == asio::error::try_again ||
        (!failure && size > 0)) {
      return wait_for_bytes();
    }
    close();
  }

  tcp::socket socket_;
  Loop* loop_;
  Shared* shared_;
  std::string pending_;                      // bytes of requests that are not handled yet
  std::unique_ptr<PartialRequest> partial_;  // a body that is arriving
  std::string unsent_;                       // what the client did not take at once
  std::string behind_;                       // answers that came while unsent_ was going out
  std::size_t buffered_ = 0;
  std::int64_t deadline_ = 0;
  std::int64_t arrived_ = 0;
  Wants wants_;
  bool reading_ = false;    // a request has begun to arrive
  bool writing_ = false;    // unsent_ is going out
  bool deferred_ = false;   // an answer comes later
  bool more_ = false;       // pending_ may hold whole requests
  bool closing_ = false;    // the last answer is made
  bool lingering_ = false;  // see finish()
};

}  // namespace

void Deferred::Target::send(Reply&& reply) {
  std::string packed = packed_body(reply, wants_, shared_->options.gzip_from);
  asio::post(loop_->context,
             [connection = std::move(connection_), held = std::move(reply), wants = wants_,
              packed = std::move(packed)] { connection->answer_deferred(held, wants, packed); });
  connection_.reset();
}

Deferred::Deferred(std::unique_ptr<Target> target) : target_(std::move(target)) {}
Deferred::Deferred(Deferred&&) noexcept = default;
Deferred& Deferred::operator=(Deferred&&) noexcept = default;
Deferred::~Deferred() = default;

void Deferred::send(Reply&& reply) {
  if (!target_) return;
  target_->send(std::move(reply));
  target_.reset();
}

namespace {

class AsioTransport final : public Transport {
 public:
  AsioTransport(const TransportOptions& options, HttpHandler& handler) {
    shared_.options = options;
    shared_.handler = &handler;
    for (int i = 0; i < options.threads; ++i) {
      loops_.push_back(std::make_unique<Loop>(static_cast<std::size_t>(i)));
    }
    acceptor_.emplace(loops_.front()->context);
    pause_.emplace(loops_.front()->context);
  }
  ~AsioTransport() override {
    if (started_) (void)drain(0);
    acceptor_.reset();
    pause_.reset();
  }

  Result<void> bind() {
    const TransportOptions& options = shared_.options;
    error_code failure;
    const auto address = asio::ip::make_address(options.address, failure);
    if (failure) {
      return invalid("serve.address: expected an IPv4 or IPv6 address, found '{}'",
                     options.address);
    }
    const tcp::endpoint place(address, static_cast<std::uint16_t>(options.port));
    acceptor_->open(place.protocol(), failure);
    if (!failure) acceptor_->set_option(tcp::acceptor::reuse_address(true), failure);
    if (!failure) acceptor_->bind(place, failure);
    if (!failure) acceptor_->listen(kBacklog, failure);
    if (!failure) acceptor_->non_blocking(true, failure);
    if (failure) {
      return make_error(ErrorCode::kIo, "cannot listen on {} port {}: {}", options.address,
                        options.port, failure.message());
    }
    port_ = acceptor_->local_endpoint(failure).port();
    return {};
  }

  int port() const override { return port_; }

  void start() override {
    started_ = true;
    accept();
    for (auto& loop : loops_) {
      sweep_later(*loop);
      loop->thread = std::thread([&context = loop->context] {
        const auto guard = asio::make_work_guard(context);
        context.run();
      });
    }
  }

  std::size_t drain(double seconds) override {
    if (!started_) return 0;
    asio::post(loops_.front()->context, [this] {
      error_code ignored;
      acceptor_->close(ignored);
      pause_->cancel();
    });
    for (auto& loop : loops_) {
      asio::post(loop->context, [&loop = *loop] {
        loop.draining = true;
        const std::vector<Connection*> all(loop.connections.begin(), loop.connections.end());
        for (Connection* connection : all) connection->drain();
      });
    }
    const std::int64_t end = steady_ns() + ns_of(seconds);
    while (shared_.counters.open > 0 && steady_ns() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    const std::size_t cut = shared_.counters.open;
    for (auto& loop : loops_) loop->context.stop();
    for (auto& loop : loops_) loop->thread.join();
    started_ = false;
    return cut;
  }

  Counts counts() const override {
    const Counters& counters = shared_.counters;
    return {counters.open, counters.accepted, counters.refused, counters.timed_out,
            counters.malformed};
  }

 private:
  static constexpr int kBacklog = 4096;

  void accept() {
    Loop& loop = *loops_[next_++ % loops_.size()];
    acceptor_->async_accept(loop.context, [this, &loop](const error_code& failure,
                                                        tcp::socket socket) {
      if (failure == asio::error::operation_aborted || !acceptor_->is_open()) return;
      if (failure) {  // out of descriptors: the connections wait in the queue
        pause_->expires_after(kAcceptPause);
        pause_->async_wait([this](const error_code& ended) {
          if (!ended) accept();
        });
        return;
      }
      Counters& counters = shared_.counters;
      if (counters.open >= shared_.options.connections_max) {
        ++counters.refused;
      } else {
        ++counters.accepted;
        ++counters.open;
        asio::post(loop.context, [this, &loop, held = std::move(socket)]() mutable {
          error_code ignored;
          held.non_blocking(true, ignored);
          held.set_option(tcp::no_delay(true), ignored);
          const auto connection = std::make_shared<Connection>(std::move(held), &loop, &shared_);
          loop.draining ? connection->drain() : connection->wait_for_bytes();
        });
      }
      accept();
    });
  }

  void sweep_later(Loop& loop) {
    loop.sweeper.expires_after(kSweep);
    loop.sweeper.async_wait([this, &loop](const error_code& failure) {
      if (failure) return;
      const std::int64_t now = steady_ns();
      const std::vector<Connection*> all(loop.connections.begin(), loop.connections.end());
      for (Connection* connection : all) connection->sweep(now);
      sweep_later(loop);
    });
  }

  Shared shared_;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::optional<tcp::acceptor> acceptor_;  // of the first loop
  std::optional<asio::steady_timer> pause_;
  std::size_t next_ = 0;
  int port_ = 0;
  bool started_ = false;
};

}  // namespace

Result<std::unique_ptr<Transport>> Transport::listen(const TransportOptions& options,
                                                     HttpHandler& handler) {
  auto transport = std::make_unique<AsioTransport>(options, handler);
  TORII_TRY_VOID(transport->bind());
  return std::unique_ptr<Transport>(std::move(transport));
}

bool is_loopback(std::string_view address) {
  error_code failure;
  const auto parsed = asio::ip::make_address(address, failure);
  return !failure && parsed.is_loopback();
}

}  // namespace torii::server

#include "server/connection.h"

#include <algorithm>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

namespace torii::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kBatchBytesMax = std::size_t{256} << 10;  // answers in one write
constexpr std::size_t kLoosePartBytesMax = std::size_t{64} << 10;

bool is_empty_handed(const error_code& failure) {
  return failure == asio::error::would_block || failure == asio::error::try_again;
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

  void send(Reply&& reply) {
    std::string packed = packed_body(reply, wants_, shared_->options.gzip_from);
    asio::post(loop_->context,
               [connection = std::move(connection_), held = std::move(reply), wants = wants_,
                packed = std::move(packed)] { connection->answer_deferred(held, wants, packed); });
    connection_.reset();
  }

 private:
  Loop* loop_;
  std::shared_ptr<Connection> connection_;  // its last owner is to be the loop's thread
  Shared* shared_;
  Wants wants_;
};

Deferred::Deferred(std::unique_ptr<Target> target) : target_(std::move(target)) {}
Deferred::Deferred(Deferred&&) noexcept = default;
Deferred& Deferred::operator=(Deferred&&) noexcept = default;
Deferred::~Deferred() = default;

void Deferred::send(Reply&& reply) {
  if (!target_) return;
  target_->send(std::move(reply));
  target_.reset();
}

Connection::Connection(tcp::socket socket, Loop* loop, Shared* shared)
    : socket_(std::move(socket)), loop_(loop), shared_(shared) {
  loop_->connections.insert(this);
  touch(shared_->options.idle_s);
}

Connection::~Connection() {
  loop_->connections.erase(this);
  release();
  --shared_->counters.open;
}

Deferred Connection::defer() {
  deferred_ = true;
  return Deferred(std::make_unique<Deferred::Target>(loop_, shared_from_this(), shared_, wants_));
}

// A read that is given its buffer beforehand costs one call when bytes come; waiting for them to
// be there and then reading costs a change of the poll set besides.
void Connection::wait_for_bytes() {
  if (std::exchange(waiting_, true)) return;
  socket_.async_read_some(asio::buffer(first_),
                          [self = shared_from_this()](const error_code& failure, std::size_t size) {
                            self->waiting_ = false;
                            if (!self->socket_.is_open() || (self->closing_ && !self->lingering_))
                              return;
                            if (failure) return self->close();
                            if (self->lingering_) return self->wait_for_bytes();
                            self->take(size);
                          });
}

void Connection::sweep(std::int64_t now) {
  if (now < deadline_ || (deferred_ && !writing_)) return;
  ++shared_->counters.timed_out;
  if (reading_ && !writing_ && !closing_) {
    loop_->output.clear();
    append_refusal(408, "The request did not arrive in time.");
    return flush();
  }
  close();
}

void Connection::drain() {
  if (deferred_ || reading_ || writing_ || closing_) return;
  read(0);
}

void Connection::close() {
  closing_ = true;
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
}

void Connection::answer_deferred(const Reply& reply, Wants wants, std::string_view packed) {
  deferred_ = false;
  if (!socket_.is_open()) return;
  if (loop_->draining) wants.keep_alive = false;
  loop_->output.clear();
  append_answer(loop_->output, loop_->date, reply, wants, packed);
  closing_ = closing_ || !wants.keep_alive || reply.close;
  if (writing_) {  // an earlier answer is still on its way out
    behind_.append(loop_->output);
    return;
  }
  if (!closing_) work_pending();
  flush();
}

// `size` bytes are in first_; were they all it holds, more may have come.
void Connection::take(std::size_t size) {
  if (size < first_.size()) return work_on({first_.data(), size});
  std::copy(first_.begin(), first_.end(), loop_->input.begin());
  read(size);
}

// What has arrived, behind the first `held` bytes of the thread's input.
void Connection::read(std::size_t held) {
  error_code failure;
  const std::size_t size = socket_.read_some(asio::buffer(loop_->input) + held, failure);
  if (is_empty_handed(failure)) {
    if (held > 0) return work_on({loop_->input.data(), held});
    if (loop_->draining && !reading_) return close();
    return wait_for_bytes();
  }
  if (failure && held == 0) return close();
  work_on({loop_->input.data(), held + size});
}

void Connection::work_on(std::string_view bytes) {
  arrived_ = steady_ns();
  loop_->output.clear();
  if (pending_.empty()) {
    work(bytes);
  } else {
    pending_.append(bytes);
    work_pending();
  }
  flush();
}

void Connection::work_pending() {
  more_ = false;
  if (pending_.empty()) return;
  const std::string bytes = std::move(pending_);
  pending_.clear();
  work(bytes);
}

// Answers all requests that are complete in `bytes`; what is left goes to pending_.
void Connection::work(std::string_view bytes) {
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
bool Connection::account(std::size_t bytes) {
  buffered_ += bytes;
  const std::size_t all = shared_->counters.buffered += bytes;
  if (all <= shared_->options.buffered_bytes_max || buffered_ <= kReadBytes) return true;
  fail(503, "Too many large requests are arriving at the moment; try again.");
  return false;
}

void Connection::release() {
  partial_.reset();
  shared_->counters.buffered -= buffered_;
  buffered_ = 0;
}

void Connection::handle(const HttpRequest& request) {
  wants_ = {.head = request.method == Method::kHead,
            .gzip = !request.accept_encoding.empty() && takes_gzip(request.accept_encoding),
            .keep_alive = request.keep_alive && !loop_->draining};
  Reply& reply = loop_->reply;
  reply.clear();
  reading_ = false;
  shared_->handler->handle(request, *this);
  if (deferred_) return;
  closing_ = !wants_.keep_alive || reply.close;
  append_answer(loop_->output, loop_->date, reply, wants_,
                packed_body(reply, wants_, shared_->options.gzip_from));
}

void Connection::fail(int status, const char* why) {
  ++shared_->counters.malformed;
  append_refusal(status, why);
}

void Connection::append_refusal(int status, const char* why) {
  Reply& reply = loop_->reply;
  reply.clear();
  shared_->handler->refuse(status, why, reply);
  closing_ = lingering_ = true;
  append_answer(loop_->output, loop_->date, reply, {.keep_alive = false}, {});
}

// Writes what the thread's output holds for this connection, then goes on.
void Connection::flush() {
  while (socket_.is_open()) {
    std::string& output = loop_->output;
    if (!output.empty()) {
      error_code failure;
      const std::size_t size = socket_.write_some(asio::buffer(output), failure);
      const bool full = is_empty_handed(failure);
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

void Connection::write_rest(std::size_t sent) {
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

void Connection::go_on() {
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
void Connection::finish() {
  if (!lingering_) return close();
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  reading_ = false;
  touch(1.0);
  wait_for_bytes();
}

}  // namespace torii::server

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/http_parser.h"
#include "server/http_request.h"
#include "server/reply.h"

namespace torii::server {

/// An answer that comes later, from any thread. Sent at most once; one that is dropped answers 503
/// by itself, so that no client waits for nothing.
class Deferred {
 public:
  class Target;
  Deferred() = default;
  explicit Deferred(std::unique_ptr<Target> target);
  Deferred(Deferred&&) noexcept;
  Deferred& operator=(Deferred&&) noexcept;
  ~Deferred();
  void send(Reply&& reply);
  [[nodiscard]] explicit operator bool() const { return target_ != nullptr; }

 private:
  std::unique_ptr<Target> target_;
};

/// What an answer is put into: at once into reply(), or later through defer().
class Exchange {
 public:
  virtual ~Exchange() = default;
  /// The thread's own, cleared; its memory is used again by the next request.
  [[nodiscard]] virtual Reply& reply() = 0;
  /// From here on reply() does not count. Requests behind this one on the connection wait.
  [[nodiscard]] virtual Deferred defer() = 0;
  /// Index of the io thread that this is on, 0 to threads - 1.
  [[nodiscard]] virtual std::size_t thread() const = 0;
  /// When the bytes of the request were read (steady clock).
  [[nodiscard]] virtual std::int64_t arrived_ns() const = 0;
};

/// What stands behind the transport. Called on io threads, concurrently, and must not block.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  virtual void handle(const HttpRequest& request, Exchange& exchange) = 0;
  /// The bytes were no request, or came too slowly: fills the last answer of the connection.
  virtual void refuse(int status, const char* why, Reply& reply) = 0;
};

struct TransportOptions {
  std::string address = "127.0.0.1";  ///< IPv4 or IPv6
  int port = 0;                       ///< 0: any free one
  int threads = 1;
  std::size_t connections_max = 20'000;
  ParseLimits limits = {};
  std::size_t buffered_bytes_max = std::size_t{256} << 20;  ///< bodies that are arriving, in all
  double idle_s = 75;                                       ///< between two requests
  double read_s = 10;            ///< from the first byte of a request to its last
  double write_s = 10;           ///< until a client has taken an answer
  std::size_t gzip_from = 1400;  ///< bytes; smaller bodies go as they are
};

/// Sockets and threads: `threads` io threads with one event loop each; connections are spread over
/// them and stay. An idle connection costs its object, a first kilobyte to read into among it, and
/// no other buffer. Requests that arrived together are answered by one write. Clients that are slow
/// meet deadlines.
class Transport {
 public:
  /// Binds and listens; answers begin with start(). Errors: kIo (address in use, no such address,
  /// permission), kInvalidArgument (an address that is none).
  [[nodiscard]] static Result<std::unique_ptr<Transport>> listen(const TransportOptions& options,
                                                                 HttpHandler& handler);
  virtual ~Transport() = default;

  [[nodiscard]] virtual int port() const = 0;
  virtual void start() = 0;
  /// Refuses new connections, closes idle ones, lets running requests finish (their connections
  /// close behind them), and ends the threads; after `seconds` it cuts what is left. Returns how
  /// many were cut.
  virtual std::size_t drain(double seconds) = 0;

  struct Counts {
    std::uint64_t open = 0, accepted = 0, refused = 0, timed_out = 0, malformed = 0;
  };
  [[nodiscard]] virtual Counts counts() const = 0;
};

[[nodiscard]] bool is_loopback(std::string_view address);

/// gzip of `body` (RFC 1952), fastest level.
[[nodiscard]] std::string gzip(std::string_view body);
/// Whether an Accept-Encoding field takes gzip.
[[nodiscard]] bool takes_gzip(std::string_view accept_encoding);

}  // namespace torii::server

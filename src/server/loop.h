#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <string>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "server/transport.h"
#include "server/wire.h"

namespace torii::server {

constexpr std::size_t kReadBytes = std::size_t{64} << 10;

/// Of the whole transport.
struct Counters {
  std::atomic<std::uint64_t> open{0}, accepted{0}, refused{0}, timed_out{0}, malformed{0};
  std::atomic<std::size_t> buffered{0};  ///< bytes of bodies that are arriving
};

struct Shared {
  TransportOptions options;
  HttpHandler* handler = nullptr;
  Counters counters;
};

class Connection;

/// One io thread: its loop, its connections, and the buffers that they share in turn.
struct Loop {
  explicit Loop(std::size_t which)
      : index(which), input(kReadBytes), context(1), sweeper(context) {}
  std::size_t index;
  std::vector<char> input;
  std::string output;
  Reply reply;
  std::unordered_set<Connection*> connections;  ///< of this thread alone
  bool draining = false;
  DateLine date;
  // Its end destroys handlers, and with them connections, which look into the members above.
  boost::asio::io_context context;
  boost::asio::steady_timer sweeper;
  std::thread thread;
};

}  // namespace torii::server

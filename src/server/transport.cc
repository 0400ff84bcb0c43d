#include "server/transport.h"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "server/connection.h"
#include "server/loop.h"

namespace torii::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kSweep = std::chrono::milliseconds(500);
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

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

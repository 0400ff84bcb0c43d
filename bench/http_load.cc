#include "http_load.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <ctime>
#include <deque>
#include <limits>
#include <string_view>

#include "answer_reader.h"
#include "base/random.h"

namespace torii::bench {
namespace {

constexpr double kTickS = 0.005;  // timeouts are looked for and lost connections opened again
constexpr double kNever = std::numeric_limits<double>::infinity();

double now_s() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

struct Connection {
  int fd = -1;
  AnswerReader reader = {};
  const std::string* request = nullptr;  // being answered; null: free
  std::size_t sent = 0;
  double since = 0.0;  // when the request arrived
  bool measured = false, waits_to_write = false;
};

class Loop {
 public:
  explicit Loop(const LoadOptions& options)
      : options_(options), random_(options.seed), connections_(options.connections) {}
  ~Loop() {
    for (Connection& connection : connections_) close(connection);
    if (epoll_ >= 0) ::close(epoll_);
    if (timer_ >= 0) ::close(timer_);
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  Result<LoadResult> run();

 private:
  bool open_loop() const { return options_.rate > 0.0; }
  Result<void> prepare();
  bool open(Connection& connection);
  void close(Connection& connection);
  void watch(Connection& connection, int operation, bool writable);
  void arrive(double now);
  void dispatch(double now);
  void start(Connection& connection, double since);
  void write(Connection& connection);
  void read(Connection& connection);
  void finish(Connection& connection);
  void lose(Connection& connection);
  void tick(double now);
  void set_timer(double when);
  void handle(std::uint64_t tag, std::uint32_t events);

  const LoadOptions& options_;
  Random random_;
  std::vector<Connection> connections_;
  std::deque<Connection*> free_;
  std::deque<double> waiting_;  // arrivals that found no free connection
  LoadResult result_;
  int epoll_ = -1, timer_ = -1;
  std::size_t busy_ = 0, turn_ = 0;
  double start_ = 0.0, gaps_ = 0.0;  // of the arrivals; mean gaps since then
  double begin_ = 0.0, end_ = 0.0, next_arrival_ = kNever, next_tick_ = 0.0, timer_at_ = 0.0;
};

Result<void> Loop::prepare() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  timer_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (epoll_ < 0 || timer_ < 0)
    return make_error(ErrorCode::kIo, "epoll: {}", std::strerror(errno));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = options_.connections;  // the timer
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, timer_, &event);
  for (Connection& connection : connections_) {
    if (!open(connection)) {
      return make_error(ErrorCode::kIo, "127.0.0.1:{}: {}", options_.port, std::strerror(errno));
    }
    free_.push_back(&connection);
  }
  return {};
}

// Does not wait for the other side; a refusal comes as an event.
bool Loop::open(Connection& connection) {
  connection.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (connection.fd < 0) return false;
  const int on = 1;
  ::setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(options_.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(connection.fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 &&
      errno != EINPROGRESS) {
    const int error = errno;
    ::close(connection.fd);
    connection.fd = -1;
    errno = error;
    return false;
  }
  watch(connection, EPOLL_CTL_ADD, false);
  return true;
}

void Loop::close(Connection& connection) {
  if (connection.fd >= 0) ::close(connection.fd);
  connection.fd = -1;
  connection.reader.clear();
}

void Loop::watch(Connection& connection, int operation, bool writable) {
  epoll_event event{};
  event.events = EPOLLIN | (writable ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
  event.data.u64 = static_cast<std::uint64_t>(&connection - connections_.data());
  ::epoll_ctl(epoll_, operation, connection.fd, &event);
  connection.waits_to_write = writable;
}

void Loop::arrive(double now) {
  // Counted in mean gaps since the start: sums of moments of a clock would lose the last arrival or
  // gain one by their rounding.
  const double gaps_end = options_.rate * (options_.warm_up_s + options_.seconds);
  while (next_arrival_ <= now) {
    waiting_.push_back(next_arrival_);
    result_.late_max_us = std::max(result_.late_max_us, 1e6 * (now - next_arrival_));
    gaps_ += options_.poisson ? -std::log1p(-random_.uniform()) : 1.0;
    next_arrival_ = gaps_ < gaps_end ? start_ + gaps_ / options_.rate : kNever;
  }
}

void Loop::dispatch(double now) {
  if (open_loop()) {
    while (!waiting_.empty() && !free_.empty()) {
      Connection* connection = free_.front();
      free_.pop_front();
      const double since = waiting_.front();
      waiting_.pop_front();
      start(*connection, since);
    }
    result_.waiting_max = std::max(result_.waiting_max, waiting_.size());
  } else {
    while (now < end_ && !free_.empty()) {
      Connection* connection = free_.front();
      free_.pop_front();
      start(*connection, now);
    }
  }
}

void Loop::start(Connection& connection, double since) {
  connection.request = &options_.requests[turn_];
  turn_ = (turn_ + 1) % options_.requests.size();
  connection.sent = 0;
  connection.since = since;
  connection.measured = since >= begin_;
  if (connection.measured) ++result_.requests;
  ++busy_;
  write(connection);
}

void Loop::write(Connection& connection) {
  while (connection.sent < connection.request->size()) {
    const ssize_t n = ::send(connection.fd, connection.request->data() + connection.sent,
                             connection.request->size() - connection.sent, MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == ENOTCONN || errno == EINPROGRESS)) {
      if (!connection.waits_to_write) watch(connection, EPOLL_CTL_MOD, true);
      return;
    }
    if (n < 0) return lose(connection);
    connection.sent += static_cast<std::size_t>(n);
  }
  if (connection.waits_to_write) watch(connection, EPOLL_CTL_MOD, false);
}

void Loop::read(Connection& connection) {
  std::array<char, 65536> bytes;
  const ssize_t n = ::recv(connection.fd, bytes.data(), bytes.size(), 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) return lose(connection);
  if (connection.request == nullptr) return lose(connection);  // an answer to nothing
  const auto state = connection.reader.feed({bytes.data(), static_cast<std::size_t>(n)});
  if (state == AnswerReader::State::kBroken) lose(connection);
  if (state == AnswerReader::State::kDone) finish(connection);
}

void Loop::finish(Connection& connection) {
  if (connection.measured) {
    result_.latency.add(1e6 * (now_s() - connection.since));
    ++result_.answered;
    ++result_.statuses[connection.reader.status()];
  }
  connection.reader.next();
  connection.request = nullptr;
  --busy_;
  if (connection.reader.closes()) {
    close(connection);
    if (!open(connection)) return;  // tick() tries again
  }
  free_.push_back(&connection);
}

// The connection is gone; what it carried has no answer. tick() opens it again.
void Loop::lose(Connection& connection) {
  if (connection.request != nullptr) {
    if (connection.measured) ++result_.connection_errors;
    connection.request = nullptr;
    --busy_;
  } else {
    std::erase(free_, &connection);
  }
  close(connection);
}

void Loop::tick(double now) {
  for (Connection& connection : connections_) {
    if (connection.request != nullptr && now - connection.since > options_.timeout_s) {
      if (connection.measured) {
        ++result_.timeouts;
        result_.latency.add(1e6 * (now - connection.since));
      }
      connection.request = nullptr;
      --busy_;
      close(connection);
    }
    if (connection.fd < 0 && open(connection)) free_.push_back(&connection);
  }
  while (!waiting_.empty() && now - waiting_.front() > options_.timeout_s) {
    if (waiting_.front() >= begin_) {
      ++result_.requests;
      ++result_.timeouts;
      result_.latency.add(1e6 * (now - waiting_.front()));
    }
    waiting_.pop_front();
  }
}

void Loop::set_timer(double when) {
  if (when == timer_at_) return;
  timer_at_ = when;
  itimerspec time{};
  time.it_value.tv_sec = static_cast<time_t>(when);
  time.it_value.tv_nsec = static_cast<long>(1e9 * (when - std::floor(when)));
  ::timerfd_settime(timer_, TFD_TIMER_ABSTIME, &time, nullptr);
}

void Loop::handle(std::uint64_t tag, std::uint32_t events) {
  if (tag == options_.connections) {
    std::uint64_t expirations = 0;
    static_cast<void>(::read(timer_, &expirations, sizeof(expirations)));
    return;
  }
  Connection& connection = connections_[tag];
  if (connection.fd < 0) return;
  if ((events & EPOLLIN) != 0) {
    read(connection);
  } else if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
    lose(connection);
  } else if ((events & EPOLLOUT) != 0 && connection.request != nullptr) {
    write(connection);
  }
}

Result<LoadResult> Loop::run() {
  TORII_TRY_VOID(prepare());
  turn_ = random_.below(options_.requests.size());
  start_ = now_s();
  begin_ = start_ + options_.warm_up_s;
  end_ = begin_ + options_.seconds;
  next_tick_ = start_ + kTickS;
  if (open_loop()) next_arrival_ = start_;
  result_.latency.reserve(std::size_t{1} << 20);
  std::array<epoll_event, 256> events;
  // Ends: after end_ nothing arrives, and what is under way is answered or times out.
  while (true) {
    const double now = now_s();
    arrive(now);
    if (now >= next_tick_) {
      tick(now);
      next_tick_ = now + kTickS;
    }
    dispatch(now);
    if (now >= end_ && busy_ == 0 && waiting_.empty()) break;
    set_timer(std::min(next_arrival_, next_tick_));
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      handle(events[static_cast<std::size_t>(i)].data.u64,
             events[static_cast<std::size_t>(i)].events);
    }
  }
  result_.seconds = options_.seconds;
  return std::move(result_);
}

}  // namespace

std::uint64_t LoadResult::errors() const {
  std::uint64_t bad = timeouts + connection_errors;
  for (const auto& [status, count] : statuses) {
    if (status < 200 || status > 299) bad += count;
  }
  return bad;
}

std::string LoadResult::json() {
  std::string by_status;
  for (const auto& [status, count] : statuses) {
    by_status += fmt::format("{}\"{}\": {}", by_status.empty() ? "" : ", ", status, count);
  }
  return fmt::format(
      R"({{"seconds": {:.3f}, "requests": {}, "answered": {}, "rate": {:.1f}, "errors": {}, )"
      R"("timeouts": {}, "connection_errors": {}, "statuses": {{{}}}, "latency_ms": {}, )"
      R"("waiting_max": {}, "late_max_ms": {:.3f}}})",
      seconds, requests, answered, static_cast<double>(answered) / seconds, errors(), timeouts,
      connection_errors, by_status, latency.json_ms(), waiting_max, late_max_us / 1e3);
}

Result<LoadResult> run_load(const LoadOptions& options) {
  if (options.requests.empty()) return invalid("there is no request to send");
  if (options.connections < 1 || options.connections > 60'000)
    return invalid("connections must be 1 to 60,000, found {}", options.connections);
  if (!(options.rate >= 0.0 && options.rate <= 1e6))
    return invalid("rate must be 0 to 1,000,000 a second, found {}", options.rate);
  if (!(options.seconds > 0.0 && options.warm_up_s >= 0.0 &&
        options.seconds + options.warm_up_s <= 3600.0))
    return invalid("warm-up and seconds must be above 0 and make an hour at most");
  if (!(options.timeout_s > 0.0 && options.timeout_s <= 600.0))
    return invalid("timeout must be above 0 and at most 600 s");
  return Loop(options).run();
}

Result<std::vector<std::string>> parse_requests(const std::string& text,
                                                const std::string& headers) {
  std::vector<std::string> requests;
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    if (line.empty()) continue;
    const std::size_t tab = line.find('\t');
    const std::string_view target = line.substr(0, tab);
    const std::size_t space = target.find(' ');
    if (space == 0 || space == std::string_view::npos || target.find(' ', space + 1) != target.npos)
      return invalid("line {}: expected METHOD PATH [tab BODY]", number + 1);
    std::string request = fmt::format("{} HTTP/1.1\r\nHost: 127.0.0.1\r\n{}", target, headers);
    if (tab != std::string_view::npos) {
      const std::string_view body = line.substr(tab + 1);
      request += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
                             body.size(), body);
    } else {
      request += "\r\n";
    }
    requests.push_back(std::move(request));
  }
  return requests;
}

}  // namespace torii::bench

#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace torii::testing {

/// What a client asked for; header names in lower case.
struct HttpRequest {
  std::string method;
  std::string target;  ///< path and query
  std::map<std::string, std::string> headers;
  std::string body;
  [[nodiscard]] std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

/// What the server does about it.
struct HttpAnswer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
  std::size_t send_bytes_max = std::string::npos;  ///< the connection breaks after so many
  int pause_ms = 0;                                ///< before every 64 kB of the body
};

/// A small HTTP/1.1 server on a free port of the loopback, one connection per request. It answers
/// from its own threads until it is destroyed.
class HttpServer {
 public:
  using Handler = std::function<HttpAnswer(const HttpRequest&)>;

  explicit HttpServer(Handler handler) : handler_(std::move(handler)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(listener_, 64);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer() {
    stopping_ = true;
    acceptor_.join();
    for (std::thread& worker : workers_) worker.join();
    ::close(listener_);
  }

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string url(const std::string& path = "") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  /// All requests so far, in order of arrival.
  [[nodiscard]] std::vector<HttpRequest> requests() const {
    const std::scoped_lock lock(mutex_);
    return requests_;
  }

 private:
  void accept_all() {
    while (!stopping_) {
      pollfd waiting{listener_, POLLIN, 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      const int peer = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (peer < 0) continue;
      const timeval patience{10, 0};
      ::setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      ::setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
      workers_.emplace_back([this, peer] {
        serve(peer);
        ::close(peer);
      });
    }
  }

  void serve(int peer) {
    std::string head;
    while (head.find("\r\n\r\n") == std::string::npos && head.size() < 65536) {
      char bytes[4096];
      const auto count = ::recv(peer, bytes, sizeof bytes, 0);
      if (count <= 0) return;
      head.append(bytes, static_cast<std::size_t>(count));
    }
    HttpRequest request = parse(head);
    request.body = head.substr(std::min(head.find("\r\n\r\n") + 4, head.size()));
    const std::string length = request.header("content-length");
    while (!length.empty() && request.body.size() < std::stoul(length)) {
      char bytes[4096];
      const auto count = ::recv(peer, bytes, sizeof bytes, 0);
      if (count <= 0) return;
      request.body.append(bytes, static_cast<std::size_t>(count));
    }
    {
      const std::scoped_lock lock(mutex_);
      requests_.push_back(request);
    }
    const HttpAnswer answer = handler_(request);
    std::string text = "HTTP/1.1 " + std::to_string(answer.status) + " Answer\r\n";
    for (const auto& [name, value] : answer.headers) text += name + ": " + value + "\r\n";
    text +=
        "Content-Length: " + std::to_string(answer.body.size()) + "\r\nConnection: close\r\n\r\n";
    if (!send(peer, text) || request.method == "HEAD") return;
    const std::string_view body =
        std::string_view(answer.body)
            .substr(0, std::min(answer.send_bytes_max, answer.body.size()));
    constexpr std::size_t kPiece = 65536;
    for (std::size_t at = 0; at < body.size() && !stopping_; at += kPiece) {
      if (answer.pause_ms > 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(answer.pause_ms));
      }
      if (!send(peer, body.substr(at, kPiece))) return;
    }
    ::shutdown(peer, SHUT_WR);
  }

  static bool send(int peer, std::string_view bytes) {
    while (!bytes.empty()) {
      const auto count = ::send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  static HttpRequest parse(const std::string& head) {
    HttpRequest request;
    const auto line_end = head.find("\r\n");
    const std::string line = head.substr(0, line_end);
    const auto first = line.find(' ');
    request.method = line.substr(0, first);
    request.target = line.substr(first + 1, line.rfind(' ') - first - 1);
    for (std::size_t at = line_end + 2; at < head.size();) {
      const auto end = head.find("\r\n", at);
      if (end == at || end == std::string::npos) break;
      const auto colon = head.find(':', at);
      std::string name = head.substr(at, colon - at);
      std::transform(name.begin(), name.end(), name.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      request.headers[name] = head.substr(colon + 2, end - colon - 2);
      at = end + 2;
    }
    return request;
  }

  Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread acceptor_;
  std::vector<std::thread> workers_;
  mutable std::mutex mutex_;
  std::vector<HttpRequest> requests_;
};

/// `body` with its ETag, as a server that knows ranges answers.
inline HttpAnswer ranged_answer(const HttpRequest& request, const std::string& body,
                                const std::string& etag) {
  HttpAnswer answer;
  answer.headers = {{"ETag", etag}, {"Accept-Ranges", "bytes"}};
  const std::string range = request.header("range");
  const std::string condition = request.header("if-range");
  if (!range.starts_with("bytes=") || (!condition.empty() && condition != etag)) {
    answer.body = body;
    return answer;
  }
  const std::size_t first = std::stoul(range.substr(6));
  if (first >= body.size()) {
    answer.status = 416;
    answer.headers.emplace_back("Content-Range", "bytes */" + std::to_string(body.size()));
    return answer;
  }
  answer.status = 206;
  answer.headers.emplace_back("Content-Range", "bytes " + std::to_string(first) + "-" +
                                                   std::to_string(body.size() - 1) + "/" +
                                                   std::to_string(body.size()));
  answer.body = body.substr(first);
  return answer;
}

}  // namespace torii::testing

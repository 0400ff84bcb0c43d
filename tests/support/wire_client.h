#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <string_view>

// A socket for tests that want to see bytes.
namespace torii::testing {

class WireClient {
 public:
  explicit WireClient(int port) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~WireClient() { ::close(socket_); }
  WireClient(const WireClient&) = delete;
  WireClient& operator=(const WireClient&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }
  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void close_write() const { ::shutdown(socket_, SHUT_WR); }

  struct Answer {
    int status = 0;
    std::string head;
    std::string body;
  };
  /// One answer with Content-Length (or 204); status 0 if the connection ended or 10 s passed.
  [[nodiscard]] Answer read(bool is_head = false) {
    Answer answer;
    while (true) {
      const std::size_t end = buffer_.find("\r\n\r\n");
      if (end != std::string::npos) {
        answer.head = buffer_.substr(0, end + 4);
        std::size_t size = 0;
        const std::size_t at = answer.head.find("Content-Length: ");
        if (at != std::string::npos) size = std::stoul(answer.head.substr(at + 16));
        if (is_head) size = 0;
        if (buffer_.size() >= end + 4 + size) {
          answer.status = std::stoi(answer.head.substr(9, 3));
          answer.body = buffer_.substr(end + 4, size);
          buffer_.erase(0, end + 4 + size);
          return answer;
        }
      }
      if (!more()) return {};
    }
  }
  /// Everything until the other side closes (or 10 s passed).
  [[nodiscard]] std::string read_all() {
    while (more()) {
    }
    return std::move(buffer_);
  }
  /// Whether the other side closes within the time.
  [[nodiscard]] bool closes_within(int milliseconds) {
    while (true) {
      pollfd waiting{socket_, POLLIN, 0};
      if (::poll(&waiting, 1, milliseconds) <= 0) return false;
      char bytes[4096];
      if (::recv(socket_, bytes, sizeof bytes, 0) <= 0) return true;
    }
  }

 private:
  bool more() {
    pollfd waiting{socket_, POLLIN, 0};
    if (::poll(&waiting, 1, 10'000) <= 0) return false;
    char bytes[65536];
    const ssize_t size = ::recv(socket_, bytes, sizeof bytes, 0);
    if (size <= 0) return false;
    buffer_.append(bytes, static_cast<std::size_t>(size));
    return true;
  }
  int socket_ = -1;
  bool connected_ = false;
  std::string buffer_;
};

}  // namespace torii::testing

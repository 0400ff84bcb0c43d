#include "store/redis_connection.h"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/file.h"

namespace torii::store {
namespace {

using Clock = std::chrono::steady_clock;

// hiredis writes with write(): when the server is gone, that must not end the process.
class NoPipeSignal {
 public:
  NoPipeSignal() {
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoPipeSignal() {
    if (!was_pending_) {
      const timespec now{};
      while (sigtimedwait(&pipe_, nullptr, &now) < 0 && errno == EINTR) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoPipeSignal(const NoPipeSignal&) = delete;
  NoPipeSignal& operator=(const NoPipeSignal&) = delete;

 private:
  sigset_t pipe_, before_;
  bool was_pending_ = false;
};

RedisReply converted(const redisReply& reply) {
  RedisReply result;
  switch (reply.type) {
    case REDIS_REPLY_INTEGER:
      result.kind = RedisReply::Kind::kInteger;
      result.integer = reply.integer;
      break;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_ERROR:
      result.kind = RedisReply::Kind::kText;
      result.text.assign(reply.str, reply.len);
      break;
    case REDIS_REPLY_ARRAY:
      result.kind = RedisReply::Kind::kArray;
      result.elements.reserve(reply.elements);
      for (std::size_t i = 0; i < reply.elements; ++i) {
        result.elements.push_back(converted(*reply.element[i]));
      }
      break;
    default:
      break;
  }
  return result;
}

}  // namespace

std::int64_t RedisReply::number() const {
  if (kind == Kind::kInteger) return integer;
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  if (std::from_chars(text.data(), end, value).ptr == end) return value;
  double real = 0;  // a score beyond the integers that it prints as such
  std::from_chars(text.data(), end, real);
  return std::abs(real) < 9e15 ? static_cast<std::int64_t>(real) : 0;
}

void RedisConnection::Free::operator()(redisContext* context) const {
  redisFree(context);
}

RedisConnection::RedisConnection(RedisUri uri, const OpenOptions& options)
    : uri_(std::move(uri)), timeout_s_(options.timeout_s), cancelled_(options.cancelled) {}

Error RedisConnection::lost(std::string_view why) {
  context_ = nullptr;
  return make_error(ErrorCode::kIo, "{}: {}", uri_.shown, why);
}

Error RedisConnection::refused(std::string_view message) const {
  ErrorCode code = ErrorCode::kIo;
  const char* advice = "";
  if (message.starts_with("OOM")) code = ErrorCode::kResourceExhausted;
  if (message.starts_with("WRONGTYPE")) code = ErrorCode::kCorrupt;
  if (message.starts_with("NOAUTH") || message.starts_with("WRONGPASS")) {
    advice = "; set TORII_REDIS_PASSWORD, or write it into the URI";
  }
  if (message.starts_with("READONLY")) advice = "; name the server that is written to";
  return make_error(code, "{}: {}{}", uri_.shown, message, advice);
}

Result<void> RedisConnection::connect() {
  if (context_ != nullptr) {
    // Nothing is expected: what can be read now is the end of the connection.
    pollfd socket{context_->fd, POLLIN | POLLRDHUP, 0};
    if (::poll(&socket, 1, 0) == 0) return {};
    context_ = nullptr;
  }
  scripts_.clear();
  const double seconds = std::min(10.0, timeout_s_);
  timeval limit{};
  limit.tv_sec = static_cast<time_t>(seconds);
  limit.tv_usec = static_cast<suseconds_t>((seconds - std::floor(seconds)) * 1e6);
  context_.reset(redisConnectWithTimeout(uri_.host.c_str(), uri_.port, limit));
  if (context_ == nullptr) return lost("no memory for a connection");
  if (context_->err != 0) return lost(std::string(context_->errstr));
  const int flags = ::fcntl(context_->fd, F_GETFL);
  if (flags < 0 || ::fcntl(context_->fd, F_SETFL, flags | O_NONBLOCK) != 0) {
    return lost(errno_text(errno));
  }
  context_->flags &= ~REDIS_BLOCK;
  if (Result<void> in = log_in(); !in.ok()) {
    context_ = nullptr;
    return in;
  }
  return {};
}

Result<void> RedisConnection::log_in() {
  if (!uri_.password.empty()) {
    std::vector<std::string_view> words = {"AUTH"};
    if (!uri_.user.empty()) words.emplace_back(uri_.user);
    words.emplace_back(uri_.password);
    TORII_TRY_VOID(exchange(words));
  }
  if (uri_.database != 0) {
    const std::string number = std::to_string(uri_.database);
    TORII_TRY_VOID(exchange({"SELECT", number}));
  }
  // Refused where it may not be asked: then it is not looked at.
  const auto info = exchange({"INFO", "server"});
  if (!info.ok()) {
    if (info.error().message.find("NOPERM") != std::string::npos) return {};
    return info.error();
  }
  for (const char* mode : {"cluster", "sentinel"}) {
    if (info->text.find(std::string("redis_mode:") + mode) == std::string::npos) continue;
    return make_error(ErrorCode::kUnsupported,
                      "{}: the server runs in {} mode, which is not supported; name a single "
                      "Redis server",
                      uri_.shown, mode);
  }
  return {};
}

Result<void> RedisConnection::wait(bool to_write, Clock::time_point since) {
  for (;;) {
    if (cancelled_ && cancelled_()) {
      context_ = nullptr;  // the answer may still come
      return make_error(ErrorCode::kCancelled, "{}: cancelled", uri_.shown);
    }
    const std::chrono::duration<double> waited = Clock::now() - since;
    if (waited.count() > timeout_s_) {
      return lost(fmt::format("no answer within {} s; the command was given up", timeout_s_));
    }
    pollfd socket{context_->fd, static_cast<short>(to_write ? POLLIN | POLLOUT : POLLIN), 0};
    const int ready = ::poll(&socket, 1, 100);
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return lost(errno_text(errno));
  }
}

Result<RedisReply> RedisConnection::receive() {
  auto since = Clock::now();
  for (bool written = false;;) {
    void* raw = nullptr;
    if (redisGetReplyFromReader(context_.get(), &raw) != REDIS_OK) {
      return lost(std::string(context_->errstr));
    }
    if (raw != nullptr) {
      const std::unique_ptr<void, void (*)(void*)> owner(raw, freeReplyObject);
      const auto& reply = *static_cast<const redisReply*>(raw);
      if (reply.type == REDIS_REPLY_ERROR) {
        return refused(std::string_view(reply.str, reply.len));
      }
      return converted(reply);
    }
    if (!written) {
      const NoPipeSignal quiet;
      int done = 0;
      if (redisBufferWrite(context_.get(), &done) != REDIS_OK) {
        return lost(std::string(context_->errstr));
      }
      written = done != 0;
    }
    TORII_TRY_VOID(wait(!written, since));
    // A large command or answer may take its time as long as it moves.
    since = Clock::now();
    if (redisBufferRead(context_.get()) != REDIS_OK) return lost(std::string(context_->errstr));
  }
}

template <class Words>
Result<void> RedisConnection::append(const Words& words) {
  std::vector<const char*> pointers;
  std::vector<std::size_t> sizes;
  pointers.reserve(words.size());
  sizes.reserve(words.size());
  for (const auto& word : words) {
    pointers.push_back(word.data() == nullptr ? "" : word.data());
    sizes.push_back(word.size());
  }
  if (redisAppendCommandArgv(context_.get(), static_cast<int>(words.size()), pointers.data(),
                             sizes.data()) != REDIS_OK) {
    return lost(std::string(context_->errstr));
  }
  return {};
}

Result<RedisReply> RedisConnection::exchange(const std::vector<std::string_view>& words) {
  TORII_TRY_VOID(append(words));
  return receive();
}

Result<std::vector<RedisReply>> RedisConnection::commands(
    std::span<const std::vector<std::string>> many) {
  TORII_TRY_VOID(connect());
  for (const auto& words : many) TORII_TRY_VOID(append(words));
  std::vector<RedisReply> replies;
  replies.reserve(many.size());
  std::optional<Error> refusal;
  for (std::size_t i = 0; i < many.size(); ++i) {
    auto reply = receive();
    if (reply.ok()) {
      replies.push_back(std::move(reply).value());
      continue;
    }
    if (context_ == nullptr) return std::move(reply).error();
    if (!refusal) refusal = std::move(reply).error();
  }
  if (refusal) return *std::move(refusal);
  return replies;
}

Result<RedisReply> RedisConnection::command(const std::vector<std::string_view>& words) {
  TORII_TRY_VOID(connect());
  return exchange(words);
}

Result<RedisReply> RedisConnection::script(const char* text, std::string_view prefix,
                                           const std::vector<std::string_view>& arguments) {
  TORII_TRY_VOID(connect());
  for (int attempt = 0;; ++attempt) {
    auto known = scripts_.find(std::string_view(text));
    if (known == scripts_.end()) {
      TORII_TRY(RedisReply loaded, exchange({"SCRIPT", "LOAD", text}));
      known = scripts_.emplace(text, std::move(loaded.text)).first;
    }
    std::vector<std::string_view> words = {"EVALSHA", known->second, "1", prefix};
    words.insert(words.end(), arguments.begin(), arguments.end());
    auto reply = exchange(words);
    // Somebody may have emptied the server's cache of scripts; nothing was run then.
    const bool forgotten =
        !reply.ok() && reply.error().message.find("NOSCRIPT") != std::string::npos;
    if (!forgotten || attempt > 0) return reply;
    scripts_.erase(known);
  }
}

}  // namespace torii::store

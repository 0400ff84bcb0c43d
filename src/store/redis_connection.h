#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/redis_uri.h"
#include "store/store.h"

struct redisContext;

namespace torii::store {

struct RedisReply {
  enum class Kind : std::uint8_t { kNil, kInteger, kText, kArray } kind = Kind::kNil;
  std::int64_t integer = 0;
  std::string text;
  std::vector<RedisReply> elements;

  [[nodiscard]] bool is_nil() const { return kind == Kind::kNil; }
  /// An integer, or a text that is a number; 0 for anything else.
  [[nodiscard]] std::int64_t number() const;
};

/// A connection to one Redis server, made again after it was lost. One thread at a time.
class RedisConnection {
 public:
  RedisConnection(RedisUri uri, const OpenOptions& options);

  [[nodiscard]] const std::string& shown() const { return uri_.shown; }
  /// Connects if there is no connection, or none that works any more. Called before every command,
  /// so that one that only reads or writes once need not be repeated.
  [[nodiscard]] Result<void> connect();

  /// Errors: kIo (connection, password, a server that is loading or only a copy),
  /// kResourceExhausted (out of memory), kCancelled, kCorrupt (a key of another kind than ours).
  Result<RedisReply> command(const std::vector<std::string_view>& words);
  /// Several at once, answered in their order. All are run; a refusal of one is the error of all.
  Result<std::vector<RedisReply>> commands(std::span<const std::vector<std::string>> many);
  /// A script with one key, the prefix of all that it touches; kept by the server.
  Result<RedisReply> script(const char* text, std::string_view prefix,
                            const std::vector<std::string_view>& arguments = {});

 private:
  struct Free {
    void operator()(redisContext* context) const;
  };
  [[nodiscard]] Result<void> log_in();
  template <class Words>
  [[nodiscard]] Result<void> append(const Words& words);
  [[nodiscard]] Result<RedisReply> exchange(const std::vector<std::string_view>& words);
  [[nodiscard]] Result<RedisReply> receive();
  [[nodiscard]] Result<void> wait(bool to_write, std::chrono::steady_clock::time_point since);
  [[nodiscard]] Error lost(std::string_view why);
  [[nodiscard]] Error refused(std::string_view message) const;

  RedisUri uri_;
  double timeout_s_;
  std::function<bool()> cancelled_;
  std::unique_ptr<redisContext, Free> context_;
  std::map<std::string, std::string, std::less<>> scripts_;  // text -> SHA-1
};

}  // namespace torii::store

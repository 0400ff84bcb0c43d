#pragma once

#include <cstdio>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "base/json.h"

namespace torii::server {

/// Lines of JSON for machines that collect them: {"time": ..., "level": ..., "event": ..., ...}.
/// Nothing that names or describes a person goes in, and no secret. Threads: all calls concurrent.
class Log {
 public:
  explicit Log(std::FILE* out) : out_(out) {}  ///< null: nothing is written
  using Fields = std::initializer_list<std::pair<std::string_view, Json>>;
  void info(std::string_view event, Fields fields = {}) { write("info", event, fields); }
  void warn(std::string_view event, Fields fields = {}) { write("warn", event, fields); }
  void error(std::string_view event, Fields fields = {}) { write("error", event, fields); }
  /// One line that is made already, without its line break.
  void line(std::string_view text);

 private:
  void write(std::string_view level, std::string_view event, Fields fields);
  std::FILE* out_;
  std::mutex mutex_;  // one line at a time
};

}  // namespace torii::server

#include "server/log.h"

#include <chrono>

#include "server/json_text.h"

namespace torii::server {

void Log::line(std::string_view text) {
  if (out_ == nullptr) return;
  const std::scoped_lock lock(mutex_);
  std::fwrite(text.data(), 1, text.size(), out_);
  std::fputc('\n', out_);
  std::fflush(out_);
}

void Log::write(std::string_view level, std::string_view event, Fields fields) {
  if (out_ == nullptr) return;
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  std::string text = "{\"time\":\"" + iso_time(now.count()) + "\",\"level\":\"";
  text.append(level).append("\",\"event\":");
  append_json_text(text, event);
  for (const auto& [name, value] : fields) {
    text.push_back(',');
    append_json_text(text, name);
    text.append(":").append(value.dump());
  }
  text.push_back('}');
  line(text);
}

}  // namespace torii::server

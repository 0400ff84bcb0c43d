#include "base/json_events.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "base/json.h"

namespace torii {
namespace {

using EventLibrary = nlohmann::json;

class Forwarder final : public nlohmann::json_sax<EventLibrary> {
 public:
  explicit Forwarder(JsonEvents& events) : events_(events) {}

  bool null() override { return events_.null(); }
  bool boolean(bool value) override { return events_.boolean(value); }
  bool number_integer(number_integer_t value) override { return events_.integer(value); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max())) {
      return events_.large_integer(value);
    }
    return events_.integer(static_cast<std::int64_t>(value));
  }
  bool number_float(number_float_t value, const string_t&) override {
    return events_.number(value);
  }
  bool string(string_t& value) override { return events_.text(value); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return deeper() && events_.begin_object(); }
  bool key(string_t& name) override { return events_.key(name); }
  bool end_object() override {
    --depth_;
    return events_.end_object();
  }
  bool start_array(std::size_t) override { return deeper() && events_.begin_array(); }
  bool end_array() override {
    --depth_;
    return events_.end_array();
  }
  bool parse_error(std::size_t position, const std::string&,
                   const EventLibrary::exception& e) override {
    error = fmt::format("not valid JSON near byte {}: {}", position, e.what());
    return false;
  }

  std::string error;

 private:
  bool deeper() {
    if (++depth_ <= kJsonDepthMax) return true;
    error = fmt::format("nested deeper than {} levels", kJsonDepthMax);
    return false;
  }

  JsonEvents& events_;
  int depth_ = 0;
};

}  // namespace

Result<JsonRead> read_json_events(std::string_view text, JsonEvents& events) {
  Forwarder forwarder(events);
  if (EventLibrary::sax_parse(text.begin(), text.end(), &forwarder)) return JsonRead::kDone;
  if (!forwarder.error.empty()) return invalid("{}", forwarder.error);
  return JsonRead::kStopped;
}

}  // namespace torii

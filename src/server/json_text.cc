#include "server/json_text.h"

#include <sodium.h>

#include <bit>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstring>

#include "server/target.h"

namespace torii::server {
namespace {

constexpr std::int64_t kMsOfSecond = 1000, kMsOfMinute = 60 * kMsOfSecond;
constexpr std::int64_t kMsMax = 253402300799999;  // the end of the year 9999

std::optional<std::string> decode(std::string_view text, int variant, const char* ignored) {
  std::string out(text.size() / 4 * 3 + 3, '\0');
  std::size_t size = 0;
  const char* end = nullptr;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), text.data(),
                        text.size(), ignored, &size, &end, variant) != 0 ||
      end != text.data() + text.size()) {
    return std::nullopt;
  }
  out.resize(size);
  return out;
}

std::optional<int> digits(std::string_view text) {
  int number = 0;
  for (const char letter : text) {
    if (letter < '0' || letter > '9') return std::nullopt;
    number = number * 10 + (letter - '0');
  }
  return number;
}

}  // namespace

void append_json_text(std::string& out, std::string_view text) {
  if (!is_utf8(text)) {
    // Rare enough to be copied: what is no character is replaced byte by byte.
    std::string whole;
    for (const char letter : text) {
      if (static_cast<unsigned char>(letter) < 0x80) {
        whole.push_back(letter);
      } else {
        whole.append("\xEF\xBF\xBD");
      }
    }
    append_json_text(out, whole);
    return;
  }
  out.push_back('"');
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    out.append(text, begin, i - begin);
    begin = i + 1;
    if (byte == '"' || byte == '\\') {
      out.push_back('\\');
      out.push_back(text[i]);
    } else if (byte == '\n') {
      out.append("\\n");
    } else {
      static constexpr char kHex[] = "0123456789abcdef";
      out.append("\\u00");
      out.push_back(kHex[byte >> 4U]);
      out.push_back(kHex[byte & 15U]);
    }
  }
  out.append(text, begin, text.size() - begin);
  out.push_back('"');
}

void append_float(std::string& out, float number) {
  if (!std::isfinite(number)) {
    out.append("null");
    return;
  }
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, number);
  out.append(text, static_cast<std::size_t>(end.ptr - text));
}

void append_seconds(std::string& out, std::int64_t milliseconds) {
  if (milliseconds < 0) milliseconds = 0;
  append_integer(out, static_cast<std::uint64_t>(milliseconds / 1000));
  const auto rest = static_cast<unsigned>(milliseconds % 1000);
  if (rest == 0) return;
  const char text[4] = {'.', static_cast<char>('0' + rest / 100),
                        static_cast<char>('0' + rest / 10 % 10),
                        static_cast<char>('0' + rest % 10)};
  out.append(text, 4);
}

void append_vector(std::string& out, std::span<const float> vector) {
  static_assert(std::endian::native == std::endian::little);
  if (vector.empty()) {
    out.append("\"vector\":null,\"vector_f32le\":null");
    return;
  }
  out.append("\"vector\":[");
  for (std::size_t i = 0; i < vector.size(); ++i) {
    if (i > 0) out.push_back(',');
    append_float(out, vector[i]);
  }
  out.append("],\"vector_f32le\":\"").append(base64(std::as_bytes(vector))).append("\"");
}

std::string base64(std::span<const std::byte> bytes) {
  constexpr int kVariant = sodium_base64_VARIANT_ORIGINAL;
  std::string out(sodium_base64_encoded_len(bytes.size(), kVariant), '\0');
  sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                    bytes.size(), kVariant);
  out.pop_back();  // its NUL
  return out;
}

std::optional<std::string> base64url_decode(std::string_view text) {
  return decode(text, sodium_base64_VARIANT_URLSAFE_NO_PADDING, nullptr);
}

std::optional<std::string> base64_decode(std::string_view text) {
  auto padded = decode(text, sodium_base64_VARIANT_ORIGINAL, " \r\n\t");
  return padded ? padded : decode(text, sodium_base64_VARIANT_ORIGINAL_NO_PADDING, " \r\n\t");
}

std::string iso_time(std::int64_t ms) {
  using namespace std::chrono;  // NOLINT: calendar words
  const sys_time<milliseconds> time{milliseconds(ms)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

std::optional<std::int64_t> parse_iso_time(std::string_view text) {
  using namespace std::chrono;  // NOLINT: calendar words
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || (text[10] | 0x20) != 't' ||
      text[13] != ':' || text[16] != ':') {
    return std::nullopt;
  }
  const auto y = digits(text.substr(0, 4)), mo = digits(text.substr(5, 2)),
             d = digits(text.substr(8, 2)), h = digits(text.substr(11, 2)),
             mi = digits(text.substr(14, 2)), s = digits(text.substr(17, 2));
  if (!y || !mo || !d || !h || !mi || !s || *h > 23 || *mi > 59 || *s > 60) return std::nullopt;
  const year_month_day date{year(*y), month(static_cast<unsigned>(*mo)),
                            day(static_cast<unsigned>(*d))};
  if (!date.ok()) return std::nullopt;
  std::int64_t ms = duration_cast<milliseconds>(sys_days(date).time_since_epoch()).count() +
                    ((*h * 60 + *mi) * 60 + *s) * kMsOfSecond;
  text.remove_prefix(19);
  if (text.front() == '.') {
    text.remove_prefix(1);
    int scale = 100;
    std::size_t count = 0;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9' && count < 12) {
      ms += (text.front() - '0') * scale;
      scale /= 10;
      text.remove_prefix(1);
      ++count;
    }
    if (count == 0) return std::nullopt;
  }
  if (text == "Z" || text == "z") {
    // UTC
  } else if (text.size() == 6 && (text[0] == '+' || text[0] == '-') && text[3] == ':') {
    const auto hours = digits(text.substr(1, 2)), minutes = digits(text.substr(4, 2));
    if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
    const std::int64_t offset = (*hours * 60 + *minutes) * kMsOfMinute;
    ms += text[0] == '+' ? -offset : offset;
  } else {
    return std::nullopt;
  }
  if (ms < 0 || ms > kMsMax) return std::nullopt;
  return ms;
}

}  // namespace torii::server

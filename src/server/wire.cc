#include "server/wire.h"

#include <fmt/format.h>

#include <algorithm>

#include "server/transport.h"

namespace torii::server {
namespace {

void append_number(std::string& out, std::size_t number) {
  const fmt::format_int text(number);
  out.append(text.data(), text.size());
}

}  // namespace

std::string_view DateLine::now() {
  const std::time_t now = std::time(nullptr);
  if (now != of_) {
    of_ = now;
    std::tm parts{};
    gmtime_r(&now, &parts);
    static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto end = fmt::format_to_n(
        text_.data(), text_.size(), "Date: {}, {:02} {} {:04} {:02}:{:02}:{:02} GMT\r\n",
        kDays[parts.tm_wday], parts.tm_mday, kMonths[parts.tm_mon], parts.tm_year + 1900,
        parts.tm_hour, parts.tm_min, parts.tm_sec);
    size_ = std::min(end.size, text_.size());
  }
  return {text_.data(), size_};
}

void append_answer(std::string& out, DateLine& date, const Reply& reply, const Wants& wants,
                   std::string_view packed) {
  const std::string_view body = packed.empty() ? std::string_view(reply.body) : packed;
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::size_t>(reply.status));
  out.append(" ").append(reason_phrase(reply.status)).append("\r\n");
  out.append(date.now());
  const bool bodiless = reply.status == 204 || reply.status == 304;
  if (!bodiless) {
    if (!body.empty()) out.append("Content-Type: ").append(reply.content_type).append("\r\n");
    out.append("Content-Length: ");
    append_number(out, body.size());
    out.append("\r\n");
  }
  if (!packed.empty()) out.append("Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n");
  out.append(reply.headers);
  if (!wants.keep_alive || reply.close) out.append("Connection: close\r\n");
  out.append("\r\n");
  if (!wants.head && !bodiless) out.append(body);
}

std::string packed_body(const Reply& reply, const Wants& wants, std::size_t gzip_from) {
  return wants.gzip && reply.body.size() >= gzip_from ? gzip(reply.body) : std::string();
}

}  // namespace torii::server

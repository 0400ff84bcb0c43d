#include "answer_reader.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace torii::bench {
namespace {

constexpr std::size_t kHeadMax = std::size_t{64} << 10;
constexpr std::size_t kBodyMax = std::size_t{64} << 20;

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

bool parse_number(std::string_view text, int base, std::size_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size() && value <= kBodyMax;
}

}  // namespace

AnswerReader::State AnswerReader::feed(std::string_view bytes) {
  buffer_.append(bytes);
  return parse();
}

void AnswerReader::next() {
  buffer_.erase(0, end_);
  head_end_ = end_ = 0;
}

void AnswerReader::clear() {
  buffer_.clear();
  head_end_ = end_ = 0;
}

std::string_view AnswerReader::body() const {
  if (chunked_ || end_ < head_end_) return {};
  return std::string_view(buffer_).substr(head_end_, end_ - head_end_);
}

AnswerReader::State AnswerReader::parse() {
  if (head_end_ == 0) {
    const std::size_t blank = buffer_.find("\r\n\r\n");
    if (blank == std::string::npos)
      return buffer_.size() > kHeadMax ? State::kBroken : State::kMore;
    head_end_ = blank + 4;
    if (!parse_head(std::string_view(buffer_).substr(0, blank + 2))) return State::kBroken;
  }
  if (chunked_) return parse_chunks();
  return buffer_.size() >= end_ ? State::kDone : State::kMore;
}

bool AnswerReader::parse_head(std::string_view head) {
  // HTTP/1.1 200 OK
  std::size_t status = 0;
  if (head.size() < 12 || !head.starts_with("HTTP/1.") || head[8] != ' ' ||
      !parse_number(head.substr(9, 3), 10, status)) {
    return false;
  }
  status_ = static_cast<int>(status);
  closes_ = head[7] == '0';
  chunked_ = false;
  bool sized = status_ == 204 || status_ == 304;
  std::size_t length = 0;
  for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
    const std::size_t end = head.find("\r\n", at);
    const std::string_view line = head.substr(at, end - at);
    at = end + 2;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return false;
    const std::string_view name = line.substr(0, colon);
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    while (value.ends_with(' ')) value.remove_suffix(1);
    if (equal_ignoring_case(name, "content-length")) {
      if (!parse_number(value, 10, length)) return false;
      sized = true;
    } else if (equal_ignoring_case(name, "transfer-encoding")) {
      if (!equal_ignoring_case(value, "chunked")) return false;
      chunked_ = sized = true;
    } else if (equal_ignoring_case(name, "connection")) {
      closes_ = equal_ignoring_case(value, "close");
    }
  }
  end_ = head_end_ + (chunked_ ? 0 : length);
  return sized;
}

// Each chunk is its length in hexadecimal, its bytes and a line end; the last has length 0.
AnswerReader::State AnswerReader::parse_chunks() {
  while (true) {
    const std::size_t line = buffer_.find("\r\n", end_);
    if (line == std::string::npos) return State::kMore;
    std::string_view number = std::string_view(buffer_).substr(end_, line - end_);
    number = number.substr(0, number.find(';'));
    std::size_t length = 0;
    if (!parse_number(number, 16, length)) return State::kBroken;
    if (buffer_.size() < line + 2 + length + 2) return State::kMore;
    if (buffer_.compare(line + 2 + length, 2, "\r\n") != 0) return State::kBroken;
    end_ = line + 2 + length + 2;
    if (length == 0) return State::kDone;
    if (end_ > kBodyMax) return State::kBroken;
  }
}

}  // namespace torii::bench

#include <zlib.h>

#include <charconv>

#include "base/check.h"
#include "server/request_fields.h"
#include "server/transport.h"

namespace torii::server {
namespace {

constexpr int kGzipWindow = 15 + 16;  // zlib's way to ask for gzip's header
constexpr int kMemoryLevel = 8;

bool is_gzip(std::string_view coding) {
  return coding.size() == 4 && (coding[0] | 0x20) == 'g' && (coding[1] | 0x20) == 'z' &&
         (coding[2] | 0x20) == 'i' && (coding[3] | 0x20) == 'p';
}

}  // namespace

std::string gzip(std::string_view body) {
  z_stream stream{};
  TORII_CHECK(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindow, kMemoryLevel,
                           Z_DEFAULT_STRATEGY) == Z_OK,
              "zlib starts");
  std::string packed(deflateBound(&stream, static_cast<uLong>(body.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));  // zlib only reads it
  stream.avail_in = static_cast<uInt>(body.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  TORII_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END, "the bound holds");
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

bool takes_gzip(std::string_view accept_encoding) {
  bool takes = false;
  while (!accept_encoding.empty()) {
    const std::size_t comma = accept_encoding.find(',');
    std::string_view part = trimmed(accept_encoding.substr(0, comma));
    accept_encoding = comma == std::string_view::npos ? "" : accept_encoding.substr(comma + 1);
    const std::size_t semicolon = part.find(';');
    const std::string_view coding = trimmed(part.substr(0, semicolon));
    if (!is_gzip(coding) && coding != "*") continue;
    double weight = 1.0;
    if (semicolon != std::string_view::npos) {
      const std::string_view parameter = trimmed(part.substr(semicolon + 1));
      if (parameter.starts_with("q=") || parameter.starts_with("Q=")) {
        const std::string_view digits = parameter.substr(2);
        if (std::from_chars(digits.data(), digits.data() + digits.size(), weight).ec !=
            std::errc()) {
          weight = 0.0;
        }
      }
    }
    if (is_gzip(coding)) return weight > 0.0;  // named beats "*"
    takes = weight > 0.0;
  }
  return takes;
}

}  // namespace torii::server

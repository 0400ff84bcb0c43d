#include "net/grpc.h"

#include <charconv>
#include <utility>

#include "base/printable.h"

namespace torii::net {
namespace {

constexpr std::size_t kFrame = 5;  // compressed or not, and the length, highest byte first

std::string framed(std::string_view message) {
  std::string body(kFrame, '\0');
  for (std::size_t i = 0; i < 4; ++i) {
    body[1 + i] = static_cast<char>(message.size() >> (8 * (3 - i)) & 0xFF);
  }
  return body.append(message);
}

HttpOptions for_grpc(HttpOptions options, const GrpcServer& server) {
  options.http2 = true;
  options.redirects_max = 0;
  if (!server.certificate.empty()) options.trusted = server.certificate;
  return options;
}

// grpc-message is percent-encoded.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(&text[i + 1], &text[i + 3], byte, 16).ptr == &text[i + 3]) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// google.rpc.Code
Error error_of_status(std::string_view status, const std::string& where,
                      const std::string& message) {
  const std::string why = message.empty() ? fmt::format("status {}", status) : visible(message);
  if (status == "12") {
    return make_error(ErrorCode::kUnsupported, "{}: the server has no such call", where);
  }
  if (status == "5") return make_error(ErrorCode::kNotFound, "{}: {}", where, why);
  if (status == "3") return invalid("{}: {}", where, why);
  if (status == "7" || status == "16") {
    return make_error(ErrorCode::kIo, "{}: the server does not let us ask ({})", where, why);
  }
  return make_error(ErrorCode::kIo, "{}: the server answered with an error ({})", where, why);
}

}  // namespace

GrpcClient::GrpcClient(GrpcServer server, const Environment& environment,
                       const HttpOptions& options, Reporter& reporter)
    : server_(std::move(server)), http_(environment, for_grpc(options, server_), reporter) {}

Result<std::string> GrpcClient::call(std::string_view method, std::string_view message,
                                     std::size_t size_max) {
  const std::string url =
      fmt::format("{}://{}/{}", server_.tls ? "https" : "http", server_.address, method);
  Headers headers = {{"content-type", "application/grpc"}, {"te", "trailers"}};
  if (!server_.bearer.empty()) headers.emplace_back("authorization", "Bearer " + server_.bearer);
  TORII_TRY(const Response response, http_.post(url, headers, framed(message), size_max + kFrame));
  const std::string where = shown(url);
  const auto status = header(response.headers, "grpc-status");
  if (status && *status != "0") {
    return error_of_status(*status, where,
                           decoded(header(response.headers, "grpc-message").value_or("")));
  }
  if (response.status != 200 || !status) {
    return make_error(ErrorCode::kIo,
                      "{}: expected a gRPC server, found HTTP status {}; is the address right, and "
                      "does the server speak TLS?",
                      where, response.status);
  }
  const std::string& body = response.body;
  std::size_t size = 0;
  for (std::size_t i = 1; i < kFrame && body.size() >= kFrame; ++i) {
    size = size << 8 | static_cast<unsigned char>(body[i]);
  }
  if (body.size() < kFrame || body[0] != '\0' || body.size() != kFrame + size) {
    return make_error(ErrorCode::kCorrupt, "{}: the answer is no single message of gRPC", where);
  }
  return body.substr(kFrame);
}

}  // namespace torii::net

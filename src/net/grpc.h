#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/environment.h"
#include "base/reporter.h"
#include "base/result.h"
#include "net/http_client.h"

namespace torii::net {

/// A gRPC server.
struct GrpcServer {
  std::string address;  ///< "host", "host:port"; without a port 443, or 80 without TLS
  bool tls = false;
  std::string certificate;  ///< file of the authority that signed the server's; empty: the system's
  std::string bearer;       ///< token of "authorization: Bearer"; empty: none
};

/// Unary calls: one request message, one answer message, each one POST over HTTP/2 (gRPC over
/// HTTP/2, github.com/grpc/grpc, doc/PROTOCOL-HTTP2.md). No compression. Threads: one call at a
/// time. Repeated as HttpClient repeats: for calls that change nothing.
class GrpcClient {
 public:
  GrpcClient(GrpcServer server, const Environment& environment, const HttpOptions& options,
             Reporter& reporter);
  /// `method` is "package.Service/Method"; messages are serialized. Errors: kUnsupported (the
  /// server has no such method), kIo (no answer, no permission, certificate; what the server said),
  /// kNotFound, kInvalidArgument (likewise), kCorrupt (no gRPC), kResourceExhausted, kCancelled.
  [[nodiscard]] Result<std::string> call(std::string_view method, std::string_view message,
                                         std::size_t size_max);

 private:
  GrpcServer server_;
  HttpClient http_;
};

}  // namespace torii::net

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "latency.h"

namespace torii::bench {

/// How a server of the loopback is loaded. One thread.
struct LoadOptions {
  std::uint16_t port = 0;
  /// Whole requests as they are sent; taken in turn from a random place on.
  std::vector<std::string> requests;
  std::size_t connections = 64;  ///< 1 to 60,000
  /// Open loop: arrivals a second, whatever the server does meanwhile. 0: closed loop, each
  /// connection asks again as soon as it has its answer.
  double rate = 0.0;
  bool poisson = true;  ///< arrivals of a Poisson process; else evenly spaced
  double warm_up_s = 0.0, seconds = 5.0;
  double timeout_s = 5.0;  ///< from the arrival (open) or from sending (closed)
  std::uint64_t seed = 1;
};

/// What came of it; the warm-up is left out.
struct LoadResult {
  std::uint64_t requests = 0;  ///< that arrived in the measured time
  std::uint64_t answered = 0;  ///< of them, with any status
  std::uint64_t timeouts = 0, connection_errors = 0;
  std::map<int, std::uint64_t> statuses;
  double seconds = 0.0;
  /// Of all answers that came and of the timeouts. Open loop: from the moment at which the request
  /// arrived, so that a request which waits behind a slow one counts its wait (no coordinated
  /// omission). Closed loop: from sending.
  Latency latency;
  std::size_t waiting_max = 0;                 ///< arrived requests that found no free connection
  double late_max_us = 0.0;                    ///< how late the generator itself came to an arrival
  [[nodiscard]] std::uint64_t errors() const;  ///< no answer, or a status that is not 2xx
  [[nodiscard]] std::string json();
};

/// Errors: kInvalidArgument (no requests, numbers out of range), kIo (nobody listens).
[[nodiscard]] Result<LoadResult> run_load(const LoadOptions& options);

/// One request a line: METHOD PATH, and for those with a body a tab and the body. `headers` end in
/// "\r\n" each. kInvalidArgument names the line.
[[nodiscard]] Result<std::vector<std::string>> parse_requests(const std::string& text,
                                                              const std::string& headers);

}  // namespace torii::bench

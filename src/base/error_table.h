#pragma once

#include "torii/result.h"

namespace torii {

/// How an error leaves the process: exit code of a verb, status of an HTTP answer, stable name.
struct ErrorFacts {
  int exit_code;     ///< 1 a fault of the world or ours, 2 bad input or usage, 3 a check said no
  int http_status;   ///< RFC 9110
  const char* name;  ///< stable, snake_case; what `--json` prints as "code"
};

/// The one table that maps codes to exit codes and HTTP statuses.
[[nodiscard]] ErrorFacts error_facts(ErrorCode code);

}  // namespace torii

#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"

namespace torii::server {

/// docs/api/openapi.yaml, which is built into the program, in the two forms that are served.
struct ApiDescription {
  std::string openapi_json;
  std::string page;  ///< HTML for people: every operation and every code of a problem
};
[[nodiscard]] Result<ApiDescription> describe_api();

/// The document itself.
[[nodiscard]] Result<Json> openapi_document();

}  // namespace torii::server

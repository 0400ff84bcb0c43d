#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "server/reply.h"

namespace torii::server {

/// Fills `reply` with a problem document (RFC 9457): {"type", "title", "status", "detail", "code",
/// "request_id"}. `code` is the stable name by which programs tell problems apart; type is
/// "/docs#" and that name.
void set_problem(Reply& reply, int status, std::string_view code, std::string_view detail,
                 std::string_view request_id);

/// The same for an error of ours, by base/error_table.h. Details of faults inside (5xx other than
/// 503) stay inside.
void set_problem(Reply& reply, const Error& error, std::string_view request_id);

/// The code of problems that the protocol itself defines: 404 -> "not_found", 405 ->
/// "method_not_allowed".
[[nodiscard]] std::string_view code_of_status(int status);

/// A message of the store without the store's place, which is nobody's business outside:
/// "sqlite:/srv/shop.db: tenant 'a' has no version 9" -> "tenant 'a' has no version 9".
[[nodiscard]] std::string without_place(std::string message, std::string_view place);

}  // namespace torii::server

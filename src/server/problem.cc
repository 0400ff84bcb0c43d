#include "server/problem.h"

#include "base/error_table.h"
#include "server/json_text.h"

namespace torii::server {

std::string without_place(std::string message, std::string_view place) {
  if (place.empty()) return message;
  const std::string before = std::string(place) + ": ";
  for (std::size_t at = 0; (at = message.find(place, at)) != std::string::npos;) {
    if (message.compare(at, before.size(), before) == 0) {
      message.erase(at, before.size());
    } else {
      message.replace(at, place.size(), "the store");
      at += 9;
    }
  }
  return message;
}

std::string_view code_of_status(int status) {
  switch (status) {
    case 400:
      return "invalid_argument";
    case 401:
      return "unauthenticated";
    case 403:
      return "forbidden";
    case 404:
      return "not_found";
    case 405:
      return "method_not_allowed";
    case 406:
      return "not_acceptable";
    case 408:
      return "request_timeout";
    case 413:
      return "body_too_large";
    case 415:
      return "unsupported_media_type";
    case 417:
      return "expectation_failed";
    case 421:
      return "misdirected_request";
    case 422:
      return "unsupported";
    case 429:
      return "too_many_requests";
    case 431:
      return "header_too_large";
    case 501:
      return "not_implemented";
    case 503:
      return "unavailable";
    case 505:
      return "http_version";
    default:
      return "internal";
  }
}

void set_problem(Reply& reply, int status, std::string_view code, std::string_view detail,
                 std::string_view request_id) {
  reply.status = status;
  reply.content_type = "application/problem+json";
  std::string& body = reply.body;
  body.clear();
  body.append("{\"type\":\"/docs#").append(code).append("\",\"title\":");
  append_json_text(body, reason_phrase(status));
  body.append(",\"status\":");
  append_integer(body, static_cast<std::uint64_t>(status));
  body.append(",\"detail\":");
  append_json_text(body, detail);
  body.append(",\"code\":\"").append(code).append("\",\"request_id\":");
  append_json_text(body, request_id);
  body.append("}");
}

void set_problem(Reply& reply, const Error& error, std::string_view request_id) {
  const ErrorFacts facts = error_facts(error.code);
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kNotFound:
    case ErrorCode::kCheckFailed:
      return set_problem(reply, facts.http_status, facts.name, error.message, request_id);
    case ErrorCode::kUnsupported:  // what was asked is well-formed, and this model cannot do it
      return set_problem(reply, 422, facts.name, error.message, request_id);
    case ErrorCode::kIo:
    case ErrorCode::kResourceExhausted:
    case ErrorCode::kCancelled:
      reply.add_header("Retry-After", "1");
      return set_problem(reply, 503, "unavailable",
                         "The store cannot be reached or is full at the moment; try again.",
                         request_id);
    case ErrorCode::kCorrupt:
    case ErrorCode::kDiverged:
    case ErrorCode::kInternal:
      break;
  }
  set_problem(reply, 500, facts.name, "A fault of this server; its log says more.", request_id);
}

}  // namespace torii::server

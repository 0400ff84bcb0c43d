#include "base/check.h"
#include "fuzz/target.h"
#include "server/http_parser.h"
#include "server/request_fields.h"
#include "server/routes.h"
#include "server/target.h"
#include "server/transport.h"

namespace torii::fuzz {

// Input: bytes of a connection. What is read as a whole and what is read in pieces is the same
// request; its target goes as far as a route.
void run_http(std::string_view input) {
  using namespace server;  // NOLINT: the subject
  const ParseLimits limits{.header_bytes = 2048, .body_bytes = 2048};
  HttpRequest request;
  const Parsed parsed = parse_request(input, limits, request);
  TORII_CHECK(parsed.used <= input.size(), "no more is used than there is");
  if (parsed.state == ParseState::kNeedBody) {
    PartialRequest partial(input, limits);
    std::string_view rest = input.substr(partial.head_size());
    for (int piece = 0; piece < 64 && !rest.empty(); ++piece) {
      const Parsed step = partial.feed(rest.substr(0, 1 + static_cast<std::size_t>(piece)));
      TORII_CHECK(step.used <= rest.size(), "no more is used than there is");
      if (step.state == ParseState::kFailed || step.state == ParseState::kDone) break;
      rest.remove_prefix(step.used);
    }
    TORII_CHECK(partial.request().body.size() <= limits.body_bytes, "the limit holds");
  }
  if (parsed.state != ParseState::kDone) return;
  (void)takes_gzip(request.accept_encoding);
  (void)accepts(request.accept, "application", "json");
  (void)is_local_host(request.host);
  const auto target = split_target(request.target);
  if (!target) return;
  const Match match = match_route(request.method, target->path);
  if (match.route != nullptr && !match.ids[0].empty()) {
    const auto id = percent_decode(match.ids[0], Plus::kItself);
    TORII_CHECK(!id || is_utf8(*id), "what was decoded is UTF-8");
  }
}

}  // namespace torii::fuzz

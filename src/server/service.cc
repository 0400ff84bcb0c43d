#include "server/service.h"

#include <algorithm>
#include <array>
#include <exception>

#include "base/random.h"
#include "server/json_text.h"
#include "server/problem.h"
#include "server/request_fields.h"
#include "server/write_request.h"

namespace torii::server {
namespace {

constexpr std::size_t kRequestIdMax = 64;
constexpr std::string_view kAllHeaders = "Authorization, Content-Type, X-API-Key, X-Request-Id";

bool is_request_id(std::string_view text) {
  if (text.empty() || text.size() > kRequestIdMax) return false;
  return std::all_of(text.begin(), text.end(), [](char letter) {
    return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
           (letter >= 'A' && letter <= 'Z') || letter == '-' || letter == '_' || letter == '.';
  });
}

// The sender's, or 16 hexadecimal digits.
std::string_view choose_request_id(const HttpRequest& request, ThreadState& state,
                                   std::array<char, 16>& own) {
  if (is_request_id(request.request_id)) return request.request_id;
  std::uint64_t bits = mix64(state.request_seed + ++state.request_number);
  for (char& digit : own) {
    digit = "0123456789abcdef"[bits & 15U];
    bits >>= 4U;
  }
  return {own.data(), own.size()};
}

// What a route's answers are, beside problems.
std::pair<std::string_view, std::string_view> type_of(Route route) {
  if (route == Route::kDocs) return {"text", "html"};
  if (route == Route::kMetrics) return {"text", "plain"};
  return {"application", "json"};
}

bool may(std::uint8_t scopes, Permission permission) {
  if ((scopes & store::kAdmin) != 0) return true;
  switch (permission) {
    case Permission::kNone:
      return true;
    case Permission::kRead:
      return (scopes & store::kRead) != 0;
    case Permission::kWrite:
      return (scopes & store::kWrite) != 0;
    case Permission::kAdmin:
      return false;
  }
  return false;
}

void dispatch(Call& call) {
  using enum Route;
  switch (call.route->route) {
    case kRecommendations:
    case kRecommend:
    case kSimilar:
    case kRank:
    case kSearchGet:
    case kSearchPost:
    case kEmbed:
      return answer_list_route(call);
    case kEvents:
    case kUserPut:
    case kUserDelete:
    case kUsersBulkPut:
    case kUsersBulkPost:
    case kItemPut:
    case kItemDelete:
    case kItemsBulkPut:
    case kItemsBulkPost:
      return answer_write_route(call);
    case kUserGet:
    case kUserExport:
      return answer_person_route(call);
    case kItemGet:
    case kCategories:
      return answer_catalogue_route(call);
    case kModels:
    case kModelActivate:
    case kModelRollback:
      return answer_model_route(call);
    case kRefRecommendations:
    case kRefRecommend:
    case kRefProducts:
    case kRefSearch:
    case kRefProduct:
    case kRefClick:
    case kRefPreferencesGet:
    case kRefPreferencesSet:
      return answer_shop_route(call);
    case kFeastRead:
    case kFeastPush:
    case kFeastWrite:
      return answer_feast_route(call);
    case kLive:
    case kReady:
    case kMetrics:
    case kOpenApi:
    case kDocs:
    case kCount:
      return answer_system_route(call);
  }
}

// Routes that answer before there is a publication.
bool needs_publication(Route route) {
  switch (route) {
    case Route::kLive:
    case Route::kReady:
    case Route::kMetrics:
    case Route::kOpenApi:
    case Route::kDocs:
    case Route::kModels:
    case Route::kModelActivate:
    case Route::kModelRollback:
      return false;
    default:
      return true;
  }
}

}  // namespace

Service::Service(App& app, std::size_t io_threads) : app_(app) {
  const std::string seed = random_id();
  for (std::size_t i = 0; i < io_threads; ++i) {
    states_.push_back(std::make_unique<ThreadState>(app));
    states_.back()->request_seed = std::hash<std::string>()(seed) + (std::uint64_t{i} << 48U);
  }
}

void Service::handle(const HttpRequest& request, Exchange& exchange) {
  ThreadState& state = *states_[exchange.thread()];
  Reply& reply = exchange.reply();
  std::array<char, 16> own_id;
  Call call{.app = app_,
            .state = state,
            .request = request,
            .exchange = exchange,
            .reply = reply,
            .target = {},
            .request_id = choose_request_id(request, state, own_id),
            .id = {}};
  reply.add_header("X-Request-Id", call.request_id);
  // The one place that catches everything on an io thread.
  try {
    call.now_ms = app_.now_ms();
    route(call);
  } catch (const std::exception& fault) {
    app_.log.error("fault", {{"request_id", call.request_id}, {"error", fault.what()}});
    call.fail(500, "A fault of this server; its log says more.");
  } catch (...) {
    app_.log.error("fault", {{"request_id", call.request_id}});
    call.fail(500, "A fault of this server; its log says more.");
  }
  if (call.deferred) return;
  app_.account(exchange.thread(), call.route, request.method, call.source, reply.status,
               exchange.arrived_ns(), call.request_id,
               state.caller.tenant ? state.caller.tenant->name() : std::string_view());
}

void Service::refuse(int status, const char* why, Reply& reply) {
  if (status == 503) reply.add_header("Retry-After", "1");
  set_problem(reply, status, code_of_status(status), why, "");
  reply.close = true;
}

void Service::route(Call& call) {
  const HttpRequest& request = call.request;
  call.caller().tenant.reset();
  if (app_.open && !is_local_host(request.host)) {
    return call.fail(421,
                     "This server was started with --open: it answers to the name localhost "
                     "and to loopback addresses only.");
  }
  const auto target = split_target(request.target);
  if (!target) return call.fail(400, "The target of the request is not a path.");
  call.target = *target;
  Match match = match_route(request.method, target->path);
  if (match.route == nullptr && match.allowed.empty()) {
    return call.fail(404, "There is no such path; /docs lists what there is.");
  }
  if (!request.origin.empty()) allow_origin(request, call.reply, match.allowed);
  if (request.method == Method::kOptions) {
    call.reply.status = 204;
    call.reply.add_header("Allow", match.allowed);
    return;
  }
  if (match.route == nullptr) {
    call.reply.add_header("Allow", match.allowed);
    return call.fail(405, "The path does not take this method.");
  }
  call.route = match.route;
  const auto [type, subtype] = type_of(call.route->route);
  if (!request.accept.empty() && !accepts(request.accept, type, subtype)) {
    return call.fail(406, "The answer is of a type that the field Accept does not take.");
  }
  if (!authenticate(call)) return;
  call.reply.headers.append("Cache-Control: no-store\r\n");
  if (!match.ids[0].empty()) {
    if (match.ids[0].find('%') == std::string_view::npos) {
      call.id = match.ids[0];
    } else {
      auto decoded = percent_decode(match.ids[0], Plus::kItself);
      if (!decoded) return call.fail(400, "The path is not percent-encoded UTF-8.");
      call.state.id = *std::move(decoded);
      call.id = call.state.id;
    }
    if (const auto checked = check_id(call.id, "path"); !checked.ok()) {
      return call.fail(checked.error());
    }
  }
  if (!check_body(call)) return;
  if (needs_publication(call.route->route) && !call.tenant()->ready()) {
    call.reply.add_header("Retry-After", "1");
    return call.fail(503, "Nothing is published yet; run torii publish.");
  }
  dispatch(call);
}

bool Service::authenticate(Call& call) {
  Caller& caller = call.caller();
  const HttpRequest& request = call.request;
  caller.user.clear();
  caller.key_id.clear();
  caller.limiter = nullptr;
  caller.scopes = 0;
  const Permission needed = call.route->permission;
  const bool public_route = needed == Permission::kNone ||
                            (call.route->route == Route::kMetrics && app_.options.metrics_open);
  if (public_route) return true;
  const Access& access = call.state.access.value();
  if (app_.open) {
    const auto tenant = access.tenants.find(store::kDefaultTenant);
    if (tenant == access.tenants.end()) {
      call.reply.add_header("Retry-After", "1");
      call.fail(503, "The store is being read; try again.");
      return false;
    }
    caller.tenant = tenant->second;
    caller.scopes = store::kRead | store::kWrite | store::kAdmin;
    caller.limiter = &caller.tenant->limiter_of_open();
    return check_rate(call);
  }
  const auto bearer = bearer_of(request.authorization);
  const std::string_view credential = bearer.value_or(request.api_key);
  if (!credential.empty() && (!bearer || is_api_key(credential))) {
    const KnownKey* key = access.keys.find(credential, call.now_ms);
    const auto tenant = key != nullptr ? access.tenants.find(key->tenant) : access.tenants.end();
    if (tenant != access.tenants.end()) {
      caller.tenant = tenant->second;
      caller.scopes = key->scopes;
      caller.key_id = key->id;
      caller.key_limiter = key->limiter;
      caller.limiter = key->limiter.get();
      if (!check_rate(call)) return false;
      if (may(key->scopes, needed)) return true;
      call.fail(403, "The key does not have the scope that this needs.");
      return false;
    }
  } else if (!credential.empty()) {
    if (authenticate_token(call, credential)) return true;
    if (call.reply.status != 200) return false;
  }
  caller.tenant.reset();
  call.reply.add_header("WWW-Authenticate", "Bearer realm=\"torii\"");
  call.fail(401, "A valid API key or user token is needed.");
  return false;
}

// False with the status still 200: the token is none of ours.
bool Service::authenticate_token(Call& call, std::string_view text) {
  Caller& caller = call.caller();
  auto token = verify_token(text, app_.token_keys, call.now_ms);
  if (!token) return false;
  const Access& access = call.state.access.value();
  const auto tenant = access.tenants.find(token->tenant);
  if (tenant == access.tenants.end()) return false;
  caller.tenant = tenant->second;
  caller.user = std::move(token->user);
  caller.limiter = &caller.tenant->limiter_of_user(caller.user);
  if (!check_rate(call)) return false;
  const TokenUse use = call.route->token;
  if (use == TokenUse::kNever) {
    call.fail(403, "A user's token may not do this.");
    return false;
  }
  // Paths of one person: only the own one.
  const bool names_a_user = call.route->pattern.starts_with("/v1/users/{id}") ||
                            call.route->route == Route::kRefRecommendations;
  if (use == TokenUse::kOwn && names_a_user) {
    const Match match = match_route(call.request.method, call.target.path);
    const auto id = percent_decode(match.ids[0], Plus::kItself);
    if (!id || *id != caller.user) {
      call.fail(403, "A user's token reads that user's own data only.");
      return false;
    }
  }
  return true;
}

bool Service::check_rate(Call& call) {
  const ServeOptions& options = app_.options;
  if (options.rate_per_s <= 0) return true;
  const std::int64_t wait = call.caller().limiter->take(options.rate_per_s, options.rate_burst,
                                                        call.exchange.arrived_ns());
  if (wait == 0) return true;
  call.reply.add_header("Retry-After", std::to_string(wait));
  call.fail(429, "More requests than this key may send; slow down.");
  return false;
}

bool Service::check_body(Call& call) {
  if (!call.route->body) return true;
  const HttpRequest& request = call.request;
  const std::string_view type =
      trimmed(request.content_type.substr(0, request.content_type.find(';')));
  if (!equals_ignoring_case(type, "application/json")) {
    call.fail(415, "The body has to be application/json.");
    return false;
  }
  if (!request.content_encoding.empty() &&
      !equals_ignoring_case(request.content_encoding, "identity")) {
    call.reply.add_header("Accept-Encoding", "identity");
    call.fail(415, "The body has to come without a content encoding.");
    return false;
  }
  if (request.body.empty()) {
    call.fail(400, "The body is missing.");
    return false;
  }
  return true;
}

void Service::allow_origin(const HttpRequest& request, Reply& reply, std::string_view methods) {
  if (app_.options.origins.empty()) return;
  reply.headers.append("Vary: Origin\r\n");
  const auto& origins = app_.options.origins;
  if (std::find(origins.begin(), origins.end(), request.origin) == origins.end()) return;
  reply.add_header("Access-Control-Allow-Origin", request.origin);
  reply.add_header("Access-Control-Expose-Headers", "X-Request-Id, Retry-After");
  if (request.method != Method::kOptions || request.cors_method.empty()) return;
  reply.add_header("Access-Control-Allow-Methods", methods);
  reply.add_header("Access-Control-Allow-Headers", kAllHeaders);
  reply.add_header("Access-Control-Max-Age", "600");
}

}  // namespace torii::server

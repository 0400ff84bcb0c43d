#include "server/app.h"

// Health, metrics and the description of the API.
namespace torii::server {
namespace {

// Ready: every tenant that has been published serves, and the process is not about to end.
void ready(Call& call) {
  const Access& access = call.state.access.value();
  const char* why = nullptr;
  if (call.app.draining) why = "draining";
  bool any = false;
  for (const auto& [name, tenant] : access.tenants) any = any || tenant->ready();
  if (why == nullptr && !any) why = "nothing published";
  if (why == nullptr) {
    call.reply.body = "{\"status\":\"ready\"}";
    return;
  }
  call.reply.status = 503;
  call.reply.body.append("{\"status\":\"not ready\",\"reason\":\"").append(why).append("\"}");
}

}  // namespace

void answer_system_route(Call& call) {
  Reply& reply = call.reply;
  switch (call.route->route) {
    case Route::kLive:
      reply.body = "{\"status\":\"alive\"}";
      return;
    case Route::kReady:
      return ready(call);
    case Route::kMetrics:
      reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
      // A key reads its own shop's; without one (serve.metrics_open) it is the operator who reads.
      reply.body = call.app.metrics_text(call.caller().tenant.get());
      return;
    case Route::kOpenApi:
      reply.body = call.app.openapi;
      return;
    default:
      reply.content_type = "text/html; charset=utf-8";
      reply.add_header("Content-Security-Policy",
                       "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
      reply.add_header("X-Content-Type-Options", "nosniff");
      reply.body = call.app.page;
      return;
  }
}

}  // namespace torii::server

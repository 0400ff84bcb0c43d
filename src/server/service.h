#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "server/app.h"
#include "server/transport.h"

namespace torii::server {

/// What stands between the transport and the routes: request ids, Host and Origin, the way to the
/// route, keys and tokens, rates, types of bodies, and the account of every answer. No exception
/// leaves it.
class Service final : public HttpHandler {
 public:
  explicit Service(App& app, std::size_t io_threads);
  void handle(const HttpRequest& request, Exchange& exchange) override;
  void refuse(int status, const char* why, Reply& reply) override;

 private:
  void route(Call& call);
  [[nodiscard]] bool authenticate(Call& call);
  [[nodiscard]] bool authenticate_token(Call& call, std::string_view token);
  [[nodiscard]] bool check_rate(Call& call);
  [[nodiscard]] bool check_body(Call& call);
  void allow_origin(const HttpRequest& request, Reply& reply, std::string_view methods);

  App& app_;
  std::vector<std::unique_ptr<ThreadState>> states_;
};

}  // namespace torii::server

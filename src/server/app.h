#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/list_request.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/options.h"
#include "server/rate_limit.h"
#include "server/routes.h"
#include "server/snapshot.h"
#include "server/target.h"
#include "server/tenant.h"
#include "server/transport.h"
#include "server/user_token.h"
#include "server/watcher.h"
#include "server/workers.h"
#include "store/feast_store.h"

namespace torii::server {

/// What the routes stand on; lives as long as the service.
struct App {
  App(const ServeOptions& serve_options, std::size_t io_threads, Log& to)
      : options(serve_options), metrics(io_threads), log(to) {}

  const ServeOptions options;
  bool open = false;  ///< --open: everybody is the admin of tenant `default`
  TokenKeys token_keys;
  Snapshot<Access> access{std::make_shared<const Access>()};
  Metrics metrics;
  Log& log;
  std::function<std::int64_t()> now_ms;
  std::function<std::vector<Gauge>()> more_gauges;  ///< of whoever serves; may be empty
  std::unique_ptr<Workers> workers;
  std::unique_ptr<Watcher> watcher;
  Transport* transport = nullptr;
  std::atomic<bool> draining{false};
  std::string openapi;            ///< as JSON
  std::string page;               ///< of /docs
  std::string store_shown;        ///< Store::shown(), which answers do not tell
  store::FeastViews feast_views;  ///< names under which Feast's clients ask

  /// Metrics of the moment: of the process, and of one tenant or (null) of all.
  [[nodiscard]] std::string metrics_text(const Tenant* only) const;
  /// An answer went out: counted, and logged if wished.
  void account(std::size_t thread, const RouteFacts* route, Method method, SourceLabel source,
               int status, std::int64_t arrived_ns, std::string_view request_id,
               std::string_view tenant);
};

/// Who sent a request, and what that may do.
struct Caller {
  std::shared_ptr<Tenant> tenant;
  std::uint8_t scopes = 0;
  std::string user;  ///< of a token; empty: a key, or everybody with --open
  Limiter* limiter = nullptr;
  std::shared_ptr<Limiter> key_limiter;  ///< keeps it alive
  std::string key_id;                    ///< of an API key
};

/// What an io thread keeps between requests, so that the frequent path allocates nothing.
struct ThreadState {
  explicit ThreadState(App& app) : access(app.access) {}
  Snapshot<Access>::View access;
  recommend::ShopAnswer answer;
  Caller caller;
  std::string id;  ///< decoded
  std::uint64_t request_number = 0;
  std::uint64_t request_seed = 0;
  struct Scratch {
    using Pointer =
        std::unique_ptr<recommend::Shop::Workspace, void (*)(recommend::Shop::Workspace*)>;
    std::shared_ptr<Tenant> tenant;
    Pointer workspace;
  };
  std::vector<Scratch> scratches;  ///< one for each tenant
  [[nodiscard]] recommend::Shop::Workspace& workspace(const std::shared_ptr<Tenant>& tenant);
};

/// One request on its io thread.
struct Call {
  App& app;
  ThreadState& state;
  const HttpRequest& request;
  Exchange& exchange;
  Reply& reply;
  Target target;
  const RouteFacts* route = nullptr;
  std::string_view request_id;
  std::string_view id;  ///< what stands for {id} in the path, decoded
  std::int64_t now_ms = 0;
  SourceLabel source = SourceLabel::kNone;
  bool deferred = false;

  [[nodiscard]] Caller& caller() const { return state.caller; }
  [[nodiscard]] const std::shared_ptr<Tenant>& tenant() const { return state.caller.tenant; }
  [[nodiscard]] const recommend::Shop& shop() const { return tenant()->shop(); }

  void fail(const Error& error);
  void fail(int status, std::string_view detail);
  /// The body as JSON, or a problem is set and null returned.
  [[nodiscard]] std::optional<Json> json_body();
};

/// A request that is answered later, from another thread. One that is dropped answers 503.
class PendingCall {
 public:
  /// nullopt: a problem was set (the sender has too much waiting already).
  [[nodiscard]] static std::shared_ptr<PendingCall> begin(Call& call);
  ~PendingCall();
  PendingCall(const PendingCall&) = delete;
  PendingCall& operator=(const PendingCall&) = delete;

  // Filled by the route, then finish().
  Reply reply;
  SourceLabel source = SourceLabel::kNone;
  void finish();
  void fail(const Error& error);
  void fail(int status, std::string_view detail);

  App& app;
  const RouteFacts* route;
  std::string request_id;
  std::shared_ptr<Tenant> tenant;

 private:
  explicit PendingCall(Call& call);
  Deferred deferred_;
  Method method_;
  std::int64_t arrived_ns_;
  Limiter* limiter_;
  std::shared_ptr<Limiter> key_limiter_;
  bool finished_ = false;
};

// What every answer of ours begins with: {"request_id","model_version","source","age_s" - without
// the closing brace.
void append_head(std::string& out, std::string_view request_id, const Tenant& tenant,
                 std::int64_t now_ms);
/// A list with all that belongs to it.
void append_list(std::string& out, std::string_view request_id, const recommend::ShopAnswer& answer,
                 const Include& include, bool explain, std::int64_t now_ms);
/// The reference's shape: a list of products, attributes flat.
void append_products(std::string& out, const recommend::ShopAnswer& answer);
void append_product(std::string& out, const recommend::ItemsEdition& edition, std::uint32_t item);
[[nodiscard]] SourceLabel label_of(recommend::Source source);

// The routes, by what they are about.
void answer_list_route(Call& call);       // lists.cc
void answer_write_route(Call& call);      // writes.cc
void answer_person_route(Call& call);     // people.cc
void answer_catalogue_route(Call& call);  // catalogue.cc
void answer_model_route(Call& call);      // models.cc
void answer_shop_route(Call& call);       // shop_routes.cc
void answer_feast_route(Call& call);      // feast_routes.cc
void answer_system_route(Call& call);     // system_routes.cc

}  // namespace torii::server

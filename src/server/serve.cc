#include "server/serve.h"

#include <sodium.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "server/api_description.h"
#include "server/app.h"
#include "server/service.h"

namespace torii::server {
namespace {

constexpr auto kLook = std::chrono::milliseconds(50);

std::int64_t system_now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Descriptors for the connections: the soft limit is often 1,024. Returns what there are.
std::uint64_t raise_descriptor_limit(std::uint64_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur < wanted) {
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, wanted);
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    (void)getrlimit(RLIMIT_NOFILE, &limit);
  }
  return limit.rlim_cur;
}

TransportOptions transport_options(const ServeOptions& options, int threads) {
  TransportOptions transport;
  transport.address = options.address;
  transport.port = options.port;
  transport.threads = threads;
  transport.connections_max = static_cast<std::size_t>(options.connections_max);
  transport.limits.header_bytes = static_cast<std::uint32_t>(options.header_kb_max) * 1024;
  transport.limits.body_bytes = static_cast<std::uint64_t>(options.body_kb_max) * 1024;
  transport.idle_s = options.idle_s;
  transport.read_s = options.read_s;
  transport.write_s = options.write_s;
  transport.gzip_from = static_cast<std::size_t>(options.gzip_from);
  return transport;
}

std::string url_of(const std::string& address, int port) {
  const bool is_v6 = address.find(':') != std::string::npos;
  return is_v6 ? fmt::format("http://[{}]:{}", address, port)
               : fmt::format("http://{}:{}", address, port);
}

Result<void> check(const ServeSetup& setup) {
  if (!setup.open || is_loopback(setup.options.address)) return {};
  return invalid(
      "--open serves without keys and so on a loopback address only, such as 127.0.0.1; found "
      "'{}'. For another address make keys with `torii keys create` and leave --open out",
      setup.options.address);
}

void wait_until_cancelled(const Reporter& reporter) {
  while (!reporter.cancelled()) std::this_thread::sleep_for(kLook);
}

// In the order in which each part may still need the next: first no new connections and the running
// requests, for which workers and journals must live; then those; then what follows the store.
std::size_t drain(App& app, Transport& transport, const Reporter& reporter, Log& log) {
  const std::int64_t begun = steady_ns();
  app.draining = true;
  log.info("draining");
  (void)reporter;
  std::this_thread::sleep_for(std::chrono::duration<double>(app.options.drain_delay_s));
  const std::size_t cut = transport.drain(app.options.drain_s);
  app.workers->stop();
  app.watcher->stop();
  const auto access = app.access.get();
  for (const auto& [name, tenant] : access->tenants) tenant->journal().stop();
  log.info("stopped", {{"cut_connections", static_cast<std::uint64_t>(cut)},
                       {"seconds", static_cast<double>(steady_ns() - begun) * 1e-9}});
  return cut;
}

}  // namespace

Result<void> serve(const ServeSetup& setup, ThreadPool& pool, Reporter& reporter, Log& log) {
  TORII_TRY_VOID(check(setup));
  if (sodium_init() < 0) return make_error(ErrorCode::kInternal, "libsodium does not start");
  const ServeOptions& options = setup.options;
  const int processors = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  const int threads = options.threads > 0 ? options.threads : processors;
  const std::uint64_t descriptors =
      raise_descriptor_limit(static_cast<std::uint64_t>(options.connections_max) + 256);

  App app(options, static_cast<std::size_t>(threads), log);
  app.open = setup.open;
  app.feast_views = setup.feast_views;
  app.more_gauges = setup.gauges;
  app.now_ms = system_now_ms;
  TORII_TRY(app.token_keys, read_token_keys(options.tokens, setup.environment));
  TORII_TRY(const ApiDescription description, describe_api());
  app.openapi = description.openapi_json;
  app.page = description.page;

  const auto open_store = [&setup] {
    return store::open(setup.store_uri, setup.environment,
                       {.timeout_s = setup.options.store_timeout_s});
  };
  TORII_TRY(auto store, open_store());
  if (const auto durable = store->durability(); durable.ok() && !durable->durable) {
    log.warn("store_not_durable", {{"why", durable->why}});
  }
  std::error_code ignored;
  if (!setup.bundle_cache.empty()) {
    std::filesystem::create_directories(setup.bundle_cache, ignored);
  }
  app.store_shown = store->shown();
  app.watcher = std::make_unique<Watcher>(
      Watcher::Context{.only_tenant = setup.open ? std::string(store::kDefaultTenant) : "",
                       .bundle_cache = setup.bundle_cache,
                       .environment = setup.environment,
                       .shop = setup.shop,
                       .shop_context = {.now_ms = system_now_ms, .open_texts = setup.open_texts},
                       .journal = {.queue_max = static_cast<std::size_t>(options.write_queue),
                                   .poll_s = options.poll_s},
                       .poll_s = options.poll_s,
                       .open_store = open_store},
      std::move(store), pool, reporter, app.access, log);
  Service service(app, static_cast<std::size_t>(threads));
  TORII_TRY(auto transport, Transport::listen(transport_options(options, threads), service));
  app.transport = transport.get();
  TORII_TRY_VOID(app.watcher->load_all());
  app.workers = std::make_unique<Workers>(options.scan_threads,
                                          static_cast<std::size_t>(options.scan_queue), open_store);
  app.watcher->start();
  transport->start();
  const std::string url = url_of(options.address, transport->port());
  log.info("listening", {{"url", url},
                         {"store", app.store_shown},
                         {"open", setup.open},
                         {"threads", threads},
                         {"scan_threads", options.scan_threads},
                         {"tenants", static_cast<std::uint64_t>(app.access.get()->tenants.size())},
                         {"descriptors", descriptors}});
  if (setup.on_listening) setup.on_listening(url);
  wait_until_cancelled(reporter);
  (void)drain(app, *transport, reporter, log);
  app.workers.reset();
  app.watcher.reset();
  app.transport = nullptr;
  return {};
}

}  // namespace torii::server

#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/environment.h"
#include "base/reporter.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "recommend/online.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/options.h"
#include "store/feast_store.h"

namespace torii::server {

/// What `torii serve` was asked for.
struct ServeSetup {
  ServeOptions options;
  std::string store_uri;
  bool open = false;                   ///< tenant `default` without keys; loopback addresses only
  std::filesystem::path bundle_cache;  ///< for bundles of s3://; made if need be
  Environment environment;
  recommend::ShopOptions shop;
  /// Text vectors for a bundle that reads texts; null if it reads none.
  std::function<std::shared_ptr<text::TextVectors>(const model::Bundle&)> open_texts;
  store::FeastViews feast_views = {};               ///< of /get-online-features and /push
  std::function<std::vector<Gauge>()> gauges = {};  ///< of whoever serves, for /metrics
  /// Called once, when the port answers.
  std::function<void(const std::string& url)> on_listening;
};

/// Serves until reporter.cancelled(), then drains: running requests finish, new ones are refused,
/// writes that were taken become durable; all within options.drain_s and a little. Errors: those of
/// the store and of Transport::listen(), kInvalidArgument (an address that needs keys with --open,
/// keys of tokens).
[[nodiscard]] Result<void> serve(const ServeSetup& setup, ThreadPool& pool, Reporter& reporter,
                                 Log& log);

}  // namespace torii::server

#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/routes.h"

namespace torii::server {

/// Where an answer came from, as a label; kNone for answers that are no lists.
enum class SourceLabel : std::uint8_t {
  kPrecomputed,
  kLive,
  kCold,
  kFallback,
  kCategories,
  kNone,
  kCount
};

/// One value that is looked at when somebody asks for the metrics.
struct Gauge {
  std::string name;  ///< "torii_publication_version"
  std::string help;
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;
  bool is_counter = false;
};

/// What the service counts. Each io thread has counters of its own, which are summed when asked
/// for; other threads share one set. Text format by prometheus-cpp.
class Metrics {
 public:
  explicit Metrics(std::size_t io_threads);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// An answer went out. `thread`: of the io thread, or shared() for others. Cost: two additions.
  void count(std::size_t thread, Route route, SourceLabel source, int status,
             std::int64_t nanoseconds);
  /// Requests that found no route.
  void count_unrouted(std::size_t thread, int status);
  [[nodiscard]] std::size_t shared() const { return slots_.size() - 1; }

  /// All of it; `gauges` are added. content type: "text/plain; version=0.0.4".
  [[nodiscard]] std::string text(std::vector<Gauge> gauges) const;

 private:
  struct Slot;
  class Collected;
  std::vector<std::unique_ptr<Slot>> slots_;
};

}  // namespace torii::server

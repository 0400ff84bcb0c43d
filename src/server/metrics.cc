#include "server/metrics.h"

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>
#include <map>

namespace torii::server {
namespace {

constexpr std::array<std::int64_t, 17> kBoundsUs = {
    50,     100,     250,     500,     1'000,     2'500,     5'000,     10'000,    25'000,
    50'000, 100'000, 250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000};
constexpr std::size_t kBuckets = kBoundsUs.size() + 1;
constexpr std::size_t kSources = static_cast<std::size_t>(SourceLabel::kCount);
constexpr const char* kSourceNames[kSources] = {"precomputed", "live",       "cold",
                                                "fallback",    "categories", "none"};
constexpr std::size_t kClasses = 5;  // 1xx to 5xx

std::size_t bucket_of(std::int64_t nanoseconds) {
  const std::int64_t us = (nanoseconds + 999) / 1000;
  return static_cast<std::size_t>(std::lower_bound(kBoundsUs.begin(), kBoundsUs.end(), us) -
                                  kBoundsUs.begin());
}

std::size_t class_of(int status) {
  return static_cast<std::size_t>(std::clamp(status / 100, 1, static_cast<int>(kClasses)) - 1);
}

using Counter = std::atomic<std::uint64_t>;

void add(Counter& counter, std::uint64_t number) {
  counter.fetch_add(number, std::memory_order_relaxed);
}

struct RouteCounters {
  std::array<std::array<Counter, kBuckets>, kSources> latency{};
  std::array<Counter, kSources> nanoseconds{};
  std::array<Counter, kClasses> statuses{};
};

}  // namespace

struct alignas(64) Metrics::Slot {
  std::array<RouteCounters, kRouteCount> routes;
  std::array<Counter, kClasses> unrouted{};
};

Metrics::Metrics(std::size_t io_threads) {
  for (std::size_t i = 0; i <= io_threads; ++i) slots_.push_back(std::make_unique<Slot>());
}

Metrics::~Metrics() = default;

void Metrics::count(std::size_t thread, Route route, SourceLabel source, int status,
                    std::int64_t nanoseconds) {
  RouteCounters& counters = slots_[thread]->routes[static_cast<std::size_t>(route)];
  const auto from = static_cast<std::size_t>(source);
  add(counters.latency[from][bucket_of(nanoseconds)], 1);
  add(counters.nanoseconds[from],
      static_cast<std::uint64_t>(std::max<std::int64_t>(nanoseconds, 0)));
  add(counters.statuses[class_of(status)], 1);
}

void Metrics::count_unrouted(std::size_t thread, int status) {
  add(slots_[thread]->unrouted[class_of(status)], 1);
}

// The counters of all threads as families of prometheus-cpp.
class Metrics::Collected final : public prometheus::Collectable {
 public:
  Collected(const std::vector<std::unique_ptr<Slot>>& slots, std::vector<Gauge> gauges)
      : slots_(slots), gauges_(std::move(gauges)) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    std::vector<prometheus::MetricFamily> families;
    families.push_back(latencies());
    families.push_back(requests());
    std::map<std::string, std::size_t> places;
    for (const Gauge& gauge : gauges_) {
      const auto [place, is_new] = places.emplace(gauge.name, families.size());
      if (is_new) {
        families.push_back(
            {gauge.name,
             gauge.help,
             gauge.is_counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge,
             {}});
      }
      prometheus::ClientMetric metric;
      for (const auto& [name, value] : gauge.labels) metric.label.push_back({name, value});
      (gauge.is_counter ? metric.counter.value : metric.gauge.value) = gauge.value;
      families[place->second].metric.push_back(std::move(metric));
    }
    return families;
  }

 private:
  template <class Read>
  std::uint64_t sum(const Read& read) const {
    std::uint64_t total = 0;
    for (const auto& slot : slots_) total += read(*slot).load(std::memory_order_relaxed);
    return total;
  }

  prometheus::MetricFamily latencies() const {
    prometheus::MetricFamily family{"torii_request_seconds",
                                    "Time from the arrival of a request to its answer.",
                                    prometheus::MetricType::Histogram,
                                    {}};
    for (std::size_t r = 0; r < kRouteCount; ++r) {
      for (std::size_t s = 0; s < kSources; ++s) {
        prometheus::ClientMetric metric;
        std::uint64_t cumulative = 0;
        for (std::size_t b = 0; b < kBuckets; ++b) {
          cumulative +=
              sum([&](const Slot& slot) -> const Counter& { return slot.routes[r].latency[s][b]; });
          const double bound = b < kBoundsUs.size() ? static_cast<double>(kBoundsUs[b]) * 1e-6
                                                    : std::numeric_limits<double>::infinity();
          metric.histogram.bucket.push_back({cumulative, bound});
        }
        if (cumulative == 0) continue;
        metric.histogram.sample_count = cumulative;
        metric.histogram.sample_sum =
            1e-9 * static_cast<double>(sum([&](const Slot& slot) -> const Counter& {
              return slot.routes[r].nanoseconds[s];
            }));
        metric.label = {{"route", std::string(routes()[r].name)}, {"source", kSourceNames[s]}};
        family.metric.push_back(std::move(metric));
      }
    }
    return family;
  }

  prometheus::MetricFamily requests() const {
    prometheus::MetricFamily family{"torii_requests_total",
                                    "Answers by route and class of status.",
                                    prometheus::MetricType::Counter,
                                    {}};
    const auto push = [&](std::string_view route, std::size_t which, std::uint64_t number) {
      if (number == 0) return;
      prometheus::ClientMetric metric;
      metric.counter.value = static_cast<double>(number);
      metric.label = {{"route", std::string(route)}, {"status", std::to_string(which + 1) + "xx"}};
      family.metric.push_back(std::move(metric));
    };
    for (std::size_t c = 0; c < kClasses; ++c) {
      for (std::size_t r = 0; r < kRouteCount; ++r) {
        push(routes()[r].name, c,
             sum([&](const Slot& slot) -> const Counter& { return slot.routes[r].statuses[c]; }));
      }
      push("none", c, sum([&](const Slot& slot) -> const Counter& { return slot.unrouted[c]; }));
    }
    return family;
  }

  const std::vector<std::unique_ptr<Slot>>& slots_;
  std::vector<Gauge> gauges_;
};

std::string Metrics::text(std::vector<Gauge> gauges) const {
  return prometheus::TextSerializer().Serialize(Collected(slots_, std::move(gauges)).Collect());
}

}  // namespace torii::server

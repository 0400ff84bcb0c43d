// Exact top-k: queries a second and GFLOP/s of the scan with its selection, beside the bare scan
// kernel (no selection) on the same panels, for each instruction set that this machine has.
//   bench_retrieval [items] [width] [k] [threads]
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <vector>

#include "base/cpu.h"
#include "base/random.h"
#include "retrieval/exact_index.h"
#include "retrieval/scan.h"

namespace {

using torii::Matrix;
using torii::ThreadPool;

template <class Work>
double best_seconds(int rounds, const Work& work) {
  double best = 1e30;
  for (int round = 0; round < rounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    best = std::min(best, spent.count());
  }
  return best;
}

// What the kernel reaches when nothing is selected and its panel stays in the cache.
double bare_gflops(std::size_t width, ThreadPool& pool) {
  using namespace torii::retrieval;
  const auto kernel = scan_kernel(torii::active_isa());
  constexpr std::size_t kCalls = 40000;
  const double seconds = best_seconds(5, [&] {
    pool.run(static_cast<std::size_t>(pool.threads()), [&](std::size_t, std::size_t) {
      std::vector<float> queries(width * kGroupQueries, 0.5F), panel(width * kPanelItems, 0.25F);
      std::vector<float> scores(kGroupQueries * kPanelItems);
      float thresholds[kGroupQueries];
      std::fill_n(thresholds, kGroupQueries, 1e30F);
      std::uint64_t masks[kGroupQueries];
      for (std::size_t call = 0; call < kCalls; ++call) {
        kernel(
            {queries.data(), kGroupQueries, panel.data(), width, thresholds, scores.data(), masks});
      }
    });
  });
  return 2e-9 * static_cast<double>(width * kGroupQueries * kPanelItems * kCalls) * pool.threads() /
         seconds;
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int place, unsigned long value) {
    return argc > place ? std::strtoul(argv[place], nullptr, 10) : value;
  };
  const std::size_t items = argument(1, 100000);
  const std::size_t width = argument(2, 64);
  const std::size_t k = argument(3, 100);
  ThreadPool pool(static_cast<int>(argument(4, 2)));
  torii::Random random(1);
  Matrix x(items, width), q(2048, width);
  for (float& value : x.flat()) value = static_cast<float>(random.normal());
  for (float& value : q.flat()) value = static_cast<float>(random.normal());
  fmt::print("top {} of {} items, width {}, {} threads\n", k, items, width, pool.threads());
  fmt::print("{:<8} {:<10} {:>7} {:>12} {:>10} {:>12} {:>8}\n", "isa", "metric", "queries",
             "queries/s", "GFLOP/s", "bare kernel", "share");
  for (const torii::Isa isa : {torii::Isa::kGeneric, torii::Isa::kAvx2, torii::Isa::kAvx512}) {
    if (isa > torii::detect_isa()) continue;
    torii::limit_isa(isa);
    const double bare = bare_gflops(width, pool);
    for (const torii::Metric metric : {torii::Metric::kDot, torii::Metric::kEuclidean}) {
      const torii::retrieval::ExactIndex index(x.view(), metric);
      for (const std::size_t queries : {std::size_t{1}, std::size_t{32}, q.rows()}) {
        const double seconds = best_seconds(queries > 100 ? 3 : 20, [&] {
          (void)index.search(q.view().middle_rows(0, queries), k, {}, pool);
        });
        const double gflops = 2e-9 * static_cast<double>(queries * items * width) / seconds;
        fmt::print("{:<8} {:<10} {:>7} {:>12.0f} {:>10.1f} {:>12.1f} {:>7.0f}%\n",
                   torii::isa_name(isa), torii::metric_name(metric), queries,
                   static_cast<double>(queries) / seconds, gflops, bare, 100.0 * gflops / bare);
      }
    }
  }
}

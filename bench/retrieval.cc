// Retrieval jobs for bench/run, which lets this program and its peers take turns on the same data.
//   bench_retrieval FOLDER THREADS [ISA]
// reads items.f32 and queries.f32 (rows of `width` floats; shape.txt holds: items queries width)
// and then one job a line from stdin; answers each with a line of JSON:
//   exact QUERIES K            search, seconds
//   ids QUERIES K FILE         search, lists as uint32 and scores as float32 into FILE, FILE.scores
//   gemm QUERIES               the same products by oneDNN, nothing selected, seconds
//   filter SHARE QUERIES K     search with a mask that keeps that share of the items, seconds
//   single K ROUNDS            median seconds of one query
//   together QUERIES K ROUNDS  median seconds of that many queries in one pass
//   build LINKS CANDIDATES     makes the HNSW graph, seconds
//   graph QUERIES K EF         search in it, seconds and recall
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "base/cpu.h"
#include "base/random.h"
#include "kernels/gemm.h"
#include "retrieval/approximate_index.h"
#include "retrieval/exact_index.h"

namespace {

using torii::Matrix;
using torii::ThreadPool;
using torii::retrieval::ApproximateIndex;
using torii::retrieval::ExactIndex;
using torii::retrieval::TopLists;

struct Seconds {
  double wall = 0.0;
  double processor = 0.0;  // of all threads: a busy machine disturbs it less
};

template <class Work>
Seconds timed(const Work& work) {
  const auto processor = [] {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
  };
  const double before = processor();
  const auto start = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  return {spent.count(), processor() - before};
}

template <class Work>
Seconds median(int rounds, const Work& work) {
  std::vector<double> wall, processor;
  for (int round = 0; round < rounds; ++round) {
    const Seconds seconds = timed(work);
    wall.push_back(seconds.wall);
    processor.push_back(seconds.processor);
  }
  const auto middle = [](std::vector<double>& values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
  };
  return {middle(wall), middle(processor)};
}

std::string json(Seconds seconds) {
  return fmt::format("{{\"seconds\": {:.9f}, \"processor\": {:.9f}}}", seconds.wall,
                     seconds.processor);
}

Matrix read_matrix(const std::string& path, std::size_t rows, std::size_t cols) {
  Matrix matrix(rows, cols);
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(matrix.data()),
            static_cast<std::streamsize>(matrix.size() * sizeof(float)));
  if (!file) {
    fmt::print(stderr, "bench_retrieval: {} is too short\n", path);
    std::exit(1);
  }
  return matrix;
}

struct Bench {
  Matrix items, queries;
  ExactIndex index;
  ThreadPool pool;
  ExactIndex::Workspace workspace;
  TopLists lists;
  std::optional<ApproximateIndex> graph;

  void search(std::size_t count, std::size_t k, torii::retrieval::ItemMasks allowed = {}) {
    index.search({.queries = queries.view().middle_rows(0, count), .k = k, .allowed = allowed},
                 pool, workspace, lists);
  }
  Seconds gemm(std::size_t count);
  std::string search_graph(std::size_t count, std::size_t k, std::size_t candidates);
  void write(const std::string& path) const;
};

// All products of a block of queries with a block of items, whose results stay in the cache: what
// the library reaches if nothing is done with them. Single-threaded calls from our own pool.
Seconds Bench::gemm(std::size_t count) {
  constexpr std::size_t kQueries = 512, kItems = 512;
  const std::size_t threads = static_cast<std::size_t>(pool.threads());
  std::vector<Matrix> results;
  for (std::size_t t = 0; t < threads; ++t) results.emplace_back(kQueries, kItems);
  const std::size_t width = items.cols();
  return timed([&] {
    pool.run((count + kQueries - 1) / kQueries, [&](std::size_t task, std::size_t worker) {
      const std::size_t first = task * kQueries;
      for (std::size_t item = 0; item < items.rows(); item += kItems) {
        torii::kernels::gemm({.kind = torii::kernels::GemmKind::kTransB,
                              .m = std::min(kQueries, count - first),
                              .n = std::min(kItems, items.rows() - item),
                              .k = width,
                              .a = queries.row(first).data(),
                              .a_stride = width,
                              .b = items.row(item).data(),
                              .b_stride = width,
                              .c = results[worker].data(),
                              .c_stride = kItems});
      }
    });
  });
}

std::string Bench::search_graph(std::size_t count, std::size_t k, std::size_t candidates) {
  graph->set_search_candidates(candidates);
  const torii::retrieval::Search search{.queries = queries.view().middle_rows(0, count), .k = k};
  const Seconds seconds = timed([&] { graph->search(search, pool, workspace, lists); });
  const TopLists exact = index.search(search, pool);
  std::size_t hits = 0;
  for (std::size_t q = 0; q < count; ++q) {
    for (const auto& entry : lists.of(q)) {
      hits += std::ranges::count(exact.of(q), entry) != 0 ? 1 : 0;
    }
  }
  return fmt::format("{{\"seconds\": {:.9f}, \"processor\": {:.9f}, \"recall\": {:.5f}}}",
                     seconds.wall, seconds.processor,
                     static_cast<double>(hits) / static_cast<double>(count * k));
}

void Bench::write(const std::string& path) const {
  std::ofstream ids(path, std::ios::binary), scores(path + ".scores", std::ios::binary);
  for (const auto& entry : lists.entries) {
    ids.write(reinterpret_cast<const char*>(&entry.item), sizeof entry.item);
    scores.write(reinterpret_cast<const char*>(&entry.score), sizeof entry.score);
  }
}

std::string answer(Bench& bench, const std::string& line) {
  std::istringstream words(line);
  std::string job;
  words >> job;
  if (job == "filter") {
    double share = 1.0;
    std::size_t count = 0, k = 0;
    words >> share >> count >> k;
    torii::Random random(7);
    std::vector<std::uint64_t> mask((bench.items.rows() + 63) / 64);
    for (std::uint64_t& word : mask) {
      for (int bit = 0; bit < 64; ++bit) word = word << 1 | (random.uniform() < share ? 1U : 0U);
    }
    const torii::retrieval::ItemMask allowed{mask};
    return json(timed([&] { bench.search(count, k, {&allowed, 1}); }));
  }
  std::size_t count = 0, k = 0;
  int rounds = 0;
  std::string path;
  if (job == "exact" && words >> count >> k) {
    return json(timed([&] { bench.search(count, k); }));
  }
  if (job == "ids" && words >> count >> k >> path) {
    bench.search(count, k);
    bench.write(path);
    return "{}";
  }
  if (job == "build") {
    ApproximateIndex::Options options{.sample_max = 0,
                                      .build = ApproximateIndex::Options::Build::kParallel};
    words >> options.links >> options.build_candidates;
    return json(timed([&] { bench.graph.emplace(bench.index, options, bench.pool); }));
  }
  std::size_t candidates = 0;
  if (job == "graph" && bench.graph && words >> count >> k >> candidates) {
    return bench.search_graph(count, k, candidates);
  }
  if (job == "gemm" && words >> count) return json(bench.gemm(count));
  if (job == "single" && words >> k >> rounds) {
    return json(median(rounds, [&] { bench.search(1, k); }));
  }
  if (job == "together" && words >> count >> k >> rounds) {
    return json(median(rounds, [&] { bench.search(count, k); }));
  }
  return fmt::format("{{\"error\": \"unknown job: {}\"}}", job);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: bench_retrieval FOLDER THREADS [ISA] < jobs\n");
    return 2;
  }
  const std::string folder = argv[1];
  if (argc > 3) torii::limit_isa(torii::parse_isa(argv[3]).value());
  std::size_t items = 0, queries = 0, width = 0;
  std::ifstream(folder + "/shape.txt") >> items >> queries >> width;
  Matrix x = read_matrix(folder + "/items.f32", items, width);
  ExactIndex index(x.view(), torii::Metric::kDot);
  Bench bench{.items = std::move(x),
              .queries = read_matrix(folder + "/queries.f32", queries, width),
              .index = std::move(index),
              .pool = ThreadPool(std::atoi(argv[2])),
              .workspace = {},
              .lists = {},
              .graph = {}};
  fmt::print("{{\"isa\": \"{}{}\"}}\n", torii::isa_name(torii::active_isa()),
             torii::has_avx512_vnni() ? " with VNNI" : "");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    fmt::print("{}\n", answer(bench, line));
    std::fflush(stdout);
  }
}

// Seconds to load a folder of tables: the interactions file read alone, and all of what `torii
// train` does first (three tables read, ids joined, rows ordered, fingerprint), beside which
// bench/peers/load_pandas.py has pandas.read_parquet of the same file. Usage: bench_load DIR
// [threads=0: all] [runs=9]
#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "data/interactions.h"

namespace {

double wall() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
double processor() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Seconds {
  std::vector<double> wall, processor;
};
double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

template <class Work>
Seconds measure(int runs, const Work& work) {
  Seconds seconds;
  for (int run = -1; run < runs; ++run) {  // the first one warms up
    const double began = wall(), spent = processor();
    work();
    if (run < 0) continue;
    seconds.wall.push_back(wall() - began);
    seconds.processor.push_back(processor() - spent);
  }
  return seconds;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  torii::ThreadPool pool(argc > 2 ? std::atoi(argv[2]) : 0);
  const int runs = argc > 3 ? std::atoi(argv[3]) : 9;
  const auto options = torii::data::options_for_folder(argv[1]);
  if (!options.ok()) {
    fmt::print(stderr, "{}\n", options.error().message);
    return 2;
  }
  const torii::data::ReadContext context{.pool = &pool};
  std::size_t rows = 0;
  std::string failure;
  const Seconds read = measure(runs, [&] {
    // As load_dataset() reads them: ids stay dictionaries where the file holds them so.
    const auto table = torii::data::read_table(
        options->interactions.path, {.encoded_columns = {"user_id", "item_id"}}, context);
    if (!table.ok()) failure = table.error().message;
  });
  const Seconds load = measure(runs, [&] {
    const auto loaded = torii::data::load_dataset(*options, {}, context);
    if (!loaded.ok()) {
      failure = loaded.error().message;
    } else {
      rows = loaded->dataset.interactions.size();
    }
  });
  if (!failure.empty()) {
    fmt::print(stderr, "{}\n", failure);
    return 2;
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  fmt::print(
      "{{\"bench\": \"load\", \"rows\": {}, \"threads\": {}, \"read\": {{\"wall\": {:.4f}, "
      "\"processor\": {:.4f}}}, \"load\": {{\"wall\": {:.4f}, \"processor\": {:.4f}}}, "
      "\"peak_mib\": {}}}\n",
      rows, pool.threads(), median(read.wall), median(read.processor), median(load.wall),
      median(load.processor), usage.ru_maxrss / 1024);
  return 0;
}

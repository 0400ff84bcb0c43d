// Interactions per second of the article's network on the reference's shapes: whole training steps
// (shuffled pairs, gather, forward, backward, Adam) on two threads. bench/peers/train_torch.py does
// the same job. Usage: bench_train [threads=2] [users=1000] [items=101] [seconds=1.5]
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <numeric>
#include <vector>

#include "base/cpu.h"
#include "train/article_step.h"

namespace {

using torii::features::EncodedTable;
using torii::model::EntityTower;
using torii::model::TowerShape;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kPairs = 20000;
const TowerShape kUser{.numeric = 1, .categories = {1}, .text_columns = 1, .text_width = 384};
const TowerShape kItem{.numeric = 6, .categories = {48}, .text_columns = 3, .text_width = 384};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

EncodedTable make_table(const TowerShape& shape, std::size_t rows, torii::Random& random) {
  EncodedTable table;
  table.rows = rows;
  table.numeric = torii::Matrix(rows, shape.numeric);
  for (float& value : table.numeric.flat()) value = static_cast<float>(random.normal());
  table.categorical.resize(1);
  for (std::size_t r = 0; r < rows; ++r) {
    table.categorical[0].codes.push_back(
        static_cast<std::uint32_t>(random.below(shape.categories[0])));
    table.categorical[0].offsets.push_back(static_cast<std::uint32_t>(r + 1));
  }
  table.text_vectors = torii::Matrix(rows * shape.text_columns, shape.text_width);
  for (float& value : table.text_vectors.flat()) value = static_cast<float>(random.normal() / 20.0);
  for (std::size_t t = 0; t < shape.text_columns; ++t) {
    std::vector<std::int32_t> column(rows);
    std::iota(column.begin(), column.end(), static_cast<std::int32_t>(t * rows));
    table.text.push_back(std::move(column));
  }
  return table;
}

struct Pairs {
  std::vector<std::uint32_t> users, items;
  std::vector<float> magnitudes;
};

// The median of five runs, each at least `seconds` long.
double measure(std::size_t batch, torii::train::RepeatedRows repeated, const EncodedTable& users,
               const EncodedTable& items, const Pairs& pairs, torii::ThreadPool& pool,
               double seconds) {
  torii::Random random(1);
  torii::model::TwoTower towers{EntityTower(kUser, random), EntityTower(kItem, random),
                                torii::Metric::kEuclidean};
  torii::train::ArticleStep step(towers, {.users = &users, .items = &items}, batch, {}, repeated,
                                 pool);
  std::vector<std::uint32_t> order(kPairs);
  std::iota(order.begin(), order.end(), 0U);
  Pairs picked;
  picked.users.resize(batch);
  picked.items.resize(batch);
  picked.magnitudes.resize(batch);
  std::vector<double> rates;
  double loss = 0.0;
  for (int run = -1; run < 5; ++run) {  // the first one warms up
    std::size_t done = 0;
    const auto start = Clock::now();
    while (seconds_since(start) < (run < 0 ? seconds / 4 : seconds)) {
      random.shuffle(std::span(order));
      for (std::size_t first = 0; first + batch <= kPairs; first += batch) {
        for (std::size_t i = 0; i < batch; ++i) {
          const std::uint32_t pair = order[first + i];
          picked.users[i] = pairs.users[pair];
          picked.items[i] = pairs.items[pair];
          picked.magnitudes[i] = pairs.magnitudes[pair];
        }
        loss = step.run(picked.users, picked.items, picked.magnitudes);
        done += batch;
      }
    }
    if (run >= 0) rates.push_back(static_cast<double>(done) / seconds_since(start));
  }
  if (!(loss > 0.0)) std::abort();
  std::ranges::sort(rates);
  return rates[2];
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 2;
  const auto user_count = static_cast<std::size_t>(argc > 2 ? std::atol(argv[2]) : 1000);
  const auto item_count = static_cast<std::size_t>(argc > 3 ? std::atol(argv[3]) : 101);
  const double seconds = argc > 4 ? std::atof(argv[4]) : 1.5;
  torii::Random random(7);
  const EncodedTable users = make_table(kUser, user_count, random);
  const EncodedTable items = make_table(kItem, item_count, random);
  Pairs pairs;
  for (std::size_t i = 0; i < kPairs; ++i) {
    pairs.users.push_back(static_cast<std::uint32_t>(random.below(user_count)));
    pairs.items.push_back(static_cast<std::uint32_t>(random.below(item_count)));
    pairs.magnitudes.push_back(static_cast<float>(1.0 + 11.0 * random.uniform()));
  }
  torii::ThreadPool pool(threads);
  fmt::print(
      "{{\"bench\": \"train\", \"isa\": \"{}\", \"threads\": {}, \"users\": {}, "
      "\"items\": {}, \"interactions_per_second\": {{",
      torii::isa_name(torii::active_isa()), threads, user_count, item_count);
  const char* comma = "";
  for (const std::size_t batch : {std::size_t{256}, std::size_t{4096}}) {
    for (const auto& [name, repeated] :
         {std::pair("each row", torii::train::RepeatedRows::kEach),
          std::pair("repeated rows once", torii::train::RepeatedRows::kOnce)}) {
      fmt::print("{}\"{}, {}\": {:.0f}", comma, batch, name,
                 measure(batch, repeated, users, items, pairs, pool, seconds));
      std::fflush(stdout);
      comma = ", ";
    }
  }
  fmt::print("}}}}\n");
  return 0;
}

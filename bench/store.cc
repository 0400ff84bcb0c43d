// A store at work: publishing and reading back 100,000 users with lists of 64 and 100,000 items,
// events appended alone and beside a publication that is being written, backup and restore.
//
//   bench_store sqlite:FILE [USERS [ITEMS]]      an empty store; with postgres: and redis: too
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "store/store.h"

namespace {

using namespace torii;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kWidth = 64, kList = 64, kSeen = 20, kBlock = 1000;

template <class T>
T must(Result<T> result) {
  if (result.ok()) return std::move(*result);
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  std::exit(1);
}
void must(const Result<void>& result) {
  if (result.ok()) return;
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  std::exit(1);
}

double since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

double peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

std::vector<float> vector_of(Random& random) {
  std::vector<float> values(kWidth);
  for (float& value : values) value = static_cast<float>(random.normal());
  return values;
}

void publish(store::Store& store, std::size_t users, std::size_t items) {
  Random random(1);
  const auto begin = Clock::now();
  const auto draft = must(store.begin_publication("default"));
  std::vector<store::PublishedItem> some;
  for (std::size_t i = 0; i < items; ++i) {
    some.push_back(
        {.id = fmt::format("item-{:08}", i),
         .attributes = fmt::format(
             R"({{"title": "A title of item {}", "price": {}, "categories": ["a", "b"]}})", i,
             i % 100),
         .embedding = vector_of(random),
         .text_embedding = {},
         .popularity = static_cast<float>(random.below(1000))});
    if (some.size() < kBlock && i + 1 < items) continue;
    must(draft->add_items(some));
    some.clear();
  }
  const double items_s = since(begin);
  std::vector<store::PublishedUser> block;
  for (std::size_t i = 0; i < users; ++i) {
    store::PublishedUser user{.id = fmt::format("user-{:08}", i),
                              .source = 0,
                              .attributes = fmt::format(R"({{"age": {}}})", i % 80),
                              .embedding = vector_of(random),
                              .items = {},
                              .scores = {},
                              .seen = {}};
    for (std::size_t k = 0; k < kList; ++k) {
      user.items.push_back(static_cast<std::uint32_t>(random.below(items)));
      user.scores.push_back(static_cast<float>(random.uniform()));
    }
    for (std::size_t k = 0; k < kSeen; ++k) {
      user.seen.push_back(static_cast<std::uint32_t>(random.below(items)));
    }
    std::sort(user.seen.begin(), user.seen.end());
    user.seen.erase(std::unique(user.seen.begin(), user.seen.end()), user.seen.end());
    block.push_back(std::move(user));
    if (block.size() < kBlock && i + 1 < users) continue;
    must(draft->add_users(block));
    block.clear();
  }
  const double rows_s = since(begin);
  store::Publication info;
  info.width = kWidth;
  must(draft->commit(info));
  std::printf("published %zu items, %zu users: %.2f s (items %.2f, users %.2f, commit %.2f)\n",
              items, users, since(begin), items_s, rows_s - items_s, since(begin) - rows_s);
}

void read_back(store::Store& store) {
  const std::uint64_t version = must(store.current_version("default"));
  auto begin = Clock::now();
  std::size_t rows = 0;
  must(store.read_items("default", version, [&](const store::PublishedItem&) {
    ++rows;
    return Result<void>();
  }));
  std::printf("read %zu items: %.2f s\n", rows, since(begin));
  begin = Clock::now();
  rows = 0;
  must(store.read_users("default", version, [&](const store::PublishedUser&) {
    ++rows;
    return Result<void>();
  }));
  std::printf("read %zu users: %.2f s\n", rows, since(begin));
}

// Appends of `size` events, one after the other, until told to stop.
void append(store::Store& store, const char* what, std::size_t size,
            const std::function<bool()>& stop) {
  static std::uint64_t number = 0;
  std::vector<double> seconds;
  const auto begin = Clock::now();
  while (!stop()) {
    std::vector<store::Record> records;
    for (std::size_t i = 0; i < size; ++i) {
      records.push_back({store::RecordKind::kEvent, fmt::format("event-{}", number++),
                         fmt::format("user-{:08}", number % 1000), 0,
                         R"({"item_id": "item-00000001", "type": "view"})", 0});
    }
    const auto start = Clock::now();
    must(store.append("default", records));
    seconds.push_back(since(start));
  }
  const double total = since(begin);
  std::sort(seconds.begin(), seconds.end());
  const auto at = [&](double part) {
    return 1000 * seconds[static_cast<std::size_t>(part * static_cast<double>(seconds.size() - 1))];
  };
  std::printf(
      "append %s, %zu events a call: %.0f events/s, p50 %.2f ms, p99 %.2f ms, max %.2f ms\n", what,
      size, static_cast<double>(seconds.size() * size) / total, at(.5), at(.99), at(1));
}

}  // namespace

int main(int count, char** words) {
  if (count < 2) {
    std::fprintf(stderr, "bench_store STORE [USERS [ITEMS]]\n");
    return 2;
  }
  const std::size_t users = count > 2 ? std::strtoul(words[2], nullptr, 10) : 100'000;
  const std::size_t items = count > 3 ? std::strtoul(words[3], nullptr, 10) : 100'000;
  Environment environment;
  for (const char* name : {"PGPASSWORD", "TORII_REDIS_PASSWORD"}) {
    if (const char* value = std::getenv(name)) environment[name] = value;
  }
  const auto store = must(store::open(words[1], environment));
  std::printf("%s\n", store->shown().c_str());
  const auto alone = [&](double s) {
    return [begin = Clock::now(), s] { return since(begin) > s; };
  };
  append(*store, "alone", 1, alone(2));
  append(*store, "alone", 100, alone(2));
  publish(*store, users, items);
  std::printf("peak memory %.0f MiB\n", peak_mib());
  read_back(*store);
  std::printf("peak memory %.0f MiB\n", peak_mib());
  std::atomic<bool> done = false;
  std::thread second([&] {
    const auto own = must(store::open(words[1], environment));
    append(*own, "beside publishing", 1, [&] { return done.load(); });
  });
  publish(*store, users, items);
  done = true;
  second.join();
  const auto begin = Clock::now();
  const std::string file = fmt::format("/tmp/bench-store-{}.backup", getpid());
  must(store::backup(*store, file));
  std::printf("backup: %.2f s\n", since(begin));
  std::remove(file.c_str());
  std::printf("peak memory %.0f MiB\n", peak_mib());
  return 0;
}

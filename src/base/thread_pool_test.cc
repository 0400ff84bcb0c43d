#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

namespace torii {
namespace {

TEST(ThreadPool, CountsTheCaller) {
  EXPECT_EQ(ThreadPool(1).threads(), 1);
  EXPECT_EQ(ThreadPool(3).threads(), 3);
  EXPECT_GE(ThreadPool(0).threads(), 1);
}

TEST(ThreadPool, RunsEachTaskOnceAndWaits) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    for (const std::size_t tasks : {0U, 1U, 2U, 7U, 1000U}) {
      std::vector<int> runs(tasks, 0);  // plain ints: a second run or an early return is a race
      pool.run(tasks, [&](std::size_t task, std::size_t) { ++runs[task]; });
      EXPECT_EQ(runs, std::vector<int>(tasks, 1)) << threads << " threads";
    }
  }
}

TEST(ThreadPool, OneWorkerNumberIsNeverUsedTwiceAtOnce) {
  ThreadPool pool(4);
  std::vector<std::atomic<int>> busy(4);
  std::atomic<int> clashes = 0;
  pool.run(2000, [&](std::size_t, std::size_t worker) {
    if (worker >= 4 || busy[worker].fetch_add(1) != 0) ++clashes;
    std::this_thread::yield();
    if (worker < 4) busy[worker].fetch_sub(1);
  });
  EXPECT_EQ(clashes, 0);
}

TEST(ThreadPool, BackToBackCallsStayApart) {
  ThreadPool pool(4);
  std::vector<std::size_t> values(64);
  for (std::size_t round = 0; round < 5000; ++round) {
    const std::size_t tasks = 1 + round % values.size();
    pool.run(tasks, [&, round](std::size_t task, std::size_t) { values[task] = round + task; });
    for (std::size_t task = 0; task < tasks; ++task) ASSERT_EQ(values[task], round + task);
  }
}

TEST(ThreadPool, WakesWorkersThatFellAsleep) {
  ThreadPool pool(2);
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::atomic<int> arrived = 0;
    // Both tasks wait for each other: without a second thread this would never end.
    pool.run(2, [&](std::size_t, std::size_t) {
      ++arrived;
      while (arrived.load() < 2) std::this_thread::yield();
    });
    EXPECT_EQ(arrived, 2);
  }
}

TEST(ThreadPool, StartsAndStopsWithoutWork) {
  for (int round = 0; round < 50; ++round) {
    ThreadPool pool(3);
    if (round % 2 == 0) pool.run(3, [](std::size_t, std::size_t) {});
  }
}

TEST(ThreadPool, PoolsDoNotDisturbEachOther) {
  std::vector<std::thread> callers;
  std::atomic<int> total = 0;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&] {
      ThreadPool pool(2);
      for (int round = 0; round < 200; ++round) {
        pool.run(5, [&](std::size_t, std::size_t) { ++total; });
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(total, 3 * 200 * 5);
}

}  // namespace
}  // namespace torii

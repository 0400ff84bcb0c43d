#include "server/loads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace torii::server {
namespace {

Loads::Options two_threads() {
  return {.threads = 2,
          .pool_threads = 1,
          .process = nullptr,
          .open_store = []() -> Result<std::unique_ptr<store::Store>> {
            return make_error(ErrorCode::kIo, "none here");
          }};
}

TEST(Loads, ASlowOneDoesNotKeepAnotherWaiting) {
  Loads loads(two_threads());
  std::promise<void> slow_may_end, quick_ended;
  loads.submit("slow", [&](LoadThread&) { slow_may_end.get_future().wait(); });
  loads.submit("quick", [&](LoadThread& thread) {
    EXPECT_FALSE(thread.store().ok());
    EXPECT_EQ(thread.pool().threads(), 1);
    EXPECT_FALSE(thread.reporter().cancelled());
    quick_ended.set_value();
  });
  EXPECT_EQ(quick_ended.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  EXPECT_TRUE(loads.is_busy("slow"));
  slow_may_end.set_value();
  loads.wait();
  EXPECT_FALSE(loads.is_busy("slow"));
  EXPECT_FALSE(loads.is_busy("quick"));
}

TEST(Loads, AsManyAtOnceAsThereAreThreads) {
  Loads loads(two_threads());
  std::atomic<int> now = 0, most = 0, done = 0;
  for (int i = 0; i < 20; ++i) {
    loads.submit(std::to_string(i), [&](LoadThread&) {
      const int running = ++now;
      for (int seen = most; running > seen && !most.compare_exchange_weak(seen, running);) {
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      --now;
      ++done;
    });
  }
  loads.wait();
  EXPECT_EQ(done, 20);
  EXPECT_LE(most, 2);
}

TEST(Loads, WhatWaitsAtTheEndIsDropped) {
  std::atomic<int> done = 0;
  std::promise<void> may_end, began;
  Loads loads(two_threads());
  for (int i = 0; i < 2; ++i) {
    loads.submit(std::to_string(i), [&, i](LoadThread&) {
      if (i == 0) began.set_value();
      while (done < 10) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    });
  }
  began.get_future().wait();
  for (int i = 2; i < 9; ++i) loads.submit(std::to_string(i), [&](LoadThread&) { done += 100; });
  std::thread ender([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    done += 10;
  });
  loads.stop();
  ender.join();
  EXPECT_EQ(done, 10);
  loads.submit("late", [&](LoadThread&) { done += 100; });
  EXPECT_EQ(done, 10);
}

}  // namespace
}  // namespace torii::server

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "base/random.h"
#include "retrieval/exact_index.h"

// This test program counts what operator new hands out.
namespace {

std::atomic<std::size_t> allocations{0};

void* counted(std::size_t bytes) {
  ++allocations;
  if (void* memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t bytes) {
  return counted(bytes);
}
void* operator new[](std::size_t bytes) {
  return counted(bytes);
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(bytes == 0 ? 1 : bytes);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(bytes == 0 ? 1 : bytes);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace torii::retrieval {
namespace {

TEST(ExactIndex, AWarmSearchAllocatesNothing) {
  Random random(23);
  Matrix x(20000, 16), q(30, 16);
  for (float& value : x.flat()) value = static_cast<float>(random.normal());
  for (float& value : q.flat()) value = static_cast<float>(random.normal());
  std::vector<std::uint64_t> words((x.rows() + 63) / 64);
  for (std::uint64_t& word : words) word = random.next();
  const ItemMask mask{words};
  const ExactIndex index(x.view(), Metric::kCosine);
  ExactIndex::Workspace workspace;
  TopLists lists;
  ThreadPool pool(1);  // with more, the pool allocates a job for each run()
  const auto search_all = [&] {
    for (const std::size_t count : {1U, 30U}) {
      index.search({.queries = q.view().middle_rows(0, count), .k = 50, .allowed = {&mask, 1}},
                   pool, workspace, lists);
    }
  };
  search_all();
  const std::size_t before = allocations;
  search_all();
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace torii::retrieval

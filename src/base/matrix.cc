#include "base/matrix.h"

#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace torii {

float* Matrix::allocate(std::size_t count) {
  constexpr std::size_t kPageOfMatrix = std::size_t{2} << 20;
  const bool large = count * sizeof(float) >= 2 * kPageOfMatrix;
  const std::size_t alignment = large ? kPageOfMatrix : 64;
  const std::size_t bytes = (count * sizeof(float) + alignment - 1) / alignment * alignment;
  auto* data = static_cast<float*>(std::aligned_alloc(alignment, bytes));
  if (data == nullptr) throw std::bad_alloc();
#if defined(__linux__)
  if (large) (void)::madvise(data, bytes, MADV_HUGEPAGE);  // a wish: small pages do as well
#endif
  std::memset(data, 0, count * sizeof(float));
  return data;
}

}  // namespace torii

#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "base/check.h"

namespace torii {

/// Row-major view, rows contiguous: element (r, c) is data[r * cols + c]. Owns nothing.
template <class T>
struct MatrixView {
  T* data = nullptr;
  std::size_t rows = 0;
  std::size_t cols = 0;

  [[nodiscard]] std::span<T> row(std::size_t r) const {
    TORII_DCHECK(r < rows, "row out of range");
    return {data + r * cols, cols};
  }
  [[nodiscard]] T& operator()(std::size_t r, std::size_t c) const { return data[r * cols + c]; }
  [[nodiscard]] std::size_t size() const { return rows * cols; }
  [[nodiscard]] std::span<T> flat() const { return {data, size()}; }
  /// Rows [first, first + count).
  [[nodiscard]] MatrixView middle_rows(std::size_t first, std::size_t count) const {
    TORII_DCHECK(first + count <= rows, "rows out of range");
    return {data + first * cols, count, cols};
  }
  operator MatrixView<const T>() const  // NOLINT: implicit, adds const
    requires(!std::is_const_v<T>)
  {
    return {data, rows, cols};
  }
};

using FloatView = MatrixView<float>;
using ConstFloatView = MatrixView<const float>;

/// Owning float32 matrix, 64-byte aligned, zero-filled. Large ones ask for huge pages: rows are
/// often read in no order.
class Matrix {
 public:
  Matrix() = default;
  Matrix(std::size_t rows, std::size_t cols) : rows_(rows), cols_(cols) {
    if (size() == 0) return;
    data_.reset(allocate(size()));
  }
  Matrix(Matrix&& other) noexcept
      : rows_(std::exchange(other.rows_, 0)),
        cols_(std::exchange(other.cols_, 0)),
        data_(std::move(other.data_)) {}
  Matrix& operator=(Matrix&& other) noexcept {
    rows_ = std::exchange(other.rows_, 0);
    cols_ = std::exchange(other.cols_, 0);
    data_ = std::move(other.data_);
    return *this;
  }
  [[nodiscard]] Matrix copy() const {
    Matrix result(rows_, cols_);
    if (size() != 0) std::memcpy(result.data(), data(), size() * sizeof(float));
    return result;
  }

  [[nodiscard]] std::size_t rows() const { return rows_; }
  [[nodiscard]] std::size_t cols() const { return cols_; }
  [[nodiscard]] std::size_t size() const { return rows_ * cols_; }
  [[nodiscard]] float* data() { return data_.get(); }
  [[nodiscard]] const float* data() const { return data_.get(); }
  [[nodiscard]] std::span<float> row(std::size_t r) { return {data() + r * cols_, cols_}; }
  [[nodiscard]] std::span<const float> row(std::size_t r) const {
    return {data() + r * cols_, cols_};
  }
  [[nodiscard]] float& operator()(std::size_t r, std::size_t c) { return data()[r * cols_ + c]; }
  [[nodiscard]] float operator()(std::size_t r, std::size_t c) const {
    return data()[r * cols_ + c];
  }
  [[nodiscard]] FloatView view() { return {data(), rows_, cols_}; }
  [[nodiscard]] ConstFloatView view() const { return {data(), rows_, cols_}; }
  [[nodiscard]] std::span<float> flat() { return {data(), size()}; }
  [[nodiscard]] std::span<const float> flat() const { return {data(), size()}; }

 private:
  [[nodiscard]] static float* allocate(std::size_t count);
  struct Free {
    void operator()(float* p) const { std::free(p); }
  };
  std::size_t rows_ = 0;
  std::size_t cols_ = 0;
  std::unique_ptr<float, Free> data_;
};

}  // namespace torii

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace torii::store {

/// An item or a user that waits to be written: what an online store needs of it.
struct SpooledRow {
  std::string id;
  std::vector<float> embedding;
  std::vector<float> text_embedding;  ///< items; may be empty
  std::vector<std::uint32_t> items;   ///< users: dense indices, best first
};

/// Rows in a file without a name: it is gone with the process, however that ends. Written once, in
/// order, then read any number of times.
class FeastSpool {
 public:
  /// In `folder`; the system's temporary folder if empty.
  [[nodiscard]] static Result<FeastSpool> make(const std::string& folder);
  FeastSpool(FeastSpool&& other) noexcept;
  FeastSpool& operator=(FeastSpool&&) = delete;
  ~FeastSpool();

  /// Errors: kResourceExhausted (disk full), kIo.
  [[nodiscard]] Result<void> add(std::string_view id, std::span<const float> embedding,
                                 std::span<const float> text_embedding,
                                 std::span<const std::uint32_t> items);
  [[nodiscard]] std::uint64_t rows() const { return rows_; }
  /// What is still in memory goes into the file.
  [[nodiscard]] Result<void> flush();

  /// Reads from the first row on what flush() left. Belongs to its spool.
  class Reader {
   public:
    explicit Reader(const FeastSpool& spool) : spool_(spool) {}
    /// The next row; false after the last.
    [[nodiscard]] Result<bool> next(SpooledRow& row);

   private:
    [[nodiscard]] Result<std::string_view> take(std::size_t bytes);

    const FeastSpool& spool_;
    std::uint64_t read_ = 0;   // rows
    std::uint64_t place_ = 0;  // in the file
    std::string buffer_;
    std::size_t used_ = 0;  // of the buffer
  };

 private:
  FeastSpool(int file, std::string folder) : file_(file), folder_(std::move(folder)) {}
  [[nodiscard]] Error failure(int number) const;

  int file_;
  std::string folder_;
  std::string buffer_;
  std::uint64_t rows_ = 0;
};

}  // namespace torii::store

#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/matrix.h"
#include "base/result.h"

namespace torii {

/// Element types of the safetensors format that torii reads.
enum class DType { kF32, kF16, kBF16, kF64, kI32, kI64, kU8, kBool };

[[nodiscard]] std::size_t dtype_size(DType type);
[[nodiscard]] const char* dtype_name(DType type);  ///< "F32", "I64", ...

/// One tensor inside a file: little-endian, row-major, borrowed bytes.
struct TensorView {
  DType dtype = DType::kF32;
  std::vector<std::size_t> shape;  ///< empty for a scalar
  std::span<const std::byte> bytes;

  [[nodiscard]] std::size_t size() const;        ///< number of elements
  [[nodiscard]] std::string shape_text() const;  ///< "[64, 128]"
};

/// A safetensors file, mapped. Every offset, size, name and shape is checked when it is opened, so
/// hostile files are refused (kCorrupt) and views can never leave the file.
class SafetensorsFile {
 public:
  [[nodiscard]] static Result<SafetensorsFile> open(const std::filesystem::path& path);

  [[nodiscard]] const std::map<std::string, TensorView, std::less<>>& tensors() const {
    return tensors_;
  }
  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& metadata() const {
    return metadata_;
  }
  /// Null if there is none of that name.
  [[nodiscard]] const TensorView* find(std::string_view name) const;
  /// The tensor as floats (F16, BF16 and F64 are converted); error if missing, not of a float
  /// type, or not of `shape` (a negative extent matches any).
  [[nodiscard]] Result<std::vector<float>> floats(std::string_view name,
                                                  std::span<const std::int64_t> shape = {}) const;
  /// I32 or I64 as int64, likewise.
  [[nodiscard]] Result<std::vector<std::int64_t>> ints(std::string_view name) const;

 private:
  std::string path_;
  MappedFile file_;
  std::map<std::string, TensorView, std::less<>> tensors_;
  std::map<std::string, std::string, std::less<>> metadata_;
};

/// Collects tensors and writes them in one durable step. The bytes given must live until write().
/// Same tensors and metadata: the same bytes (wider element types first, then by name; each tensor
/// is aligned to its element size).
class SafetensorsWriter {
 public:
  void add(std::string name, DType dtype, std::vector<std::size_t> shape,
           std::span<const std::byte> bytes);
  void add(std::string name, std::vector<std::size_t> shape, std::span<const float> values);
  void add_metadata(std::string key, std::string value);
  [[nodiscard]] Result<void> write(const std::filesystem::path& path) const;

 private:
  std::map<std::string, TensorView, std::less<>> tensors_;
  std::map<std::string, std::string, std::less<>> metadata_;
};

}  // namespace torii

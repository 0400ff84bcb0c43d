#include "base/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "base/json.h"

namespace torii {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are read in place");

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kHeaderMax = 100'000'000;  // the limit of the format's own library
constexpr std::size_t kRankMax = 16;
constexpr char kMetadataKey[] = "__metadata__";

struct TypeFacts {
  DType type;
  const char* name;
  std::size_t size;
};
constexpr TypeFacts kTypes[] = {
    {DType::kF32, "F32", 4}, {DType::kF16, "F16", 2},   {DType::kBF16, "BF16", 2},
    {DType::kF64, "F64", 8}, {DType::kI32, "I32", 4},   {DType::kI64, "I64", 8},
    {DType::kU8, "U8", 1},   {DType::kBool, "BOOL", 1},
};

const TypeFacts& facts(DType type) {
  const auto* found = std::ranges::find(kTypes, type, &TypeFacts::type);
  TORII_CHECK(found != std::end(kTypes), "unknown element type");
  return *found;
}

std::optional<std::size_t> multiply(std::size_t a, std::size_t b) {
  std::size_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

template <class... Args>
Error corrupt(const std::string& path, fmt::format_string<Args...> format, Args&&... args) {
  return make_error(ErrorCode::kCorrupt, "{}: {}", path,
                    fmt::format(format, std::forward<Args>(args)...));
}

// Non-negative integer of the header.
std::optional<std::size_t> extent(const Json& value) {
  if (!value.is_int() || value.as_int() < 0) return std::nullopt;
  return static_cast<std::size_t>(value.as_int());
}

struct Entry {
  TensorView view;
  std::size_t begin = 0;
  std::size_t end = 0;
};

Result<Entry> parse_entry(const std::string& path, const std::string& name, const Json& entry,
                          std::span<const std::byte> data) {
  const Json* dtype = entry.find("dtype");
  const Json* shape = entry.find("shape");
  const Json* offsets = entry.find("data_offsets");
  if (dtype == nullptr || !dtype->is_string() || shape == nullptr || !shape->is_array() ||
      offsets == nullptr || !offsets->is_array() || offsets->as_array().size() != 2) {
    return corrupt(path, "tensor '{}': expected dtype, shape and two data_offsets", name);
  }
  Entry result;
  const auto* type = std::ranges::find_if(
      kTypes, [&](const TypeFacts& candidate) { return dtype->as_string() == candidate.name; });
  if (type == std::end(kTypes)) {
    return make_error(ErrorCode::kUnsupported,
                      "{}: tensor '{}': element type '{}' is not read here; convert it to F32",
                      path, name, dtype->as_string());
  }
  result.view.dtype = type->type;
  if (shape->as_array().size() > kRankMax) {
    return corrupt(path, "tensor '{}': {} dimensions, at most {}", name, shape->as_array().size(),
                   kRankMax);
  }
  std::optional<std::size_t> bytes = type->size;
  for (const Json& dimension : shape->as_array()) {
    const auto length = extent(dimension);
    if (!length) return corrupt(path, "tensor '{}': a dimension is no whole number", name);
    bytes = bytes ? multiply(*bytes, *length) : bytes;
    result.view.shape.push_back(*length);
  }
  const auto begin = extent(offsets->as_array()[0]);
  const auto end = extent(offsets->as_array()[1]);
  if (!begin || !end || *begin > *end || *end > data.size()) {
    return corrupt(path, "tensor '{}': data_offsets leave the file ({} bytes of data)", name,
                   data.size());
  }
  if (!bytes || *bytes != *end - *begin) {
    return corrupt(path, "tensor '{}': shape {} of {} does not fill its {} bytes", name,
                   result.view.shape_text(), type->name, *end - *begin);
  }
  result.begin = *begin;
  result.end = *end;
  result.view.bytes = data.subspan(*begin, *end - *begin);
  return result;
}

float from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

// IEEE 754 binary16 to binary32, exact.
float from_f16(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1fU;
  const std::uint32_t fraction = bits & 0x3ffU;
  if (exponent == 0x1fU) return std::bit_cast<float>(sign | 0x7f800000U | (fraction << 13));
  if (exponent != 0) {
    return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (fraction << 13));
  }
  const float magnitude = static_cast<float>(fraction) * 0x1.0p-24F;  // subnormal or zero
  return sign != 0 ? -magnitude : magnitude;
}

template <class Stored, class Value, class Convert>
std::vector<Value> convert(std::span<const std::byte> bytes, Convert convert_one) {
  std::vector<Value> values(bytes.size() / sizeof(Stored));
  for (std::size_t i = 0; i < values.size(); ++i) {
    Stored stored;  // the bytes may lie unaligned
    std::memcpy(&stored, bytes.data() + i * sizeof(Stored), sizeof(Stored));
    values[i] = convert_one(stored);
  }
  return values;
}

std::string expected_shape_text(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (const std::int64_t length : shape) {
    if (text.size() > 1) text += ", ";
    text += length < 0 ? "any" : std::to_string(length);
  }
  return text + "]";
}

bool shape_matches(const std::vector<std::size_t>& found, std::span<const std::int64_t> expected) {
  return std::ranges::equal(found, expected, [](std::size_t length, std::int64_t wanted) {
    return wanted < 0 || length == static_cast<std::size_t>(wanted);
  });
}

}  // namespace

std::size_t dtype_size(DType type) {
  return facts(type).size;
}
const char* dtype_name(DType type) {
  return facts(type).name;
}

std::size_t TensorView::size() const {
  std::size_t count = 1;
  for (const std::size_t length : shape) count *= length;
  return count;
}

std::string TensorView::shape_text() const {
  std::string text = "[";
  for (const std::size_t length : shape) {
    if (text.size() > 1) text += ", ";
    text += std::to_string(length);
  }
  return text + "]";
}

Result<SafetensorsFile> SafetensorsFile::open(const std::filesystem::path& path) {
  SafetensorsFile file;
  file.path_ = path.string();
  TORII_TRY(file.file_, MappedFile::open(path));
  const std::span<const std::byte> bytes = file.file_.bytes();
  if (bytes.size() < kLengthBytes) {
    return corrupt(file.path_, "{} bytes, too short for a safetensors file", bytes.size());
  }
  std::uint64_t header_size = 0;
  std::memcpy(&header_size, bytes.data(), kLengthBytes);
  if (header_size > kHeaderMax || header_size > bytes.size() - kLengthBytes) {
    return corrupt(file.path_, "the header claims {} bytes of a file of {} (at most {})",
                   header_size, bytes.size(), kHeaderMax);
  }
  const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes,
                                header_size);
  if (!header.starts_with('{')) return corrupt(file.path_, "the header is no JSON object");
  auto parsed = Json::parse(header, file.path_, Json::DuplicateKeys::kRefuse);
  if (!parsed.ok()) return Error{ErrorCode::kCorrupt, parsed.error().message};
  const std::span<const std::byte> data = bytes.subspan(kLengthBytes + header_size);

  std::vector<std::pair<std::size_t, std::size_t>> parts;
  for (const auto& [name, value] : parsed->as_object()) {
    if (name == kMetadataKey) {
      if (!value.is_object()) return corrupt(file.path_, "{} is no object", kMetadataKey);
      for (const auto& [key, text] : value.as_object()) {
        if (!text.is_string()) {
          return corrupt(file.path_, "{} '{}' is no text", kMetadataKey, key);
        }
        file.metadata_.emplace(key, text.as_string());
      }
      continue;
    }
    TORII_TRY(Entry entry, parse_entry(file.path_, name, value, data));
    parts.emplace_back(entry.begin, entry.end);
    file.tensors_.emplace(name, std::move(entry.view));
  }
  // The format wants the data covered exactly: no overlap, no hole, nothing behind.
  std::ranges::sort(parts);
  std::size_t covered = 0;
  for (const auto& [begin, end] : parts) {
    if (begin != covered) {
      return corrupt(file.path_, "tensors {} at byte {} of the data",
                     begin < covered ? "overlap" : "leave a hole", std::min(begin, covered));
    }
    covered = end;
  }
  if (covered != data.size()) {
    return corrupt(file.path_, "{} bytes of data, but the tensors cover {}", data.size(), covered);
  }
  return file;
}

const TensorView* SafetensorsFile::find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

Result<std::vector<float>> SafetensorsFile::floats(std::string_view name,
                                                   std::span<const std::int64_t> shape) const {
  const TensorView* tensor = find(name);
  if (tensor == nullptr) {
    return make_error(ErrorCode::kNotFound, "{}: no tensor '{}' (it has {})", path_, name,
                      tensors_.size());
  }
  if (!shape.empty() && !shape_matches(tensor->shape, shape)) {
    return invalid("{}: tensor '{}': shape {}, expected {}", path_, name, tensor->shape_text(),
                   expected_shape_text(shape));
  }
  switch (tensor->dtype) {
    case DType::kF32:
      return convert<float, float>(tensor->bytes, [](float v) { return v; });
    case DType::kF16:
      return convert<std::uint16_t, float>(tensor->bytes, from_f16);
    case DType::kBF16:
      return convert<std::uint16_t, float>(tensor->bytes, from_bf16);
    case DType::kF64:
      return convert<double, float>(tensor->bytes, [](double v) { return static_cast<float>(v); });
    default:
      break;
  }
  return invalid("{}: tensor '{}': holds {}, expected a float type", path_, name,
                 dtype_name(tensor->dtype));
}

Result<std::vector<std::int64_t>> SafetensorsFile::ints(std::string_view name) const {
  const TensorView* tensor = find(name);
  if (tensor == nullptr) {
    return make_error(ErrorCode::kNotFound, "{}: no tensor '{}' (it has {})", path_, name,
                      tensors_.size());
  }
  if (tensor->dtype == DType::kI64) {
    return convert<std::int64_t, std::int64_t>(tensor->bytes, [](std::int64_t v) { return v; });
  }
  if (tensor->dtype == DType::kI32) {
    return convert<std::int32_t, std::int64_t>(tensor->bytes,
                                               [](std::int32_t v) { return std::int64_t{v}; });
  }
  return invalid("{}: tensor '{}': holds {}, expected I32 or I64", path_, name,
                 dtype_name(tensor->dtype));
}

void SafetensorsWriter::add(std::string name, DType dtype, std::vector<std::size_t> shape,
                            std::span<const std::byte> bytes) {
  TORII_CHECK(name != kMetadataKey, "a reserved name");
  TensorView view{dtype, std::move(shape), bytes};
  TORII_CHECK(view.size() * dtype_size(dtype) == bytes.size(), "shape does not fit the bytes");
  const bool added = tensors_.emplace(std::move(name), std::move(view)).second;
  TORII_CHECK(added, "a tensor of that name is there already");
}

void SafetensorsWriter::add(std::string name, std::vector<std::size_t> shape,
                            std::span<const float> values) {
  add(std::move(name), DType::kF32, std::move(shape), std::as_bytes(values));
}

void SafetensorsWriter::add_metadata(std::string key, std::string value) {
  metadata_.insert_or_assign(std::move(key), std::move(value));
}

Result<void> SafetensorsWriter::write(const std::filesystem::path& path) const {
  std::vector<std::pair<const std::string*, const TensorView*>> order;
  for (const auto& [name, view] : tensors_) order.emplace_back(&name, &view);
  // Holes are not allowed, so wide elements go first: then every tensor is aligned.
  std::ranges::stable_sort(order, std::greater{},
                           [](const auto& entry) { return dtype_size(entry.second->dtype); });
  Json header = Json::object();
  if (!metadata_.empty()) {
    Json::Object members;
    for (const auto& [key, value] : metadata_) members.emplace_back(key, value);
    header.set(kMetadataKey, Json(std::move(members)));
  }
  std::vector<std::span<const std::byte>> pieces(2);
  std::size_t offset = 0;
  for (const auto& [name, view] : order) {
    Json shape = Json::array();
    for (const std::size_t length : view->shape) shape.push(std::uint64_t{length});
    Json offsets = Json::array();
    offsets.push(std::uint64_t{offset}).push(std::uint64_t{offset + view->bytes.size()});
    offset += view->bytes.size();
    Json entry = Json::object();
    entry.set("dtype", dtype_name(view->dtype));
    entry.set("shape", std::move(shape)).set("data_offsets", std::move(offsets));
    header.as_object().emplace_back(*name, std::move(entry));
    pieces.push_back(view->bytes);
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = text.size();
  pieces[0] = std::as_bytes(std::span(&length, 1));
  pieces[1] = std::as_bytes(std::span(text.data(), text.size()));
  return write_file_durably(path, pieces);
}

}  // namespace torii

#include "store/rows.h"

#include <bit>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/hash.h"

namespace torii::store {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie");

// Seeds of the two sums; the values are part of the format.
constexpr std::uint64_t kLowSeed = 0x746f7269692d6c6fULL;
constexpr std::uint64_t kHighSeed = 0x746f7269692d6869ULL;

template <class T>
void append_bytes(T value, std::string& out) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

void put_text(std::string_view text, std::string& out) {
  append_bytes(static_cast<std::uint32_t>(text.size()), out);
  out += text;
}

template <class T>
std::string bytes_of(const std::vector<T>& numbers) {
  std::string bytes(numbers.size() * sizeof(T), '\0');
  if (!numbers.empty()) std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

template <class T>
void put_array(const std::vector<T>& numbers, std::string& out) {
  append_bytes(static_cast<std::uint32_t>(numbers.size()), out);
  if (numbers.empty()) return;
  const std::size_t at = out.size();
  out.resize(at + numbers.size() * sizeof(T));
  std::memcpy(out.data() + at, numbers.data(), numbers.size() * sizeof(T));
}

template <class T>
std::optional<std::vector<T>> array_of(std::string_view bytes) {
  if (bytes.size() % sizeof(T) != 0) return std::nullopt;
  std::vector<T> numbers(bytes.size() / sizeof(T));
  if (!bytes.empty()) std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return numbers;
}

// Reads from the front; after the first thing that is not there everything fails.
class RowReader {
 public:
  explicit RowReader(std::string_view& bytes) : bytes_(bytes) {}
  [[nodiscard]] bool good() const { return good_; }

  template <class T>
  void get(T& value) {
    const std::string_view piece = take(sizeof value);
    if (good_) std::memcpy(&value, piece.data(), sizeof value);
  }
  void get(std::string& text) {
    std::uint32_t size = 0;
    get(size);
    text = take(size);
  }
  template <class T>
  void get(std::vector<T>& numbers) {
    std::uint32_t count = 0;
    get(count);
    const std::string_view piece = take(std::size_t{count} * sizeof(T));
    if (good_) numbers = *array_of<T>(piece);
  }

 private:
  std::string_view take(std::size_t size) {
    good_ = good_ && size <= bytes_.size();
    if (!good_) return {};
    const std::string_view piece = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return piece;
  }
  std::string_view& bytes_;
  bool good_ = true;
};

}  // namespace

void encode(const PublishedItem& item, std::string& out) {
  put_text(item.id, out);
  put_text(item.attributes, out);
  put_array(item.embedding, out);
  put_array(item.text_embedding, out);
  append_bytes(item.popularity, out);
}

void encode(const PublishedUser& user, std::string& out) {
  put_text(user.id, out);
  append_bytes(user.source, out);
  put_text(user.attributes, out);
  put_array(user.embedding, out);
  put_array(user.items, out);
  put_array(user.scores, out);
  put_array(user.seen, out);
}

void encode(const Record& record, std::string& out) {
  append_bytes(static_cast<std::uint8_t>(record.kind), out);
  append_bytes(record.time_ms, out);
  put_text(record.id, out);
  put_text(record.user_id, out);
  put_text(record.payload, out);
}

std::optional<PublishedItem> decode_item(std::string_view& bytes) {
  RowReader reader(bytes);
  PublishedItem item;
  reader.get(item.id);
  reader.get(item.attributes);
  reader.get(item.embedding);
  reader.get(item.text_embedding);
  reader.get(item.popularity);
  if (!reader.good()) return std::nullopt;
  return item;
}

std::optional<PublishedUser> decode_user(std::string_view& bytes) {
  RowReader reader(bytes);
  PublishedUser user;
  reader.get(user.id);
  reader.get(user.source);
  reader.get(user.attributes);
  reader.get(user.embedding);
  reader.get(user.items);
  reader.get(user.scores);
  reader.get(user.seen);
  if (!reader.good()) return std::nullopt;
  return user;
}

std::optional<Record> decode_record(std::string_view& bytes) {
  RowReader reader(bytes);
  Record record;
  std::uint8_t kind = 0;
  reader.get(kind);
  reader.get(record.time_ms);
  reader.get(record.id);
  reader.get(record.user_id);
  reader.get(record.payload);
  if (!reader.good() || kind > static_cast<std::uint8_t>(RecordKind::kErasure)) return std::nullopt;
  record.kind = static_cast<RecordKind>(kind);
  return record;
}

void RowSum::add(std::string_view encoded, std::uint64_t place) {
  low += hash64(encoded, kLowSeed + place);
  high += hash64(encoded, kHighSeed + place);
}

void RowSum::remove(std::string_view encoded, std::uint64_t place) {
  low -= hash64(encoded, kLowSeed + place);
  high -= hash64(encoded, kHighSeed + place);
}

void RowSum::add(const RowSum& other) {
  low += other.low;
  high += other.high;
}

std::string RowSum::hex() const {
  return fmt::format("{:016x}{:016x}", high, low);
}

std::optional<RowSum> RowSum::parse(std::string_view hex) {
  if (hex.size() != 32) return std::nullopt;
  RowSum sum;
  const char* begin = hex.data();
  const auto high = std::from_chars(begin, begin + 16, sum.high, 16);
  const auto low = std::from_chars(begin + 16, begin + 32, sum.low, 16);
  if (high.ptr != begin + 16 || low.ptr != begin + 32) return std::nullopt;
  return sum;
}

std::string float_bytes(const std::vector<float>& numbers) {
  return bytes_of(numbers);
}
std::string index_bytes(const std::vector<std::uint32_t>& numbers) {
  return bytes_of(numbers);
}
std::optional<std::vector<float>> floats_of(std::string_view bytes) {
  return array_of<float>(bytes);
}
std::optional<std::vector<std::uint32_t>> indices_of(std::string_view bytes) {
  return array_of<std::uint32_t>(bytes);
}

}  // namespace torii::store

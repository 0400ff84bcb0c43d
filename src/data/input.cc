#include "data/input.h"

#include <arrow/buffer.h>
#include <arrow/io/compressed.h>
#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <arrow/status.h>
#include <arrow/util/compression.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include "blob/blob.h"
#include "data/arrow_convert.h"

namespace torii::data {
namespace {

// Arrow's statuses hold a code and a text: ours travels in the code as far as there is one like it.
arrow::Status to_status(const Error& error) {
  if (error.code == ErrorCode::kIo) return arrow::Status::IOError(error.message);
  return arrow::Status::Invalid(error.message);
}

class BlobFile final : public arrow::io::RandomAccessFile {
 public:
  explicit BlobFile(std::unique_ptr<blob::Object> object) : object_(std::move(object)) {}

  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return closed_; }
  arrow::Result<std::int64_t> Tell() const override { return position_; }
  arrow::Status Seek(std::int64_t position) override {
    position_ = position;
    return arrow::Status::OK();
  }
  arrow::Result<std::int64_t> GetSize() override {
    return static_cast<std::int64_t>(object_->size());
  }
  arrow::Result<std::int64_t> ReadAt(std::int64_t position, std::int64_t count,
                                     void* out) override {
    const auto size = static_cast<std::int64_t>(object_->size());
    if (position < 0 || count < 0) return arrow::Status::Invalid("a negative range");
    if (position > size) return 0;
    count = std::min(count, size - position);
    const auto read =
        object_->read(static_cast<std::uint64_t>(position),
                      std::span(static_cast<std::byte*>(out), static_cast<std::size_t>(count)));
    if (!read.ok()) return to_status(read.error());
    return count;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(std::int64_t position,
                                                       std::int64_t count) override {
    const auto size = static_cast<std::int64_t>(object_->size());
    // Not more than there is: the count may come from a broken file.
    count = std::clamp<std::int64_t>(count, 0, std::max<std::int64_t>(size - position, 0));
    ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateResizableBuffer(count));
    ARROW_ASSIGN_OR_RAISE(const std::int64_t got, ReadAt(position, count, buffer->mutable_data()));
    ARROW_RETURN_NOT_OK(buffer->Resize(got));
    return std::shared_ptr<arrow::Buffer>(std::move(buffer));
  }
  arrow::Result<std::int64_t> Read(std::int64_t count, void* out) override {
    ARROW_ASSIGN_OR_RAISE(const std::int64_t got, ReadAt(position_, count, out));
    position_ += got;
    return got;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(std::int64_t count) override {
    ARROW_ASSIGN_OR_RAISE(auto buffer, ReadAt(position_, count));
    position_ += buffer->size();
    return buffer;
  }

  Result<void> check_unchanged() const { return object_->check_unchanged(); }

 private:
  std::unique_ptr<blob::Object> object_;
  std::int64_t position_ = 0;
  bool closed_ = false;
};

}  // namespace

Result<std::shared_ptr<arrow::io::RandomAccessFile>> open_input(const PartFile& part,
                                                                const Environment& environment) {
  TORII_TRY(auto object, blob::open(part.name, environment));
  return std::shared_ptr<arrow::io::RandomAccessFile>(
      std::make_shared<BlobFile>(std::move(object)));
}

Result<std::shared_ptr<arrow::io::InputStream>> open_stream(const PartFile& part,
                                                            const Environment& environment) {
  TORII_TRY(auto file, open_input(part, environment));
  if (!part.name.ends_with(".gz")) return std::shared_ptr<arrow::io::InputStream>(std::move(file));
  auto codec = arrow::util::Codec::Create(arrow::Compression::GZIP);
  if (!codec.ok()) return from_status(codec.status(), part.name, ErrorCode::kUnsupported);
  // The codec must outlive the stream: one for the process.
  static const std::shared_ptr<arrow::util::Codec> gzip = std::move(*codec);
  auto stream = arrow::io::CompressedInputStream::Make(gzip.get(), file);
  if (!stream.ok()) return from_status(stream.status(), part.name, ErrorCode::kCorrupt);
  return std::shared_ptr<arrow::io::InputStream>(*stream);
}

Result<void> check_unchanged(const PartFile&, const arrow::io::RandomAccessFile& file) {
  return static_cast<const BlobFile&>(file).check_unchanged();
}

}  // namespace torii::data

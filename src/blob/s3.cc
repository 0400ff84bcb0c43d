#include "blob/s3.h"

#include <arrow/buffer.h>
#include <arrow/filesystem/s3fs.h>
#include <arrow/io/interfaces.h>
#include <arrow/util/future.h>
#include <arrow/util/key_value_metadata.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "blob/s3_requests.h"

namespace torii::blob {
namespace {

using arrow::fs::FileInfo;
using arrow::fs::FileType;
using InputFile = std::shared_ptr<arrow::io::RandomAccessFile>;
using OutputStream = std::shared_ptr<arrow::io::OutputStream>;

constexpr std::size_t kPieceBytes = std::size_t{16} << 20;

std::string path_of(const S3Name& name) {
  return name.key.empty() ? name.bucket : name.bucket + "/" + name.key;
}

// An open object with what tells one version of it from the next.
struct Opened {
  InputFile file;
  std::uint64_t size = 0;
  std::string version;  // ETag; the store's promise that the bytes are the same
};

Result<Opened> look_up(const S3& s3, const S3Name& name, const S3Settings& settings) {
  using Answer = arrow::Result<Opened>;
  const auto answer =
      within<Answer>(settings.total_timeout_s, [s3, path = path_of(name)](const auto&) -> Answer {
        Opened opened;
        ARROW_ASSIGN_OR_RAISE(opened.file, s3->OpenInputFile(path));
        ARROW_ASSIGN_OR_RAISE(const std::int64_t size, opened.file->GetSize());
        opened.size = static_cast<std::uint64_t>(size);
        ARROW_ASSIGN_OR_RAISE(const auto metadata, opened.file->ReadMetadata());
        if (metadata != nullptr) opened.version = metadata->Get("ETag").ValueOr("");
        return opened;
      });
  if (!answer.has_value()) return s3_timeout(name, settings, "open it");
  if (!answer->ok()) return s3_error(answer->status(), name, settings, "open it", s3);
  return **answer;
}

class S3Object final : public Object {
 public:
  S3Object(S3 s3, S3Name name, S3Settings settings, Opened opened)
      : s3_(std::move(s3)),
        name_(std::move(name)),
        settings_(std::move(settings)),
        opened_(std::move(opened)) {}

  [[nodiscard]] std::uint64_t size() const override { return opened_.size; }

  [[nodiscard]] Result<void> read(std::uint64_t offset, std::span<std::byte> out) const override {
    TORII_CHECK(out.size() <= size() && offset <= size() - out.size(), "a range of the object");
    while (!out.empty()) {
      const std::span<std::byte> piece = out.first(std::min(out.size(), kPieceBytes));
      TORII_TRY_VOID(read_piece(offset, piece));
      offset += piece.size();
      out = out.subspan(piece.size());
    }
    return {};
  }

  [[nodiscard]] Result<void> check_unchanged() const override {
    TORII_TRY(const Opened now, look_up(s3_, name_, settings_));
    if (now.size != opened_.size || now.version != opened_.version) return changed();
    return {};
  }

 private:
  [[nodiscard]] Error changed() const {
    return make_error(ErrorCode::kCorrupt,
                      "{}: the object was replaced while it was read; try again once its writer "
                      "is done (a new key for each version avoids this)",
                      name_.text());
  }

  static bool is_changed(const Result<void>& status) {
    return !status.ok() && status.error().code == ErrorCode::kCorrupt;
  }

  [[nodiscard]] Result<void> read_piece(std::uint64_t offset, std::span<std::byte> out) const {
    using Answer = arrow::Result<std::shared_ptr<arrow::Buffer>>;
    const auto answer = within<Answer>(
        settings_.total_timeout_s,
        [file = opened_.file, offset, size = out.size()](const auto&) -> Answer {
          return file->ReadAt(static_cast<std::int64_t>(offset), static_cast<std::int64_t>(size));
        });
    if (!answer.has_value()) return s3_timeout(name_, settings_, "read it");
    if (!answer->ok()) {
      // A shorter object cannot give this range; stores tell so in many ways.
      const std::string text = answer->status().message();
      const bool unreachable = text.find("NETWORK_CONNECTION") != std::string::npos;
      if (!unreachable && is_changed(check_unchanged())) return changed();
      return s3_error(answer->status(), name_, settings_, "read it", s3_);
    }
    const arrow::Buffer& buffer = ***answer;
    if (static_cast<std::size_t>(buffer.size()) != out.size()) return changed();
    std::memcpy(out.data(), buffer.data(), out.size());
    return {};
  }

  S3 s3_;
  S3Name name_;
  S3Settings settings_;
  Opened opened_;
};

Result<FileInfo> info_of(const S3& s3, const S3Name& name, const S3Settings& settings) {
  using Answer = arrow::Result<FileInfo>;
  std::string path = path_of(name);
  while (path.ends_with('/')) path.pop_back();
  const auto answer = within<Answer>(settings.total_timeout_s, [s3, path](const auto&) -> Answer {
    return s3->GetFileInfo(path);
  });
  if (!answer.has_value()) return s3_timeout(name, settings, "look it up");
  if (!answer->ok()) return s3_error(answer->status(), name, settings, "look it up", s3);
  return **answer;
}

// Fails past kEntriesMax.
arrow::Result<std::vector<Entry>> entries_below(const S3& s3, const std::string& path,
                                                const std::function<void()>& tell) {
  arrow::fs::FileSelector below;
  below.base_dir = path;
  below.recursive = true;
  const auto next = s3->GetFileInfoGenerator(below);
  std::vector<Entry> entries;
  for (;;) {
    const auto future = next();  // it keeps the page
    ARROW_ASSIGN_OR_RAISE(const std::vector<FileInfo> page, future.result());
    if (page.empty()) return entries;
    tell();
    for (const FileInfo& info : page) {
      if (info.type() != FileType::File) continue;
      if (entries.size() == kEntriesMax) return arrow::Status::CapacityError("too many");
      entries.push_back({"s3://" + info.path(), static_cast<std::uint64_t>(info.size())});
    }
  }
}

// Uploads in parts; nothing is seen of it before finish().
class Upload {
 public:
  Upload(S3 s3, S3Name name, const S3Settings& settings)
      : s3_(std::move(s3)), name_(std::move(name)), settings_(settings) {}

  [[nodiscard]] Result<void> write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const auto piece = bytes.first(std::min(bytes.size(), kPieceBytes));
      TORII_TRY_VOID(run([copy = std::string(reinterpret_cast<const char*>(piece.data()),
                                             piece.size())](const OutputStream& stream) {
        return stream->Write(copy.data(), static_cast<std::int64_t>(copy.size()));
      }));
      bytes = bytes.subspan(piece.size());
    }
    return {};
  }
  [[nodiscard]] Result<void> finish() {
    return run([](const OutputStream& stream) { return stream->Close(); });
  }
  // After an error: takes back the parts that were sent, before anybody hears of it. Of a request
  // that still hangs, its own thread does so in the end.
  void abandon() {
    if (hangs_) return;
    (void)within<bool>(settings_.total_timeout_s, [kept = stream_](const auto&) {
      kept->abort();
      return true;
    });
  }

 private:
  using Step = std::function<arrow::Status(const OutputStream&)>;

  // A stream that ends without Abort() would be completed by its destructor, half as it is.
  struct Stream {
    OutputStream stream;
    bool finished = false;
    void abort() {
      if (stream != nullptr && !finished) (void)stream->Abort();
      finished = true;
    }
    ~Stream() { abort(); }
  };

  [[nodiscard]] Result<void> run(Step step) {
    const auto answer = within<arrow::Status>(
        settings_.total_timeout_s,
        [s3 = s3_, path = path_of(name_), kept = stream_, step](const auto&) -> arrow::Status {
          if (kept->stream == nullptr) {
            ARROW_ASSIGN_OR_RAISE(kept->stream, s3->OpenOutputStream(path, nullptr));
          }
          ARROW_RETURN_NOT_OK(step(kept->stream));
          kept->finished = kept->stream->closed();
          return arrow::Status::OK();
        });
    if (!answer.has_value()) {
      hangs_ = true;
      return s3_timeout(name_, settings_, "write it");
    }
    if (!answer->ok()) return s3_error(*answer, name_, settings_, "write it", s3_);
    return {};
  }

  S3 s3_;
  S3Name name_;
  const S3Settings& settings_;
  bool hangs_ = false;
  std::shared_ptr<Stream> stream_ = std::make_shared<Stream>();
};

Result<void> check_is_object(const S3Name& name) {
  if (!name.key.empty() && !name.key.ends_with('/')) return {};
  return invalid("{}: names a {}, not an object; expected s3://bucket/folder/object", name.text(),
                 name.key.empty() ? "bucket" : "folder");
}

}  // namespace

Result<std::unique_ptr<Object>> open_s3(const S3Name& name, const S3Settings& settings) {
  TORII_TRY_VOID(check_is_object(name));
  TORII_TRY(S3 s3, connect(settings, name));
  TORII_TRY(Opened opened, look_up(s3, name, settings));
  return std::unique_ptr<Object>(
      std::make_unique<S3Object>(std::move(s3), name, settings, std::move(opened)));
}

Result<std::vector<Entry>> list_s3(const S3Name& folder, const S3Settings& settings) {
  TORII_TRY(const S3 s3, connect(settings, folder));
  TORII_TRY(const FileInfo info, info_of(s3, folder, settings));
  if (info.type() == FileType::NotFound) {
    return s3_error(arrow::Status::IOError("Path does not exist"), folder, settings, "list it", s3);
  }
  if (info.type() == FileType::File) {
    return std::vector<Entry>{{folder.text(), static_cast<std::uint64_t>(info.size())}};
  }
  using Answer = arrow::Result<std::vector<Entry>>;
  auto answer = within<Answer>(settings.total_timeout_s,
                               [s3, path = info.path()](const std::function<void()>& tell) {
                                 return entries_below(s3, path, tell);
                               });
  if (!answer.has_value()) return s3_timeout(folder, settings, "list it");
  if (!answer->ok() && answer->status().IsCapacityError()) {
    return make_error(ErrorCode::kResourceExhausted,
                      "{}: holds more than {} objects; name a smaller folder", folder.text(),
                      kEntriesMax);
  }
  if (!answer->ok()) return s3_error(answer->status(), folder, settings, "list it", s3);
  std::vector<Entry> entries = std::move(**answer);
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

Result<bool> put_s3(const S3Name& name, std::span<const std::byte> bytes, Existing existing,
                    const S3Settings& settings) {
  TORII_TRY_VOID(check_is_object(name));
  TORII_TRY(const S3 s3, connect(settings, name));
  if (existing == Existing::kKeep) {
    TORII_TRY(const FileInfo info, info_of(s3, name, settings));
    if (info.type() == FileType::File) return false;
  }
  Upload upload(s3, name, settings);
  auto sent = upload.write(bytes);
  if (sent.ok()) sent = upload.finish();
  if (sent.ok()) return true;
  upload.abandon();
  return sent.error();
}

Result<bool> remove_s3(const S3Name& name, const S3Settings& settings) {
  TORII_TRY_VOID(check_is_object(name));
  TORII_TRY(const S3 s3, connect(settings, name));
  TORII_TRY(const FileInfo info, info_of(s3, name, settings));
  if (info.type() == FileType::NotFound) return false;
  if (info.type() != FileType::File)
    return invalid("{}: names a folder, not an object", name.text());
  const auto answer = within<arrow::Status>(
      settings.total_timeout_s,
      [s3, path = path_of(name)](const auto&) { return s3->DeleteFile(path); });
  if (!answer.has_value()) return s3_timeout(name, settings, "remove it");
  if (!answer->ok()) return s3_error(*answer, name, settings, "remove it", s3);
  return true;
}

}  // namespace torii::blob

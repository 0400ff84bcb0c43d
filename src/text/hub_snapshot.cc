#include "text/hub_snapshot.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/hash.h"
#include "text/hub_api.h"
#include "text/model_folder.h"
#include "text/tokenizer.h"

namespace torii::text {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWeights = "model.safetensors";
constexpr std::uint64_t kWeightsMax = std::uint64_t{16} << 30;
constexpr std::uint64_t kOtherMax = std::uint64_t{64} << 20;  // as the readers
constexpr std::uint64_t kUnit = 1000;                         // progress in kB
constexpr auto kLockPause = std::chrono::milliseconds(100);

fs::path reference_path(const fs::path& root, const std::string& revision) {
  std::string name = revision;
  std::ranges::replace(name, '/', '%');  // no revision has one of those
  return root / "refs" / name;
}

Error disk_error(const fs::path& path, const char* what, const std::error_code& error) {
  return make_error(
      error == std::errc::no_space_on_device ? ErrorCode::kResourceExhausted : ErrorCode::kIo,
      "{}: cannot {}: {}", path.string(), what, error.message());
}

Result<void> make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return disk_error(path, "make the folder", error);
  return {};
}

Result<void> give_name(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) return disk_error(from, "give it its name", error);
  return {};
}

/// Held by one process at a time; the system lets go of it when the process ends in any way.
class FolderLock {
 public:
  FolderLock() = default;
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock() {
    if (file_ >= 0) ::close(file_);
  }
  Result<void> take(const fs::path& path, Reporter& reporter) {
    file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, mode_t{0666});
    if (file_ < 0) {
      return disk_error(path, "open it", std::error_code(errno, std::generic_category()));
    }
    for (bool told = false; ::flock(file_, LOCK_EX | LOCK_NB) != 0;) {
      if (errno != EWOULDBLOCK && errno != EINTR) {
        return disk_error(path, "lock it", std::error_code(errno, std::generic_category()));
      }
      if (!told) reporter.note("another torii is downloading this model; waiting for it");
      told = true;
      if (reporter.cancelled()) {
        return make_error(ErrorCode::kCancelled, "{}: interrupted", path.string());
      }
      std::this_thread::sleep_for(kLockPause);
    }
    return {};
  }

 private:
  int file_ = -1;
};

/// What an encoder is read from (see model_folder.h and tokenizer.h), small files first.
std::vector<HubFile> wanted_files(const std::vector<HubFile>& all) {
  constexpr const char* kNames[] = {"config.json",
                                    "tokenizer_config.json",
                                    "special_tokens_map.json",
                                    "sentence_bert_config.json",
                                    "modules.json",
                                    "tokenizer.json",
                                    "vocab.txt"};
  const auto is_pooling = [](std::string_view path) {
    constexpr std::string_view kEnd = "_Pooling/config.json";
    return path.ends_with(kEnd) && path.size() == kEnd.size() + 1 && path.front() >= '0' &&
           path.front() <= '9';
  };
  std::vector<HubFile> wanted;
  for (const char* name : kNames) {
    for (const HubFile& file : all) {
      if (file.path == name) wanted.push_back(file);
    }
  }
  for (const HubFile& file : all) {
    if (is_pooling(file.path)) wanted.push_back(file);
  }
  for (const HubFile& file : all) {
    if (file.path == kWeights) wanted.push_back(file);
  }
  return wanted;
}

Result<void> check_wanted(const std::vector<HubFile>& files, const std::string& id) {
  const auto has = [&](std::string_view name) {
    return std::ranges::any_of(files, [&](const HubFile& file) { return file.path == name; });
  };
  const bool tokens = has("tokenizer.json") || has("vocab.txt");
  if (!has("config.json") || !has(kWeights) || !tokens) {
    return make_error(ErrorCode::kUnsupported,
                      "{} has no {}; torii reads encoders of the BERT family in one "
                      "model.safetensors with config.json and tokenizer.json or vocab.txt; choose "
                      "another model, or convert this one and give its folder",
                      id,
                      !has("config.json") ? "config.json"
                      : !has(kWeights)    ? kWeights
                                          : "tokenizer.json or vocab.txt");
  }
  for (const HubFile& file : files) {
    const std::uint64_t most = file.path == kWeights ? kWeightsMax : kOtherMax;
    if (file.size > most) {
      return make_error(ErrorCode::kUnsupported, "{}: {} has {} bytes, more than the limit of {}",
                        id, file.path, file.size, most);
    }
  }
  return {};
}

/// Size and hash against what the hub says. kCorrupt: the caller deletes it.
Result<void> verify(const fs::path& path, const HubFile& file, const std::string& url) {
  TORII_TRY(const MappedFile mapped, MappedFile::open(path));
  if (mapped.bytes().size() != file.size) {
    return make_error(ErrorCode::kCorrupt, "{}: expected {} bytes, found {}", url, file.size,
                      mapped.bytes().size());
  }
  const bool large = !file.sha256.empty();
  const std::string expected = large ? file.sha256 : file.git_blob;
  const std::string found = large ? sha256_hex(mapped.bytes()) : git_blob_hex(mapped.bytes());
  if (found == expected) return {};
  return make_error(ErrorCode::kCorrupt,
                    "{}: expected {} {}, found {}; it was changed or damaged on the way and has "
                    "been deleted; run this again, and look at the proxy if it stays so",
                    url, large ? "SHA-256" : "git hash", expected, found);
}

/// One download under the lock.
class Snapshot {
 public:
  Snapshot(const HubApi& api, net::HttpClient& client, std::string commit, fs::path part,
           Reporter& reporter)
      : api_(api),
        client_(client),
        commit_(std::move(commit)),
        part_(std::move(part)),
        reporter_(reporter) {}

  Result<void> fetch_all(const std::vector<HubFile>& files, const std::string& id) {
    std::uint64_t missing = 0;
    for (const HubFile& file : files) {
      if (!is_done(file)) missing += file.size - std::min(file.size, size_of(working(file)));
    }
    std::error_code error;
    const auto space = fs::space(part_, error);
    if (!error && space.available < missing) {
      return make_error(ErrorCode::kResourceExhausted,
                        "{}: {} MB are to be downloaded, only {} MB are free; make room, or put "
                        "the cache elsewhere with --cache=DIR",
                        part_.string(), missing / 1'000'000 + 1, space.available / 1'000'000);
    }
    reporter_.note(fmt::format("{:<14} {} of {}: {:.1f} MB to {}", "download", id,
                               net::shown(api_.endpoint()), static_cast<double>(missing) / 1e6,
                               part_.parent_path().string()));
    reporter_.begin("download", missing / kUnit, "kB");
    for (const HubFile& file : files) {
      // What the small files say may spare the large one.
      if (file.path == kWeights) TORII_TRY_VOID(check_family());
      if (!is_done(file)) TORII_TRY_VOID(fetch(file));
    }
    reporter_.end(fmt::format("{} at commit {}", id, commit_.substr(0, 12)));
    return {};
  }

 private:
  [[nodiscard]] fs::path working(const HubFile& file) const {
    return (part_ / file.path).concat(".download");
  }
  static std::uint64_t size_of(const fs::path& path) {
    std::error_code error;
    const auto size = fs::file_size(path, error);
    return error ? 0 : size;
  }
  /// A file takes its name only after it was verified.
  [[nodiscard]] bool is_done(const HubFile& file) const {
    std::error_code ignored;
    return fs::exists(part_ / file.path, ignored);
  }

  Result<void> check_family() {
    TORII_TRY_VOID(read_model_config({.model = part_}, 0));
    TORII_TRY([[maybe_unused]] const Tokenizer tokenizer, Tokenizer::open(part_));
    return {};
  }

  Result<void> fetch(const HubFile& file) {
    TORII_TRY_VOID(make_folder((part_ / file.path).parent_path()));
    const fs::path path = working(file);
    const std::string url = api_.file_url(commit_, file.path);
    for (bool again = true;;) {
      const std::uint64_t before = size_of(path);
      const auto tell = [&](std::uint64_t bytes) {
        if (bytes >= before) reporter_.progress((done_ + bytes - before) / kUnit, file.path);
      };
      TORII_TRY(
          const net::Download done,
          client_.download(url, api_.headers(), path, {.size_max = file.size, .progress = tell}));
      if (done.status != 200 && done.status != 206) {
        return with_context(api_.refusal(done.status, done.headers), file.path);
      }
      Result<void> sound = verify(path, file, net::shown(url));
      if (sound.ok()) {
        done_ += file.size - std::min(before, file.size);
        return give_name(path, part_ / file.path);
      }
      net::discard_download(path);
      // The first half may be what was wrong: once more, whole.
      if (done.resumed_at == 0 || !again) return sound;
      again = false;
    }
  }

  const HubApi& api_;
  net::HttpClient& client_;
  std::string commit_;
  fs::path part_;
  Reporter& reporter_;
  std::uint64_t done_ = 0;  ///< bytes of this call, files that are whole
};

}  // namespace

std::optional<std::string> find_snapshot(const fs::path& root, const std::string& revision) {
  std::string commit = revision;
  if (!is_commit(commit)) {
    const auto reference = read_file(reference_path(root, revision), kReferenceBytesMax);
    if (!reference.ok() || !is_commit(*reference)) return std::nullopt;
    commit = *reference;
  }
  std::error_code ignored;
  if (!fs::is_directory(root / commit, ignored)) return std::nullopt;
  return commit;
}

Result<std::string> download_snapshot(const HubName& name, const fs::path& root,
                                      const ModelPlaces& places, Reporter& reporter) {
  TORII_TRY(const HubApi api, HubApi::open(name, places.environment));
  TORII_TRY_VOID(make_folder(root / "refs"));
  FolderLock lock;
  TORII_TRY_VOID(lock.take(root / ".lock", reporter));
  if (auto found = find_snapshot(root, name.revision)) return *std::move(found);

  net::HttpClient client(places.environment, places.http, reporter);
  TORII_TRY(const std::string commit, api.commit(client));
  std::error_code ignored;
  if (!fs::is_directory(root / commit, ignored)) {
    TORII_TRY(const std::vector<HubFile> all, api.files(client, commit));
    const std::vector<HubFile> files = wanted_files(all);
    TORII_TRY_VOID(check_wanted(files, name.id()));
    const fs::path part = root / (commit + ".part");
    TORII_TRY_VOID(make_folder(part));
    TORII_TRY_VOID(Snapshot(api, client, commit, part, reporter).fetch_all(files, name.id()));
    TORII_TRY_VOID(give_name(part, root / commit));
  }
  if (name.revision != commit) {
    TORII_TRY_VOID(
        write_file_durably(reference_path(root, name.revision), std::string_view(commit)));
  }
  return commit;
}

}  // namespace torii::text

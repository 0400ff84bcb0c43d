#include "cli/remote_places.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <span>
#include <system_error>

#include "base/file.h"
#include "blob/blob.h"

namespace torii::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 6> kReadFlags = {"--bundle", "--against",     "--refit",
                                                        "--cache",  "--publication", "--metrics"};
constexpr std::array<std::string_view, 3> kWrittenFlags = {"--out", "--report", "--answer"};
constexpr std::size_t kFetchBytes = std::size_t{4} << 20;
constexpr std::string_view kManifestName = "bundle.json";  // what makes a folder a bundle
constexpr std::string_view kNothing = ".torii-nothing";    // a store has no empty folders: in one

Error local_error(const fs::path& path, std::string_view action, int number) {
  const bool full = number == ENOSPC || number == EDQUOT;
  return make_error(full ? ErrorCode::kResourceExhausted : ErrorCode::kIo, "{}: cannot {}: {}{}",
                    path.string(), action, errno_text(number),
                    full ? "; free some space, or name a folder on another disk in TMPDIR" : "");
}

Result<void> write_to(int file, std::span<const std::byte> bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(file, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return local_error(path, "write it", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
  }
  return {};
}

Result<void> fetch_object(const std::string& name, const fs::path& path,
                          const Environment& environment) {
  TORII_TRY(const auto object, blob::open(name, environment));
  std::error_code failure;
  fs::create_directories(path.parent_path(), failure);
  if (failure) return local_error(path.parent_path(), "create it", failure.value());
  const int file = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode_t{0600});
  if (file < 0) return local_error(path, "create it", errno);
  const auto copy = [&]() -> Result<void> {
    std::vector<std::byte> buffer(std::min<std::uint64_t>(kFetchBytes, object->size()));
    for (std::uint64_t at = 0; at < object->size();) {
      const auto piece = std::span(buffer).first(
          static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), object->size() - at)));
      TORII_TRY_VOID(object->read(at, piece));
      TORII_TRY_VOID(write_to(file, piece, path));
      at += piece.size();
    }
    return object->check_unchanged();
  };
  const Result<void> copied = copy();
  ::close(file);
  return copied;
}

Result<void> send_file(const fs::path& path, const std::string& name,
                       const Environment& environment) {
  TORII_TRY(const MappedFile file, MappedFile::open(path));
  TORII_TRY([[maybe_unused]] const bool written,
            blob::put(name, file.bytes(), blob::Existing::kReplace, environment));
  return {};
}

bool is_one_of(std::string_view flag, std::span<const std::string_view> flags) {
  return std::ranges::find(flags, flag) != flags.end();
}

}  // namespace

RemotePlaces::~RemotePlaces() {
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

Result<fs::path> RemotePlaces::local_for(const std::string& uri) {
  if (folder_.empty()) {
    const auto told = environment_.find("TMPDIR");
    const bool is_told = told != environment_.end() && !told->second.empty();
    std::string name = (is_told ? told->second : std::string("/tmp")) + "/torii-places-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) return local_error(name, "create it", errno);
    folder_ = name;
  }
  std::string_view last = uri;
  while (last.ends_with('/')) last.remove_suffix(1);
  last = last.substr(last.rfind('/') + 1);
  const fs::path place = folder_ / std::to_string(staged_.size());
  std::error_code failure;
  fs::create_directory(place, failure);
  if (failure) return local_error(place, "create it", failure.value());
  return place / last;
}

Result<std::vector<std::string>> RemotePlaces::bring(std::vector<std::string> words) {
  const bool goes_on = std::ranges::find(words, "--resume") != words.end();
  for (std::size_t i = 0; i < words.size() && words[i] != "--"; ++i) {
    const bool is_bare = words.front() == "bundle" && blob::is_remote(words[i]);
    const std::size_t equals = is_bare ? std::string::npos : words[i].find('=');
    const std::string flag = is_bare ? "bundle" : words[i].substr(0, equals);
    const bool is_output = is_one_of(flag, kWrittenFlags);
    if (!is_bare && !is_output && !is_one_of(flag, kReadFlags)) continue;
    const bool is_whole = equals == std::string::npos;  // the value is a word of its own
    if (!is_bare && is_whole && i + 1 == words.size()) break;
    std::string& value = is_whole && !is_bare ? words[++i] : words[i];
    const std::string uri = is_whole ? value : value.substr(equals + 1);
    if (!blob::is_remote(uri)) {
      if (flag == "--answer") local_answer_ = uri;
      continue;
    }
    if (flag == "--out" && goes_on) {
      return invalid(
          "--resume with --out={}: a checkpoint lies beside the bundle, in a folder here; name "
          "one, "
          "or begin anew without --resume",
          uri);
    }
    TORII_TRY(const fs::path local, local_for(uri));
    Staged staged{.flag = flag, .uri = uri, .local = local, .is_output = is_output};
    while (staged.uri.ends_with('/')) staged.uri.pop_back();
    if (!is_output) {
      if (auto fetched = fetch(staged); !fetched.ok()) return with_context(fetched.error(), flag);
    } else if (auto listed = blob::list(staged.uri, environment_);
               !listed.ok() && listed.error().code != ErrorCode::kNotFound) {
      return with_context(listed.error(), flag);  // better known before the work than after
    }
    staged_.push_back(std::move(staged));
    value = is_whole ? local.string() : flag + "=" + local.string();
  }
  return words;
}

Result<void> RemotePlaces::fetch(const Staged& staged) const {
  TORII_TRY(const auto entries, blob::list(staged.uri, environment_));
  for (const blob::Entry& entry : entries) {
    if (entry.name == staged.uri) return fetch_object(entry.name, staged.local, environment_);
    const fs::path path = entry.name.substr(staged.uri.size() + 1);
    if (path == kNothing) {
      std::error_code failure;
      fs::create_directory(staged.local, failure);
      continue;
    }
    if (path.is_absolute() || std::ranges::find(path, "..") != path.end()) {
      return make_error(ErrorCode::kCorrupt, "{}: the name leads out of its folder", entry.name);
    }
    TORII_TRY_VOID(fetch_object(entry.name, staged.local / path, environment_));
  }
  if (entries.empty()) return make_error(ErrorCode::kNotFound, "{}: there is nothing", staged.uri);
  return {};
}

Result<void> RemotePlaces::send_one(const Staged& staged) const {
  std::error_code failure;
  const fs::file_status status = fs::status(staged.local, failure);
  if (!fs::exists(status)) return {};  // the verb had nothing to write there
  if (!fs::is_directory(status)) return send_file(staged.local, staged.uri, environment_);
  std::vector<fs::path> paths;
  for (fs::recursive_directory_iterator entry(staged.local, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    // Locks of writers here mean nothing elsewhere.
    if (!entry->is_regular_file() || entry->path().extension() == ".lock") continue;
    paths.push_back(entry->path().lexically_relative(staged.local));
  }
  if (failure) return local_error(staged.local, "list it", failure.value());
  std::ranges::sort(paths);
  if (paths.empty()) {
    paths.emplace_back(kNothing);
    TORII_TRY_VOID(write_file_durably(staged.local / kNothing, std::string_view()));
  }
  const auto manifest = std::ranges::find(paths, fs::path(kManifestName));
  if (manifest != paths.end()) {
    std::rotate(manifest, manifest + 1, paths.end());
    // An older bundle of that name is none from now on, until the new one is whole.
    TORII_TRY([[maybe_unused]] const bool removed,
              blob::remove(fmt::format("{}/{}", staged.uri, kManifestName), environment_));
  }
  for (const fs::path& path : paths) {
    TORII_TRY_VOID(send_file(staged.local / path,
                             fmt::format("{}/{}", staged.uri, path.generic_string()),
                             environment_));
  }
  return {};
}

Result<void> RemotePlaces::send() {
  for (const Staged& staged : staged_) {
    if (!staged.is_output || staged.flag == "--answer") continue;
    if (auto sent = send_one(staged); !sent.ok()) return with_context(sent.error(), staged.flag);
  }
  return send_answer();
}

Result<void> RemotePlaces::send_answer() {
  TORII_TRY_VOID(rewrite_answer());
  for (const Staged& staged : staged_) {
    if (staged.flag != "--answer") continue;
    if (auto sent = send_one(staged); !sent.ok()) return with_context(sent.error(), staged.flag);
  }
  return {};
}

// The document of a call names places as they were given.
Result<void> RemotePlaces::rewrite_answer() const {
  fs::path answer = local_answer_;
  for (const Staged& staged : staged_) {
    if (staged.flag == "--answer") answer = staged.local;
  }
  if (answer.empty() || staged_.empty()) return {};
  const auto text = read_file(answer);
  if (!text.ok()) return {};  // the verb wrote none
  const std::string meant = shown(*text);
  if (meant == *text) return {};
  return write_file_durably(answer, meant);
}

std::string RemotePlaces::shown(std::string text) const {
  for (const Staged& staged : staged_) {
    const std::string local = staged.local.string();
    for (std::size_t at = 0; (at = text.find(local, at)) != std::string::npos;
         at += staged.uri.size()) {
      text.replace(at, local.size(), staged.uri);
    }
  }
  return text;
}

}  // namespace torii::cli

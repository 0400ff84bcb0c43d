#include "train/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "base/file.h"
#include "base/hash.h"

namespace torii::train {

namespace {

namespace fs = std::filesystem;

constexpr const char* kFormat = "torii-checkpoint";
constexpr int kVersion = 1;
constexpr const char* kSuffix = ".safetensors";
constexpr std::size_t kKept = 2;
constexpr double kCostShare = 0.02;    // of the time between two checkpoints
constexpr std::size_t kShownMax = 6;   // differences in a message
constexpr std::size_t kValueMax = 32;  // characters of a value in a message

// Number of a checkpoint by its name, "000017.safetensors"; nullopt for other files.
std::optional<std::int64_t> number_of(const fs::path& path) {
  const std::string name = path.filename().string();
  if (!name.ends_with(kSuffix)) return std::nullopt;
  const char* end = name.data() + name.size() - std::string_view(kSuffix).size();
  std::int64_t number = 0;
  const auto [stop, failure] = std::from_chars(name.data(), end, number);
  if (failure != std::errc() || stop != end || number < 1) return std::nullopt;
  return number;
}

// By number, the newest last.
std::map<std::int64_t, fs::path> files_in(const fs::path& folder) {
  std::map<std::int64_t, fs::path> files;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (const auto number = number_of(entry.path())) files.emplace(*number, entry.path());
  }
  return files;
}

// Covers everything that is read: facts, names, and bytes in the order of the names.
class Seal {
 public:
  Seal(std::string_view identity, std::string_view state) {
    text(kFormat);
    text(std::to_string(kVersion));
    text(identity);
    text(state);
  }
  void tensor(std::string_view name, std::span<const std::byte> bytes) {
    text(name);
    text(std::to_string(bytes.size()));
    hash_.update(bytes);
  }
  [[nodiscard]] std::string hex() { return to_hex(hash_.finish()); }

 private:
  void text(std::string_view value) {
    hash_.update(std::to_string(value.size()));
    hash_.update(":");
    hash_.update(value);
  }
  Sha256 hash_;
};

struct Opened {
  Json identity;
  Checkpoints::Saved saved;
};

Result<Opened> open_one(const fs::path& path) {
  const std::string where = path.string();
  const auto corrupt = [&](std::string_view why) {
    return make_error(ErrorCode::kCorrupt, "{}: {}", where, why);
  };
  TORII_TRY(SafetensorsFile tensors, SafetensorsFile::open(path));
  const auto fact = [&](std::string_view key) -> std::string {
    const auto found = tensors.metadata().find(key);
    return found == tensors.metadata().end() ? std::string() : found->second;
  };
  if (fact("format") != kFormat) return corrupt("this is no checkpoint of a training");
  if (const std::string version = fact("version"); version != std::to_string(kVersion)) {
    return make_error(
        ErrorCode::kUnsupported,
        "{}: the checkpoint has version {}, this torii knows {}; go on with the torii "
        "that wrote it, or start from the beginning without --resume",
        where, version, kVersion);
  }
  const std::string identity = fact("identity");
  const std::string state = fact("state");
  Seal seal(identity, state);
  for (const auto& [name, view] : tensors.tensors()) seal.tensor(name, view.bytes);
  if (seal.hex() != fact("sha256")) return corrupt("its bytes do not match their SHA-256");
  Opened opened;
  TORII_TRY(opened.identity, Json::parse(identity, where + ": identity"));
  TORII_TRY(opened.saved.state, Json::parse(state, where + ": state"));
  opened.saved.path = path;
  opened.saved.tensors = std::move(tensors);
  return opened;
}

// Leaves of a tree by their dotted names.
void flatten(const Json& tree, const std::string& name, std::map<std::string, std::string>& into) {
  if (!tree.is_object()) {
    std::string text = tree.is_string() ? tree.as_string() : tree.dump();
    if (text.size() > kValueMax) text = text.substr(0, kValueMax) + "...";
    into[name] = std::move(text);
    return;
  }
  for (const auto& [key, value] : tree.as_object()) {
    flatten(value, name.empty() ? key : name + "." + key, into);
  }
}

std::string differences(const Json& theirs, const Json& ours) {
  std::map<std::string, std::string> left, right;
  flatten(theirs, "", left);
  flatten(ours, "", right);
  std::vector<std::string> found;
  const auto shown = [](const std::string* value) { return value == nullptr ? "nothing" : *value; };
  const auto at = [](const std::map<std::string, std::string>& all, const std::string& key) {
    const auto it = all.find(key);
    return it == all.end() ? nullptr : &it->second;
  };
  std::map<std::string, std::string> keys = left;
  keys.insert(right.begin(), right.end());
  for (const auto& [key, ignored] : keys) {
    const std::string* was = at(left, key);
    const std::string* is = at(right, key);
    if (was != nullptr && is != nullptr && *was == *is) continue;
    found.push_back(fmt::format("{} was {} and is {}", key, shown(was), shown(is)));
  }
  const std::size_t more = found.size() - std::min(found.size(), kShownMax);
  found.resize(found.size() - more);
  return fmt::format("{}{}", fmt::join(found, "; "),
                     more > 0 ? fmt::format("; {} more", more) : "");
}

std::string place_text(const Json& state) {
  return fmt::format("epoch {}", state.int_at("epoch").value_or(0));
}

Result<void> check_place(const fs::path& folder) {
  std::error_code ignored;
  const fs::file_status status = fs::symlink_status(folder, ignored);
  if (status.type() == fs::file_type::not_found || fs::is_directory(folder, ignored)) return {};
  return invalid("{}: checkpoints of the training go there, but this is no folder; move it away",
                 folder.string());
}

void remove_quietly(const fs::path& path) {
  std::error_code ignored;
  fs::remove(path, ignored);
}

}  // namespace

Result<Checkpoints> Checkpoints::open(const fs::path& folder, Json identity,
                                      const CheckpointOptions& options, Reporter& reporter) {
  TORII_TRY_VOID(check_place(folder));
  Checkpoints checkpoints(folder, std::move(identity), options);
  const auto files = files_in(folder);
  if (files.empty()) {
    if (options.resume) reporter.note("no checkpoint is there: starts from the beginning");
    return checkpoints;
  }
  checkpoints.next_ = files.rbegin()->first + 1;
  std::string faults;
  for (auto it = files.rbegin(); it != files.rend(); ++it) {
    auto opened = open_one(it->second);
    if (!opened.ok()) {
      if (options.resume && opened.error().code == ErrorCode::kUnsupported) return opened.error();
      reporter.warn(fmt::format("a checkpoint cannot be used: {}", opened.error().message));
      faults = opened.error().message;
      continue;
    }
    if (!options.resume) {
      reporter.warn(fmt::format(
          "{}: a training that did not end is kept there ({}); this run starts from the "
          "beginning and replaces it with its first checkpoint. To go on with the old "
          "one, stop now and add --resume",
          folder.string(), place_text(opened->saved.state)));
      return checkpoints;
    }
    if (opened->identity != checkpoints.identity_) {
      return invalid(
          "--resume: {} is of another training: {}. Go on with what it was started with, or start "
          "from the beginning without --resume",
          it->second.string(), differences(opened->identity, checkpoints.identity_));
    }
    for (auto kept = files.begin(); kept->first <= it->first; ++kept) {
      checkpoints.ours_.push_back(kept->second);
      if (kept->first == it->first) break;
    }
    checkpoints.saved_ = std::move(opened->saved);
    return checkpoints;
  }
  if (!options.resume) return checkpoints;
  return make_error(ErrorCode::kCorrupt,
                    "--resume: no checkpoint in {} can be used ({}); start from the beginning "
                    "without --resume",
                    folder.string(), faults);
}

bool Checkpoints::due(bool epoch_ended) const {
  const double since = std::chrono::duration<double>(Clock::now() - last_).count();
  if (since * kCostShare < cost_s_) return false;
  return options_.interval_s > 0.0 ? since >= options_.interval_s : epoch_ended;
}

Result<void> Checkpoints::write(const Json& state, std::span<const StateTensor> tensors) {
  const Clock::time_point begun = Clock::now();
  // Whatever comes of it, the next try is an interval away.
  const auto ended = [&] {
    last_ = Clock::now();
    cost_s_ = std::chrono::duration<double>(last_ - begun).count();
  };
  const auto write_one = [&](const fs::path& path) -> Result<void> {
    std::error_code failure;
    fs::create_directories(folder_, failure);
    if (failure) {
      return make_error(ErrorCode::kIo, "{}: cannot create the folder: {}", folder_.string(),
                        failure.message());
    }
    const std::string identity = identity_.dump();
    const std::string facts = state.dump();
    SafetensorsWriter writer;
    std::map<std::string_view, std::span<const std::byte>> ordered;
    for (const StateTensor& tensor : tensors) {
      writer.add(tensor.name, {tensor.values.size()}, tensor.values);
      ordered.emplace(tensor.name, std::as_bytes(tensor.values));
    }
    Seal seal(identity, facts);
    for (const auto& [name, bytes] : ordered) seal.tensor(name, bytes);
    writer.add_metadata("format", kFormat);
    writer.add_metadata("version", std::to_string(kVersion));
    writer.add_metadata("identity", identity);
    writer.add_metadata("state", facts);
    writer.add_metadata("sha256", seal.hex());
    return writer.write(path);
  };
  const fs::path path = folder_ / fmt::format("{:06}{}", next_, kSuffix);
  auto written = write_one(path);
  if (written.ok()) {
    ++next_;
    ours_.push_back(path);
    if (ours_.size() > kKept) ours_.erase(ours_.begin(), ours_.end() - kKept);
    for (const auto& [number, other] : files_in(folder_)) {
      if (std::ranges::find(ours_, other) == ours_.end()) remove_quietly(other);
    }
  }
  ended();
  return written;
}

void Checkpoints::remove() {
  saved_.reset();
  for (const auto& [number, path] : files_in(folder_)) remove_quietly(path);
  ours_.clear();
  remove_quietly(folder_);  // only if it is empty
}

}  // namespace torii::train

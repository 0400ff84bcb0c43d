#include "cli/lineage.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <chrono>
#include <span>

#include "blob/blob.h"

namespace torii::cli {
namespace {

constexpr std::uint64_t kLoadBytesMax = std::uint64_t{1} << 20;
constexpr std::string_view kInteractions = "interactions.parquet";

// nullopt: there is none.
Result<std::optional<std::string>> read_load_file(const std::string& name,
                                                  const Environment& environment) {
  auto object = blob::open(name, environment);
  if (!object.ok()) {
    if (object.error().code == ErrorCode::kNotFound) return std::optional<std::string>();
    return std::move(object).error();
  }
  if ((*object)->size() > kLoadBytesMax) {
    return make_error(ErrorCode::kCorrupt, "{}: {} bytes, more than `torii load` writes", name,
                      (*object)->size());
  }
  std::string text((*object)->size(), '\0');
  TORII_TRY_VOID((*object)->read(0, std::as_writable_bytes(std::span(text))));
  return std::optional(std::move(text));
}

// Whether the tables have the sizes that were written.
Result<bool> is_untouched(const Json& document, const std::string& folder,
                          const Environment& environment) {
  const Json* tables = document.find("tables");
  if (tables == nullptr || !tables->is_object()) return false;
  for (const auto& [name, facts] : tables->as_object()) {
    auto object = blob::open(folder + name, environment);
    if (!object.ok() && object.error().code == ErrorCode::kNotFound) return false;
    if (!object.ok()) return std::move(object).error();
    const auto bytes = facts.int_at("bytes");
    if (!bytes || static_cast<std::uint64_t>(*bytes) != (*object)->size()) return false;
  }
  return true;
}

}  // namespace

Result<std::optional<Json>> records_of_data(const Session& session, const Config& config) {
  const std::string& path = config.data.interactions.path;
  if (!path.ends_with(kInteractions) || !config.data.interactions.table.empty() ||
      !config.data.interactions.query.empty()) {
    return std::optional<Json>();
  }
  const std::string folder = path.substr(0, path.size() - kInteractions.size());
  if (!folder.empty() && !folder.ends_with('/')) return std::optional<Json>();
  const std::string name = folder + kLoadFile;
  TORII_TRY(const auto text, read_load_file(name, session.environment()));
  if (!text) return std::optional<Json>();
  TORII_TRY(const Json document, Json::parse(*text, name));
  const auto version = document.int_at("version");
  const Json* records = document.find("records");
  if (document.string_at("format") != "torii-load" || !version || records == nullptr ||
      !records->is_object() || !records->int_at("seq")) {
    return make_error(ErrorCode::kCorrupt, "{}: is not what `torii load` writes", name);
  }
  if (*version > kLoadVersion) {
    return make_error(ErrorCode::kUnsupported,
                      "{}: written by a newer torii (format {}; this one reads {})", name, *version,
                      kLoadVersion);
  }
  TORII_TRY(const bool untouched, is_untouched(document, folder, session.environment()));
  if (untouched) return std::optional<Json>(*records);
  session.reporter().warn(fmt::format(
      "{}: the tables beside it are not those that `torii load` wrote; nothing is taken from it",
      name));
  return std::optional<Json>();
}

std::string who(const Session& session) {
  std::string user = "unknown";
  for (const char* name : {"USER", "LOGNAME"}) {
    const auto it = session.environment().find(name);
    if (it != session.environment().end() && !it->second.empty()) {
      user = it->second;
      break;
    }
  }
  utsname system{};
  return fmt::format("{}@{}", user, ::uname(&system) == 0 ? system.nodename : "unknown");
}

std::int64_t now_ms() {
  using std::chrono::system_clock;
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             system_clock::now().time_since_epoch())
      .count();
}

}  // namespace torii::cli

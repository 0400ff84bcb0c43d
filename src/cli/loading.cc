#include "cli/loading.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/layout.h"
#include "cli/terminal.h"
#include "model/bundle_manifest.h"
#include "text/model_source.h"

namespace torii::cli {

Stopwatch::Stopwatch() : begun_(steady_seconds()), last_(begun_) {}

void Stopwatch::lap(std::string name) {
  const double now = steady_seconds();
  laps_.emplace_back(std::move(name), now - last_);
  last_ = now;
}

double Stopwatch::total() const {
  return steady_seconds() - begun_;
}

Json Stopwatch::seconds() const {
  Json object = Json::object();
  for (const auto& [name, seconds] : laps_) object.set(name, seconds);
  object.set("total", total());
  return object;
}

Result<data::LoadedDataset> load_data(const Session& session, const Config& config,
                                      const data::SplitSpec* split) {
  Reporter& reporter = session.reporter();
  std::vector<std::string> extra;
  if (split != nullptr && split->kind == data::SplitSpec::Kind::kColumn) {
    extra.push_back(split->column);
  }
  reporter.begin("data", 0, "rows");
  TORII_TRY(ThreadPool * pool, session.pool());
  TORII_TRY(data::LoadedDataset loaded,
            data::load_dataset(
                config.data, extra,
                {.environment = &session.environment(), .pool = pool, .reporter = &reporter}));
  const data::Dataset& dataset = loaded.dataset;
  reporter.end(fmt::format("{} users, {} items, {} interactions", grouped(dataset.users.size()),
                           grouped(dataset.items.size()), grouped(dataset.interactions.size())));
  for (const auto& [reason, rows] : dataset.dropped) {
    const auto examples = dataset.dropped_examples.find(reason);
    const bool shown = examples != dataset.dropped_examples.end() && !examples->second.empty();
    reporter.warn(fmt::format(
        "{}: {} rows left out{}", reason, grouped(rows),
        shown ? fmt::format("; for example {}", examples->second.front()) : std::string()));
  }
  for (const auto& [finding, count] : dataset.findings) {
    reporter.note(fmt::format("{:<14} {}: {}", "", finding, grouped(count)));
  }
  return loaded;
}

void set_findings(Json& document, const data::Dataset& dataset) {
  Json dropped = Json::object();
  for (const auto& [reason, rows] : dataset.dropped) dropped.set(reason, rows);
  Json findings = Json::object();
  for (const auto& [finding, count] : dataset.findings) findings.set(finding, count);
  document.set("dropped", std::move(dropped)).set("findings", std::move(findings));
  if (dataset.dropped_examples.empty()) return;
  Json examples = Json::object();
  for (const auto& [reason, rows] : dataset.dropped_examples) {
    Json list = Json::array();
    for (const std::string& row : rows) list.push(row);
    examples.set(reason, std::move(list));
  }
  document.set("dropped_examples", std::move(examples));
}

Result<std::unique_ptr<text::TextVectors>> open_texts(Session& session, Config& config,
                                                      const std::filesystem::path& cache) {
  const text::ModelPlaces places = {
      .shipped = session.shared("models"),
      .cache = session.cache_folder(),
      .environment = session.environment(),
      .http = {.seed = static_cast<std::uint64_t>(steady_seconds() * 1e6)}};
  TORII_TRY(text::ResolvedModel model,
            text::resolve_model(config.model.text_model, places, session.reporter()));
  config.model.text_model = std::move(model.name);
  text::EncoderOptions options;
  options.model = std::move(model.folder);
  options.tokens_max = config.model.text_tokens_max;
  TORII_TRY(ThreadPool * pool, session.pool());
  options.threads = pool->threads();
  return text::open_cached_encoder(options, cache.empty() ? session.cache_folder() : cache);
}

namespace {

namespace fs = std::filesystem;

fs::path without_slash(const std::string& path) {  // "x/" means x
  std::string plain = path;
  while (plain.size() > 1 && plain.ends_with('/')) plain.pop_back();
  return plain;
}

Result<void> check_parent(const fs::path& path, const std::string& out,
                          std::string_view flag = "--out") {
  std::error_code ignored;
  const fs::path parent = path.parent_path();
  if (parent.empty() || fs::is_directory(parent, ignored)) return {};
  return make_error(ErrorCode::kNotFound, "{}={}: there is no folder {}; make it first", flag, out,
                    parent.string());
}

bool is_empty_folder(const fs::path& path) {
  std::error_code failure;
  return fs::is_directory(path, failure) && fs::is_empty(path, failure) && !failure;
}

}  // namespace

Result<void> check_file_place(const std::string& out, std::string_view flag,
                              std::string_view example) {
  std::error_code ignored;
  TORII_TRY_VOID(check_parent(out, out, flag));
  if (!out.ends_with('/') && !fs::is_directory(out, ignored)) return {};
  return invalid("{}={}: this is a folder; name a file, for example {}", flag, out,
                 (without_slash(out) / example).string());
}

Result<void> check_not_data(const std::string& out, std::string_view flag,
                            const data::DataOptions& data) {
  std::error_code ignored;
  const fs::path place = fs::weakly_canonical(out, ignored);
  for (const std::string& table : {data.users.path, data.items.path, data.interactions.path}) {
    if (table.empty()) continue;
    const fs::path read = fs::canonical(table, ignored);
    for (fs::path at = place; !read.empty(); at = at.parent_path()) {
      if (at == read) {
        return invalid("{}={}: this is data that is read ({}); name another place", flag, out,
                       table);
      }
      if (!at.has_relative_path()) break;
    }
  }
  return {};
}

Result<void> check_bundle_place(const std::string& out) {
  std::error_code ignored;
  const fs::path path = without_slash(out);
  TORII_TRY_VOID(check_parent(path, out));
  if (fs::symlink_status(path, ignored).type() == fs::file_type::not_found) return {};
  if (is_empty_folder(path) || model::is_bundle_folder(path)) return {};
  if (fs::exists(path / model::kManifestFile, ignored)) {
    return invalid(
        "--out={}: this holds more than a bundle ({}), which would be lost; give another name, or "
        "take it out first",
        out, fmt::join(model::foreign_files(path), ", "));
  }
  return invalid("--out={}: this is there already and is no bundle; give another name", out);
}

Result<void> check_tables_place(const std::string& out, std::span<const char* const> names) {
  std::error_code ignored;
  const fs::path path = without_slash(out);
  for (fs::path at = path; !at.empty() && at != at.root_path(); at = at.parent_path()) {
    if (!fs::exists(at, ignored)) continue;
    if (!fs::is_directory(at, ignored)) {
      return invalid("--out={}: {} is a file; name a folder", out, at.string());
    }
    break;
  }
  if (!fs::exists(path, ignored) || is_empty_folder(path)) return {};
  if (fs::exists(path / model::kManifestFile, ignored)) {
    return invalid("--out={}: this is a bundle; name another folder", out);
  }
  for (const char* name : names) {
    if (fs::exists(path / name, ignored)) return {};
  }
  return invalid("--out={}: there is something else in this folder; name a new one", out);
}

bool has_text(const features::Spec& spec) {
  return !spec.user.text.empty() || !spec.item.text.empty();
}

Result<EncodedData> encode_data(const Session& session, const data::Dataset& dataset,
                                const features::Spec& spec, text::TextVectors* texts) {
  EncodedData encoded;
  TORII_TRY(encoded.users, features::encode(dataset.user_table, spec.user, spec.text_identity,
                                            texts, session.reporter()));
  TORII_TRY(encoded.items, features::encode(dataset.item_table, spec.item, spec.text_identity,
                                            texts, session.reporter()));
  return encoded;
}

}  // namespace torii::cli

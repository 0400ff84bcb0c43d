#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "blob/blob.h"
#include "data/interactions.h"

namespace torii::data {
namespace {

constexpr const char* kTableHelp =
    "Table or view of the database that path names (sqlite:FILE, postgres://user@host/database): "
    "users, shop.users.";
constexpr const char* kQueryHelp =
    "Instead of a table: one SELECT of the database that path names; with ORDER BY where the order "
    "of equal times matters.";

}  // namespace

void declare(DataOptions& options, OptionSet& set) {
  set.text(
      "data.users.path", &options.users.path,
      "Table of users, one row each: a Parquet, CSV or JSONL file, a folder of such files, or a "
      "glob (events/*.parquet), also s3://BUCKET/...; empty: users are known by id only.");
  set.text("data.users.table", &options.users.table, kTableHelp);
  set.text("data.users.query", &options.users.query, kQueryHelp);
  set.text("data.users.id", &options.users.id, "Column of the users table that holds the id.");
  set.text("data.items.path", &options.items.path,
           "Table of items, one row each, as data.users.path; empty: items are known by id only.");
  set.text("data.items.table", &options.items.table, kTableHelp);
  set.text("data.items.query", &options.items.query, kQueryHelp);
  set.text("data.items.id", &options.items.id, "Column of the items table that holds the id.");
  InteractionOptions& rows = options.interactions;
  set.text("data.interactions.path", &rows.path,
           "Table of what people did, one row for each interaction, as data.users.path.");
  set.text("data.interactions.table", &rows.table, kTableHelp);
  set.text("data.interactions.query", &rows.query, kQueryHelp);
  set.text("data.interactions.user_id", &rows.user_id, "Column with the user's id.");
  set.text("data.interactions.item_id", &rows.item_id, "Column with the item's id.");
  set.text("data.interactions.timestamp", &rows.timestamp,
           "Column with the time: timestamps, ISO 8601 text, or numbers (seconds, ms, us or ns, by "
           "their size). Optional.");
  set.text("data.interactions.position", &rows.position,
           "Column with the order inside a user; decides where times are equal or missing. "
           "Optional.");
  set.text("data.interactions.type", &rows.type,
           "Column with the kind of interaction (view, purchase, ...). Optional.");
  set.text("data.interactions.rating", &rows.rating, "Column with the rating. Optional.");
  set.text("data.interactions.quantity", &rows.quantity, "Column with the quantity. Optional.");
  set.texts(
      "data.interactions.negative_types", &rows.negative_types,
      "Types that do not count as positive; cart_remove, which takes a cart back, never does.");
  set.number("data.interactions.min_rating", &rows.min_rating, -1e9, 1e9,
             "Rows with a lower rating do not count as positive; 0 turns this off.");
  FeastOptions& feast = options.feast;
  set.text("data.feast.repo", &feast.repo,
           "Instead of paths: a Feast repository (its folder, or its feature_store.yaml), whose "
           "feature services hold the tables. See docs/feast.md.");
  set.text("data.feast.users", &feast.users,
           "Feature service with the features of users, such as user_service; empty: users are "
           "known by id only.");
  set.text("data.feast.items", &feast.items,
           "Feature service with the features of items; empty: items are known by id only.");
  set.text("data.feast.interactions", &feast.interactions,
           "Feature service whose view has the keys of users and of items: one row for each "
           "interaction.");
  set.text("data.feast.as_of", &feast.as_of,
           "Of each user and item the newest row up to this time counts (ISO 8601); now unless "
           "told.");
  const auto more = [&](const std::string& key, MoreRows& fresh, const char* what) {
    set.text(key + ".path", &fresh.path, what);
    set.text(key + ".table", &fresh.table, kTableHelp);
    set.text(key + ".query", &fresh.query, kQueryHelp);
  };
  more("data.new_users", options.new_users,
       "Users who came since the table of users was made: a file or database with the same "
       "columns, as data.users.path; where both have an id, these rows win.");
  more("data.stream", options.stream,
       "Interactions since the table of interactions was made, likewise; all rows are appended.");
  set.text("data.delimiter", &options.delimiter,
           "Character between the fields of CSV files; empty: a tab for .tsv, else a comma.");
  set.texts("data.null_values", &options.null_values,
            "Texts that mean 'no value', beside the empty field of CSV.");
  set.number("data.bad_rows_max", &options.bad_rows_max, 0.0, 1.0,
             "Share of a table's rows that may be unusable (no id; a time, position, rating or "
             "quantity that is none); above it, the data is refused. A single one always passes, "
             "unless this is 0.");
}

bool names_data(const DataOptions& options) {
  return !options.interactions.path.empty() || !options.feast.repo.empty();
}

void resolve_paths(DataOptions& options, const std::filesystem::path& folder) {
  for (std::string* path : {&options.users.path, &options.items.path, &options.interactions.path,
                            &options.feast.repo, &options.new_users.path, &options.stream.path}) {
    if (path->empty() || path->find("://") != std::string::npos) continue;
    constexpr std::string_view kSqlite = "sqlite:";
    if (path->starts_with(kSqlite)) {
      *path = std::string(kSqlite) +
              (folder / path->substr(kSqlite.size())).lexically_normal().string();
      continue;
    }
    *path = (folder / *path).lexically_normal().string();
  }
}

namespace {

namespace fs = std::filesystem;

// What lies in a folder itself; names of folders end in '/'.
Result<std::vector<std::string>> names_in(const std::string& folder,
                                          const Environment& environment) {
  std::set<std::string> names;
  if (blob::is_remote(folder)) {
    std::string prefix = folder;
    if (!prefix.ends_with('/')) prefix += '/';
    TORII_TRY(const auto entries, blob::list(folder, environment));
    for (const blob::Entry& entry : entries) {
      if (!entry.name.starts_with(prefix)) continue;
      const std::string rest = entry.name.substr(prefix.size());
      const std::size_t slash = rest.find('/');
      names.insert(slash == rest.npos ? rest : rest.substr(0, slash + 1));
    }
    return std::vector(names.begin(), names.end());
  }
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    if (fs::exists(folder, error)) {
      return invalid(
          "{}: this is a file; expected the folder that holds interactions.parquet (or name files "
          "in torii.yaml: data.interactions.path)",
          folder);
    }
    return make_error(ErrorCode::kNotFound, "{}: no such folder", folder);
  }
  fs::directory_iterator entries(folder, error);
  if (error) return make_error(ErrorCode::kIo, "{}: {}", folder, error.message());
  for (; entries != fs::directory_iterator(); entries.increment(error)) {
    if (error) return make_error(ErrorCode::kIo, "{}: {}", folder, error.message());
    std::error_code ignored;
    const bool is_folder = entries->is_directory(ignored);
    names.insert(entries->path().filename().string() + (is_folder ? "/" : ""));
  }
  return std::vector(names.begin(), names.end());
}

// The one file or folder of that name in any table format; "" if there is none.
Result<std::string> find_table(const std::string& folder, std::string_view name,
                               std::string_view atomic_ending,
                               const std::vector<std::string>& there) {
  static constexpr std::string_view kEndings[] = {"",          ".parquet",  ".csv",    ".tsv",
                                                  ".jsonl",    ".ndjson",   ".csv.gz", ".tsv.gz",
                                                  ".jsonl.gz", ".ndjson.gz"};
  std::vector<std::string> found;
  for (const std::string& entry : there) {
    const bool is_folder = entry.ends_with('/');
    const std::string plain = is_folder ? entry.substr(0, entry.size() - 1) : entry;
    const bool named = std::any_of(std::begin(kEndings), std::end(kEndings), [&](auto ending) {
      return (is_folder || !ending.empty()) && plain == fmt::format("{}{}", name, ending);
    });
    if (named || (!is_folder && plain.ends_with(atomic_ending))) found.push_back(entry);
  }
  if (found.empty()) return std::string();
  if (found.size() > 1) {
    return invalid("{}: there are several tables of {} ({}); keep one, or name it in torii.yaml",
                   folder, name, fmt::join(found, ", "));
  }
  return fmt::format("{}{}{}", folder, folder.ends_with('/') ? "" : "/", found.front());
}

}  // namespace

Result<DataOptions> options_for_folder(const std::string& folder, DataOptions defaults,
                                       const Environment& environment) {
  TORII_TRY(const std::vector<std::string> names, names_in(folder, environment));
  TORII_TRY(defaults.users.path, find_table(folder, "users", ".user", names));
  TORII_TRY(defaults.items.path, find_table(folder, "items", ".item", names));
  TORII_TRY(defaults.interactions.path, find_table(folder, "interactions", ".inter", names));
  if (defaults.interactions.path.empty()) {
    return make_error(
        ErrorCode::kNotFound,
        "{}: no interactions.parquet (or interactions.csv, .tsv, .jsonl, a folder interactions/ of "
        "such files, NAME.inter); expected a folder with interactions and, optionally, users and "
        "items",
        folder);
  }
  return defaults;
}

}  // namespace torii::data

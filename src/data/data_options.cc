#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <system_error>

#include "data/interactions.h"

namespace torii::data {

void declare(DataOptions& options, OptionSet& set) {
  set.text("data.users.path", &options.users.path,
           "Table of users, one row each (Parquet or CSV); empty: users are known by id only.");
  set.text("data.users.id", &options.users.id, "Column of the users table that holds the id.");
  set.text("data.items.path", &options.items.path,
           "Table of items, one row each (Parquet or CSV); empty: items are known by id only.");
  set.text("data.items.id", &options.items.id, "Column of the items table that holds the id.");
  InteractionOptions& rows = options.interactions;
  set.text("data.interactions.path", &rows.path,
           "Table of what people did, one row for each interaction (Parquet or CSV).");
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
  set.texts("data.interactions.negative_types", &rows.negative_types,
            "Types that do not count as positive.");
  set.number("data.interactions.min_rating", &rows.min_rating, -1e9, 1e9,
             "Rows with a lower rating do not count as positive; 0 turns this off.");
  set.text("data.delimiter", &options.delimiter,
           "Character between the fields of CSV files; empty: a tab for .tsv, else a comma.");
  set.texts("data.null_values", &options.null_values,
            "Texts that mean 'no value' in CSV files, beside the empty field.");
}

void resolve_paths(DataOptions& options, const std::filesystem::path& folder) {
  for (std::string* path : {&options.users.path, &options.items.path, &options.interactions.path}) {
    if (!path->empty()) *path = (folder / *path).lexically_normal().string();
  }
}

namespace {

namespace fs = std::filesystem;

// The one file of that name in any table format; "" if there is none.
Result<std::string> find_table(const fs::path& folder, std::string_view name,
                               std::string_view atomic_ending, const std::vector<fs::path>& files) {
  static constexpr std::string_view kEndings[] = {".parquet", ".csv", ".tsv", ".csv.gz", ".tsv.gz"};
  std::vector<std::string> found;
  for (const fs::path& file : files) {
    const std::string text = file.filename().string();
    const bool named = std::any_of(std::begin(kEndings), std::end(kEndings), [&](auto ending) {
      return text == fmt::format("{}{}", name, ending);
    });
    if (named || file.extension() == atomic_ending) found.push_back(text);
  }
  if (found.empty()) return std::string();
  if (found.size() > 1) {
    return invalid("{}: there are several tables of {} ({}); keep one, or name it in torii.yaml",
                   folder.string(), name, fmt::join(found, ", "));
  }
  return (folder / found.front()).string();
}

}  // namespace

Result<DataOptions> options_for_folder(const std::string& folder, DataOptions defaults) {
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
  std::vector<fs::path> files;
  fs::directory_iterator entries(folder, error);
  if (error) return make_error(ErrorCode::kIo, "{}: {}", folder, error.message());
  for (; entries != fs::directory_iterator(); entries.increment(error)) {
    if (error) return make_error(ErrorCode::kIo, "{}: {}", folder, error.message());
    files.push_back(entries->path());
  }
  std::sort(files.begin(), files.end());
  TORII_TRY(defaults.users.path, find_table(folder, "users", ".user", files));
  TORII_TRY(defaults.items.path, find_table(folder, "items", ".item", files));
  TORII_TRY(defaults.interactions.path, find_table(folder, "interactions", ".inter", files));
  if (defaults.interactions.path.empty()) {
    return make_error(
        ErrorCode::kNotFound,
        "{}: no interactions.parquet (or interactions.csv, .tsv, NAME.inter); expected "
        "a folder with interactions and, optionally, users and items",
        folder);
  }
  return defaults;
}

}  // namespace torii::data

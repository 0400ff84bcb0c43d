#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "base/options.h"
#include "data/table.h"
#include "data/table_source.h"

namespace torii::data {
namespace {

Result<void> check_readable(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    return make_error(ErrorCode::kNotFound, "{}: no such file", path.string());
  }
  if (error) return make_error(ErrorCode::kIo, "{}: {}", path.string(), error.message());
  if (status.type() == std::filesystem::file_type::directory) {
    return invalid("{}: expected a file, found a folder; name one Parquet or CSV file",
                   path.string());
  }
  return {};
}

bool is_asked_for(const ReadOptions& options, const std::string& name) {
  const auto has = [&](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  return has(options.columns) || has(options.optional_columns);
}

}  // namespace

Result<FileFormat> file_format(const std::filesystem::path& path, const ReadOptions& options) {
  std::filesystem::path name = path.filename();
  if (name.extension() == ".gz") name.replace_extension();
  const std::string ending = name.extension().string();
  const bool atomic = ending == ".inter" || ending == ".user" || ending == ".item";
  if (options.format == "parquet") return FileFormat::kParquet;
  if (options.format == "csv") return atomic ? FileFormat::kAtomic : FileFormat::kCsv;
  if (!options.format.empty()) {
    return invalid("format '{}': expected parquet or csv", options.format);
  }
  if (atomic) return FileFormat::kAtomic;
  if (ending == ".csv" || ending == ".tsv") return FileFormat::kCsv;
  if (path.extension() == ".parquet" || path.extension() == ".pq") return FileFormat::kParquet;
  return invalid(
      "{}: cannot tell the format from the ending; expected .parquet, .csv, .tsv (also .csv.gz, "
      ".tsv.gz) or .inter, .user, .item",
      path.string());
}

bool is_named(const ReadOptions& options, const std::string& name) {
  const auto& texts = options.text_columns;
  return is_asked_for(options, name) || std::find(texts.begin(), texts.end(), name) != texts.end();
}

bool is_text_format(const std::filesystem::path& path) {
  const auto format = file_format(path, {});
  return format.ok() && *format != FileFormat::kParquet;
}

Result<std::vector<int>> select_columns(const std::vector<std::string>& names,
                                        const ReadOptions& options, const std::string& source) {
  for (const std::string& wanted : options.columns) {
    if (std::find(names.begin(), names.end(), wanted) != names.end()) continue;
    const auto near = nearest(wanted, names);
    // One name with separators in it: the whole head was read as one field.
    const bool one = names.size() == 1 && names[0].find_first_of(";\t|") != std::string::npos;
    return invalid(
        "{}: no column '{}'{}; columns there are: {}{}", source, wanted,
        near && !one ? fmt::format(" (did you mean '{}'?)", *near) : "", fmt::join(names, ", "),
        one ? "; if the fields are parted by another character, name it: data.delimiter" : "");
  }
  const bool all = options.columns.empty() && options.optional_columns.empty();
  std::vector<int> places;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!all && !is_asked_for(options, names[i])) continue;
    if (std::count(names.begin(), names.end(), names[i]) > 1) {
      return invalid("{}: there are several columns '{}'; rename them", source, names[i]);
    }
    places.push_back(static_cast<int>(i));
  }
  return places;
}

Result<Table> read_table(const std::filesystem::path& path, const ReadOptions& options) {
  TORII_TRY_VOID(check_readable(path));
  TORII_TRY(const FileFormat format, file_format(path, options));
  return format == FileFormat::kParquet ? read_parquet(path, options)
                                        : read_csv(path, options, format);
}

Result<std::vector<std::string>> column_names(const std::filesystem::path& path,
                                              const ReadOptions& options) {
  TORII_TRY_VOID(check_readable(path));
  TORII_TRY(const FileFormat format, file_format(path, options));
  return format == FileFormat::kParquet ? parquet_column_names(path)
                                        : csv_column_names(path, options, format);
}

}  // namespace torii::data

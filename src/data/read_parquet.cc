#include <arrow/chunked_array.h>
#include <arrow/io/file.h>
#include <arrow/type.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>

#include <exception>
#include <map>
#include <system_error>

#include "data/arrow_convert.h"
#include "data/table_source.h"

namespace torii::data {
namespace {

struct OpenParquet {
  std::unique_ptr<parquet::arrow::FileReader> reader;
  std::shared_ptr<arrow::Schema> schema;
};

Result<OpenParquet> open(const std::filesystem::path& path) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  if (error) return make_error(ErrorCode::kIo, "{}: {}", path.string(), error.message());
  if (bytes == 0) {
    return make_error(ErrorCode::kCorrupt, "{}: the file is empty; expected a Parquet file",
                      path.string());
  }
  auto file = arrow::io::ReadableFile::Open(path.string());
  if (!file.ok()) return from_status(file.status(), path.string(), ErrorCode::kIo);
  OpenParquet result;
  parquet::arrow::FileReaderBuilder builder;
  auto status = builder.Open(*file);
  if (status.ok()) {
    // Read without Arrow's own threads: the processors belong to our pool.
    parquet::ArrowReaderProperties properties(false);
    properties.set_pre_buffer(false);
    builder.properties(properties);
    status = builder.Build(&result.reader);
  }
  if (status.ok()) status = result.reader->GetSchema(&result.schema);
  if (!status.ok()) {
    return from_status(status, fmt::format("{}: cannot be read as Parquet", path.string()),
                       ErrorCode::kCorrupt);
  }
  return result;
}

Result<Table> read(const std::filesystem::path& path, const ReadOptions& options) {
  TORII_TRY(OpenParquet file, open(path));
  const std::string source = path.filename().string();
  TORII_TRY(const std::vector<int> places,
            select_columns(file.schema->field_names(), options, source));
  std::vector<Column> columns;
  std::vector<std::string> skipped;
  std::map<std::string, std::uint64_t> repaired;
  for (const int place : places) {
    const auto& field = file.schema->field(place);
    const bool named = is_named(options, field->name());
    if (!is_convertible(*field->type()) && !named) {
      skipped.push_back(fmt::format("{} ({})", field->name(), field->type()->ToString()));
      continue;
    }
    const std::string where = fmt::format("{}: column '{}'", source, field->name());
    std::shared_ptr<arrow::ChunkedArray> array;
    const auto status = file.reader->ReadColumn(place, &array);
    if (!status.ok()) return from_status(status, where, ErrorCode::kCorrupt);
    // Bytes are text only if all of them are; a text column with some bad bytes is still text.
    const bool bytes = is_bytes(*field->type());
    auto converted = from_arrow(*array, field->name(), where,
                                named || bytes ? IllFormed::kRefuse : IllFormed::kRepair);
    if (!converted.ok()) {
      if (named || !bytes || converted.error().code != ErrorCode::kInvalidArgument) {
        return converted.error();
      }
      skipped.push_back(
          fmt::format("{} ({}, not text in UTF-8)", field->name(), field->type()->ToString()));
      continue;
    }
    if (converted->repaired > 0) repaired[field->name()] = converted->repaired;
    columns.push_back(std::move(converted->column));
  }
  for (const Column& column : columns) {
    if (column.size() != columns.front().size()) {
      return make_error(ErrorCode::kCorrupt, "{}: column '{}' has {} rows, but column '{}' {}",
                        source, column.name, column.size(), columns.front().name,
                        columns.front().size());
    }
  }
  Table table(std::move(columns), source);
  table.set_skipped(std::move(skipped));
  table.set_repaired(std::move(repaired));
  return table;
}

// The Parquet library throws where its Arrow side does not catch.
template <class Work>
auto guarded(const std::filesystem::path& path, const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (const parquet::ParquetException& exception) {
    return make_error(ErrorCode::kCorrupt, "{}: cannot be read as Parquet: {}", path.string(),
                      exception.what());
  }
}

}  // namespace

Result<Table> read_parquet(const std::filesystem::path& path, const ReadOptions& options) {
  return guarded(path, [&] { return read(path, options); });
}

Result<std::vector<std::string>> parquet_column_names(const std::filesystem::path& path) {
  return guarded(path, [&]() -> Result<std::vector<std::string>> {
    TORII_TRY(const OpenParquet file, open(path));
    return file.schema->field_names();
  });
}

}  // namespace torii::data

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/io/file.h>
#include <arrow/table.h>
#include <fmt/format.h>
#include <parquet/arrow/writer.h>
#include <parquet/exception.h>

#include <memory>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "data/arrow_convert.h"
#include "data/parquet_blocks.h"

namespace torii::data {
namespace {

// Calls `append(row)` for values and AppendNull for nulls.
template <class Builder, class Append>
arrow::Result<std::shared_ptr<arrow::Array>> build(const Column& column, Builder& builder,
                                                   const Append& append) {
  const std::size_t rows = column.size();
  ARROW_RETURN_NOT_OK(builder.Reserve(static_cast<std::int64_t>(rows)));
  for (std::size_t row = 0; row < rows; ++row) {
    ARROW_RETURN_NOT_OK(column.is_null(row) ? builder.AppendNull() : append(row));
  }
  return builder.Finish();
}

arrow::Result<std::shared_ptr<arrow::Array>> build_array(const Column& column) {
  auto* pool = arrow::default_memory_pool();
  switch (column.type) {
    case ColumnType::kInt64: {
      arrow::Int64Builder builder;
      return build(column, builder,
                   [&](std::size_t row) { return builder.Append(column.ints()[row]); });
    }
    case ColumnType::kTimestamp: {
      arrow::TimestampBuilder builder(arrow::timestamp(arrow::TimeUnit::MILLI), pool);
      return build(column, builder,
                   [&](std::size_t row) { return builder.Append(column.ints()[row]); });
    }
    case ColumnType::kFloat64: {
      arrow::DoubleBuilder builder;
      return build(column, builder,
                   [&](std::size_t row) { return builder.Append(column.doubles()[row]); });
    }
    case ColumnType::kBool: {
      arrow::BooleanBuilder builder;
      return build(column, builder,
                   [&](std::size_t row) { return builder.Append(column.bools()[row] != 0); });
    }
    case ColumnType::kString: {
      // 64-bit offsets in memory; in the file it is a plain string column either way.
      arrow::LargeStringBuilder builder;
      return build(column, builder,
                   [&](std::size_t row) { return builder.Append(column.strings()[row]); });
    }
    case ColumnType::kStringList: {
      auto values = std::make_shared<arrow::LargeStringBuilder>();
      arrow::LargeListBuilder builder(pool, values);
      const StringLists& lists = column.string_lists();
      return build(column, builder, [&](std::size_t row) -> arrow::Status {
        ARROW_RETURN_NOT_OK(builder.Append());
        for (std::uint64_t i = lists.offsets[row]; i < lists.offsets[row + 1]; ++i) {
          ARROW_RETURN_NOT_OK(values->Append(lists.values[i]));
        }
        return arrow::Status::OK();
      });
    }
    case ColumnType::kFloatList: {
      auto values = std::make_shared<arrow::FloatBuilder>();
      arrow::LargeListBuilder builder(pool, values);
      const FloatLists& lists = column.float_lists();
      return build(column, builder, [&](std::size_t row) -> arrow::Status {
        ARROW_RETURN_NOT_OK(builder.Append());
        const std::uint64_t begin = lists.offsets[row];
        return values->AppendValues(lists.values.data() + begin,
                                    static_cast<std::int64_t>(lists.offsets[row + 1] - begin));
      });
    }
  }
  return arrow::Status::Invalid("unknown column type");
}

std::shared_ptr<parquet::WriterProperties> properties() {
  return parquet::WriterProperties::Builder()
      .compression(parquet::Compression::ZSTD)
      ->version(parquet::ParquetVersion::PARQUET_2_6)
      ->build();
}

Result<std::shared_ptr<arrow::Table>> to_arrow(const Table& table) {
  std::vector<std::shared_ptr<arrow::Field>> fields;
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  for (const Column& column : table.columns()) {
    TORII_TRY(auto array, data::to_arrow(column));
    fields.push_back(arrow::field(column.name, array->type()));
    arrays.push_back(std::move(array));
  }
  return arrow::Table::Make(arrow::schema(std::move(fields)), std::move(arrays),
                            static_cast<std::int64_t>(table.rows()));
}

Result<void> write(const std::filesystem::path& path, const arrow::Table& table,
                   const std::string& name) {
  auto file = arrow::io::FileOutputStream::Open(path.string());
  if (!file.ok()) return from_status(file.status(), name, ErrorCode::kIo);
  // Arrow's own schema is not stored: the file shows plain Parquet types to every reader.
  constexpr std::int64_t kRowsPerGroup = 1 << 20;
  auto status = parquet::arrow::WriteTable(table, arrow::default_memory_pool(), *file,
                                           kRowsPerGroup, properties());
  if (status.ok()) status = (*file)->Close();
  if (!status.ok()) return from_status(status, name, ErrorCode::kIo);
  return {};
}

Result<void> write_blocks(const std::filesystem::path& path, const TableBlocks& next,
                          const std::string& name) {
  auto file = arrow::io::FileOutputStream::Open(path.string());
  if (!file.ok()) return from_status(file.status(), name, ErrorCode::kIo);
  std::unique_ptr<parquet::arrow::FileWriter> writer;
  std::shared_ptr<arrow::Schema> schema;
  for (;;) {
    TORII_TRY(const std::optional<Table> block, next());
    if (!block) break;
    TORII_TRY(const auto table, to_arrow(*block));
    if (!writer) {
      schema = table->schema();
      auto opened = parquet::arrow::FileWriter::Open(*schema, arrow::default_memory_pool(), *file,
                                                     properties());
      if (!opened.ok()) return from_status(opened.status(), name, ErrorCode::kIo);
      writer = std::move(*opened);
    }
    TORII_CHECK(table->schema()->Equals(*schema), "blocks of one table have the same columns");
    if (table->num_rows() == 0) continue;
    const auto status = writer->WriteTable(*table, table->num_rows());
    if (!status.ok()) return from_status(status, name, ErrorCode::kIo);
  }
  TORII_CHECK(writer != nullptr, "a table has a first block");
  auto status = writer->Close();
  if (status.ok()) status = (*file)->Close();
  if (!status.ok()) return from_status(status, name, ErrorCode::kIo);
  return {};
}

// write_durably_with(), with what the library throws as an error.
template <class Write>
Result<void> write_file(const std::filesystem::path& path, const Write& write) {
  return write_durably_with(path, [&](const std::filesystem::path& temporary) -> Result<void> {
    try {
      return write(temporary);
    } catch (const parquet::ParquetException& exception) {
      return make_error(ErrorCode::kIo, "{}: {}", path.string(), exception.what());
    }
  });
}

}  // namespace

Result<std::shared_ptr<arrow::Array>> to_arrow(const Column& column) {
  auto array = build_array(column);
  if (!array.ok()) {
    return from_status(array.status(), fmt::format("column '{}'", column.name),
                       ErrorCode::kInternal);
  }
  return *array;
}

Result<void> write_parquet(const std::filesystem::path& path, const Table& table) {
  TORII_TRY(const auto whole, to_arrow(table));
  return write_file(path, [&](const std::filesystem::path& temporary) {
    return write(temporary, *whole, path.string());
  });
}

Result<void> write_parquet_blocks(const std::filesystem::path& path, const TableBlocks& next) {
  return write_file(path, [&](const std::filesystem::path& temporary) {
    return write_blocks(temporary, next, path.string());
  });
}

}  // namespace torii::data

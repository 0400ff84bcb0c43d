#include <arrow/chunked_array.h>
#include <arrow/io/interfaces.h>
#include <arrow/type.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/schema.h>

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "data/arrow_convert.h"
#include "data/concatenate.h"
#include "data/input.h"
#include "data/table_source.h"

namespace torii::data {
namespace {

// Row groups below this many rows on average are read together.
constexpr std::int64_t kTaskRows = 1 << 17;

// The Parquet library throws where its Arrow side does not catch.
template <class Work>
auto guarded(const PartFile& part, const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (const parquet::ParquetException& exception) {
    return make_error(ErrorCode::kCorrupt, "{}: cannot be read as Parquet: {}", part.name,
                      exception.what());
  }
}

// One task is one column of some row groups in a row.
class ParquetReader final : public PartReader {
 public:
  explicit ParquetReader(const PartJob& job) : job_(job) {}

  Result<void> open() override {
    return guarded(job_.part, [&] { return open_file(); });
  }
  Result<void> plan() override {
    return guarded(job_.part, [&] { return choose_columns(); });
  }
  [[nodiscard]] const std::vector<std::string>& names() const override { return names_; }
  [[nodiscard]] std::size_t tasks() const override { return pieces_.size(); }

  void run(std::size_t task) override {
    const std::size_t column = task / groups_.size();
    const std::size_t group = task % groups_.size();
    pieces_[task] = guarded(job_.part, [&] { return read_piece(places_[column], groups_[group]); });
  }

  Result<PartTable> finish() override {
    PartTable table;
    table.rows = rows_;
    for (const int place : unreadable_) {
      const auto& field = schema_->field(place);
      table.skipped.emplace_back(field->name(), field->type()->ToString());
    }
    for (std::size_t i = 0; i < places_.size(); ++i) TORII_TRY_VOID(add_column(i, table));
    for (const Column& column : table.columns) {
      if (column.size() == rows_) continue;
      return make_error(ErrorCode::kCorrupt, "{}: column '{}' has {} values, but the file {} rows",
                        job_.part.label, column.name, column.size(), rows_);
    }
    TORII_TRY_VOID(check_unchanged(job_.part, *file_));
    return table;
  }

 private:
  struct Groups {
    std::vector<int> places;
    std::int64_t first_row = 0;
  };

  Result<void> open_file() {
    const PartFile& part = job_.part;
    TORII_TRY(file_, open_input(part, job_.environment));
    const auto bytes = file_->GetSize();
    if (bytes.ok() && *bytes == 0) {
      return make_error(ErrorCode::kCorrupt, "{}: the file is empty; expected a Parquet file",
                        part.name);
    }
    parquet::arrow::FileReaderBuilder builder;
    auto status = builder.Open(file_);
    if (status.ok()) {
      // Read without Arrow's own threads: the processors belong to our pool.
      parquet::ArrowReaderProperties properties(false);
      properties.set_pre_buffer(false);
      set_encoded(*builder.raw_reader()->metadata(), properties);
      builder.properties(properties);
      status = builder.Build(&reader_);
    }
    if (status.ok()) status = reader_->GetSchema(&schema_);
    if (!status.ok()) {
      return from_status(status, fmt::format("{}: cannot be read as Parquet", part.name),
                         ErrorCode::kCorrupt);
    }
    names_ = schema_->field_names();
    return {};
  }

  Result<void> choose_columns() {
    TORII_TRY(const std::vector<int> places, select_columns(names_, job_.options, job_.part.label));
    for (const int place : places) {
      const auto& field = schema_->field(place);
      const bool readable = is_convertible(*field->type()) || is_named(job_.options, field->name());
      (readable ? places_ : unreadable_).push_back(place);
    }
    return plan_groups();
  }

  // Columns that were asked for and that lie in the file as a dictionary come as one.
  void set_encoded(const parquet::FileMetaData& metadata,
                   parquet::ArrowReaderProperties& properties) const {
    for (const std::string& name : job_.options.encoded_columns) {
      for (int leaf = 0; leaf < metadata.schema()->num_columns(); ++leaf) {
        const parquet::ColumnDescriptor& column = *metadata.schema()->Column(leaf);
        if (column.path()->ToDotString() != name || column.max_repetition_level() > 0 ||
            column.physical_type() != parquet::Type::BYTE_ARRAY) {
          continue;
        }
        const bool dictionary = metadata.num_row_groups() > 0 &&
                                metadata.RowGroup(0)->ColumnChunk(leaf)->has_dictionary_page();
        if (dictionary) properties.set_read_dictionary(leaf, true);
      }
    }
  }

  Result<void> plan_groups() {
    const auto metadata = reader_->parquet_reader()->metadata();
    if (metadata->num_rows() < 0) {
      return make_error(ErrorCode::kCorrupt, "{}: cannot be read as Parquet: {} rows",
                        job_.part.name, metadata->num_rows());
    }
    std::int64_t row = 0, rows = 0;
    for (int group = 0; group < metadata->num_row_groups(); ++group) {
      if (groups_.empty() || rows >= kTaskRows) {
        groups_.push_back({{}, row});
        rows = 0;
      }
      groups_.back().places.push_back(group);
      const std::int64_t count = metadata->RowGroup(group)->num_rows();
      rows += count;
      row += count;
    }
    rows_ = static_cast<std::size_t>(metadata->num_rows());
    if (groups_.empty()) groups_.push_back({});
    pieces_.resize(places_.size() * groups_.size());
    return {};
  }

  Result<Converted> read_piece(int place, const Groups& groups) {
    const auto& field = schema_->field(place);
    const std::string where = fmt::format("{}: column '{}'", job_.part.label, field->name());
    arrow::ArrayVector chunks;
    for (const int group : groups.places) {
      std::shared_ptr<arrow::ChunkedArray> array;
      const auto status = reader_->RowGroup(group)->Column(place)->Read(&array);
      if (!status.ok()) return from_status(status, where, ErrorCode::kCorrupt);
      chunks.insert(chunks.end(), array->chunks().begin(), array->chunks().end());
    }
    auto whole = arrow::ChunkedArray::Make(std::move(chunks), field->type());
    if (!whole.ok()) return from_status(whole.status(), where, ErrorCode::kCorrupt);
    // Bytes are text only if all of them are; a text column with some bad bytes is still text.
    const bool strict = is_named(job_.options, field->name()) || is_bytes(*field->type());
    const auto& encoded = job_.options.encoded_columns;
    return from_arrow(**whole, {.name = field->name(),
                                .where = where,
                                .ill_formed = strict ? IllFormed::kRefuse : IllFormed::kRepair,
                                .first_row = groups.first_row,
                                .encoded = std::find(encoded.begin(), encoded.end(),
                                                     field->name()) != encoded.end()});
  }

  // The pieces of one column, joined.
  Result<void> add_column(std::size_t at, PartTable& table) {
    const auto& field = schema_->field(places_[at]);
    std::vector<Column> columns;
    std::uint64_t repaired = 0;
    for (std::size_t group = 0; group < groups_.size(); ++group) {
      std::optional<Result<Converted>>& piece = pieces_[at * groups_.size() + group];
      TORII_CHECK(piece.has_value(), "every task runs before finish()");
      if (!piece->ok()) {
        const Error& error = piece->error();
        if (is_named(job_.options, field->name()) || !is_bytes(*field->type()) ||
            error.code != ErrorCode::kInvalidArgument) {
          return error;
        }
        table.skipped.emplace_back(field->name(),
                                   fmt::format("{}, not text in UTF-8", field->type()->ToString()));
        return {};
      }
      repaired += (*piece)->repaired;
      columns.push_back(std::move((*piece)->column));
      piece.reset();
    }
    // Unsigned integers are texts where one of them is too large: then in all pieces.
    if (std::any_of(columns.begin(), columns.end(), is_text)) {
      for (Column& column : columns) column = as_text(std::move(column));
    }
    Column whole = concatenate(std::move(columns));
    apply_null_values(whole, job_.options.null_values);
    table.columns.push_back(std::move(whole));
    if (repaired > 0) table.repaired[field->name()] = repaired;
    return {};
  }
  static bool is_text(const Column& column) { return column.type == ColumnType::kString; }

  PartJob job_;
  std::shared_ptr<arrow::io::RandomAccessFile> file_;
  std::unique_ptr<parquet::arrow::FileReader> reader_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<std::string> names_;
  std::vector<int> places_, unreadable_;
  std::vector<Groups> groups_;
  std::size_t rows_ = 0;
  std::vector<std::optional<Result<Converted>>> pieces_;  // [column][groups]
};

}  // namespace

std::unique_ptr<PartReader> parquet_reader(const PartJob& job) {
  return std::make_unique<ParquetReader>(job);
}

}  // namespace torii::data

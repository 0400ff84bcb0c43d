#include <arrow/buffer.h>
#include <arrow/chunked_array.h>
#include <arrow/csv/api.h>
#include <arrow/io/interfaces.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <system_error>
#include <unordered_set>

#include "data/arrow_convert.h"
#include "data/csv_header.h"
#include "data/input.h"
#include "data/quote_watch.h"
#include "data/table_source.h"

namespace torii::data {
namespace {

using Stream = std::shared_ptr<arrow::io::InputStream>;

constexpr std::int64_t kHeaderBytesMax = 1 << 24;

// Passes a stream through and shows it to a QuoteWatch.
class WatchedStream final : public arrow::io::InputStream {
 public:
  WatchedStream(Stream stream, char delimiter) : stream_(std::move(stream)), watch_(delimiter) {}

  const QuoteWatch& watch() const { return watch_; }
  arrow::Status Close() override { return stream_->Close(); }
  bool closed() const override { return stream_->closed(); }
  arrow::Result<std::int64_t> Tell() const override { return stream_->Tell(); }
  arrow::Result<std::int64_t> Read(std::int64_t size, void* out) override {
    ARROW_ASSIGN_OR_RAISE(const std::int64_t count, stream_->Read(size, out));
    watch_.see({static_cast<const char*>(out), static_cast<std::size_t>(count)});
    return count;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(std::int64_t size) override {
    ARROW_ASSIGN_OR_RAISE(auto buffer, stream_->Read(size));
    watch_.see(
        {reinterpret_cast<const char*>(buffer->data()), static_cast<std::size_t>(buffer->size())});
    return buffer;
  }

 private:
  Stream stream_;
  QuoteWatch watch_;
};

// The line (from 1) of a place in the file.
Result<std::uint64_t> line_at(const PartJob& job, std::uint64_t offset) {
  TORII_TRY(const Stream stream, open_stream(job.part, job.environment));
  std::uint64_t line = 1;
  while (offset > 0) {
    auto piece = stream->Read(1 << 20);
    if (!piece.ok()) return from_status(piece.status(), job.part.name, ErrorCode::kIo);
    if ((*piece)->size() == 0) break;
    const auto size = std::min(offset, static_cast<std::uint64_t>((*piece)->size()));
    const auto* bytes = (*piece)->data();
    line += static_cast<std::uint64_t>(std::count(bytes, bytes + size, std::uint8_t{'\n'}));
    offset -= size;
  }
  return line;
}

char delimiter_of(const PartJob& job) {
  if (job.options.delimiter != 0) return job.options.delimiter;
  std::string_view name = job.part.name;
  if (name.ends_with(".gz")) name.remove_suffix(3);
  return job.format == FileFormat::kAtomic || name.ends_with(".tsv") ? '\t' : ',';
}

struct Header {
  std::vector<std::string> names;  // as they stand in the file
  bool alone = false;              // the file ends with it, without a line end
};

Result<Header> read_header(const PartJob& job, char delimiter, bool quoting) {
  TORII_TRY(const Stream stream, open_stream(job.part, job.environment));
  std::string text;
  while (!has_whole_record(text, quoting)) {
    auto piece = stream->Read(1 << 14);
    if (!piece.ok()) return from_status(piece.status(), job.part.name, ErrorCode::kCorrupt);
    if ((*piece)->size() == 0) break;
    text += (*piece)->ToString();
    if (static_cast<std::int64_t>(text.size()) > kHeaderBytesMax) {
      return invalid("{}: the first line is longer than {} bytes; expected column names",
                     job.part.name, kHeaderBytesMax);
    }
  }
  if (text.empty()) {
    return invalid("{}: the file is empty; expected a line with column names", job.part.name);
  }
  const bool alone = !has_whole_record(text, quoting);
  if (alone && text.find('\n') != text.npos) {
    return invalid("{}: a quote in the first line is never closed", job.part.name);
  }
  return Header{csv_fields(text, delimiter, quoting), alone};
}

// What is read and how, decided from the header.
struct Plan {
  std::vector<std::string> raw;    // the header
  std::vector<std::string> names;  // of our columns, by place
  std::optional<std::vector<AtomicHeader>> atomic;
  char delimiter = ',';
  bool quoting = true;
  bool no_rows = false;
};

Result<Plan> make_plan(const PartJob& job) {
  Plan plan;
  plan.delimiter = delimiter_of(job);
  // Atomic files know no quoting: a title may start with a quote that never ends.
  plan.quoting = job.format != FileFormat::kAtomic;
  TORII_TRY(Header header, read_header(job, plan.delimiter, plan.quoting));
  plan.raw = std::move(header.names);
  plan.no_rows = header.alone;
  plan.atomic = atomic_headers(plan.raw);
  plan.names = plan.raw;
  if (plan.atomic) {
    for (std::size_t i = 0; i < plan.names.size(); ++i) plan.names[i] = (*plan.atomic)[i].name;
  }
  return plan;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

arrow::csv::ConvertOptions convert_options(const Plan& plan, const std::vector<int>& places,
                                           const PartJob& job) {
  auto convert = arrow::csv::ConvertOptions::Defaults();
  convert.null_values = job.options.null_values;
  convert.null_values.push_back("");
  convert.strings_can_be_null = true;
  convert.check_utf8 = false;  // from_arrow() does, and names the column
  for (const int place : places) {
    const auto i = static_cast<std::size_t>(place);
    const std::string key = std::to_string(i);
    convert.include_columns.push_back(key);
    const bool text = contains(job.options.text_columns, plan.names[i]) ||
                      contains(job.as_text, plan.names[i]) ||
                      (plan.atomic && (*plan.atomic)[i].type != AtomicType::kFloat);
    if (text) convert.column_types[key] = arrow::large_utf8();
  }
  return convert;
}

struct BadRow {
  std::int64_t number = 0;
  std::int32_t expected = 0, found = 0;
};

Result<std::shared_ptr<arrow::Table>> read_arrow(const PartJob& job, const Plan& plan,
                                                 const std::vector<int>& places) {
  const std::string& label = job.part.label;
  auto parse = arrow::csv::ParseOptions::Defaults();
  parse.delimiter = plan.delimiter;
  parse.quoting = plan.quoting;
  parse.newlines_in_values = plan.quoting;
  std::optional<BadRow> bad;
  parse.invalid_row_handler = [&bad](const arrow::csv::InvalidRow& row) {
    if (!bad) bad = BadRow{row.number, row.expected_columns, row.actual_columns};
    return arrow::csv::InvalidRowResult::Error;
  };
  auto read = arrow::csv::ReadOptions::Defaults();
  read.use_threads = false;  // the processors belong to our pool
  // Named by place: a name that stands twice in the file disturbs nobody who does not ask for it.
  for (std::size_t i = 0; i < plan.raw.size(); ++i) read.column_names.push_back(std::to_string(i));
  read.skip_rows_after_names = 1;
  const auto convert = convert_options(plan, places, job);

  // A record must fit into a block; blocks grow until the longest does.
  constexpr std::int32_t kBlockFirst = 1 << 22;
  constexpr std::int32_t kBlockLast = 1 << 30;
  for (std::int32_t block = kBlockFirst;; block *= 16) {
    read.block_size = block;
    TORII_TRY(Stream file, open_stream(job.part, job.environment));
    const auto stream = std::make_shared<WatchedStream>(std::move(file), plan.delimiter);
    auto reader = arrow::csv::TableReader::Make(arrow::io::default_io_context(), stream, read,
                                                parse, convert);
    auto table = reader.ok() ? (*reader)->Read() : reader.status();
    if (plan.quoting && stream->watch().open() && (table.ok() || bad)) {
      TORII_TRY(const std::uint64_t line, line_at(job, *stream->watch().open()));
      return invalid("{}: the quote that opens in line {} is never closed; close it or double it",
                     label, line);
    }
    if (table.ok()) return *table;
    if (bad) {
      const std::string row =
          bad->number > 0 ? fmt::format("row {}", bad->number - 1) : std::string("a row");
      return invalid(
          "{}: {}: expected {} fields, found {}; quote fields that hold the delimiter, or set "
          "data.delimiter",
          label, row, bad->expected, bad->found);
    }
    const bool too_long = table.status().message().find("straddl") != std::string::npos;
    if (!too_long) {
      return from_status(table.status(), label, ErrorCode::kInvalidArgument);
    }
    const bool whole =
        !job.part.name.ends_with(".gz") && job.part.size < static_cast<std::uint64_t>(block);
    if (whole || block >= kBlockLast) {
      return invalid("{}: a quote is never closed, or a row is longer than {} bytes", label,
                     kBlockLast);
    }
  }
}

// Splits "a b c" at spaces.
Column split_tokens(const Column& from) {
  StringLists lists;
  lists.offsets.reserve(from.size() + 1);
  for (std::size_t row = 0; row < from.size(); ++row) {
    std::string_view text = from.strings()[row];
    while (!text.empty()) {
      const std::size_t end = std::min(text.find(' '), text.size());
      if (end > 0) lists.values.push_back(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    lists.offsets.push_back(lists.values.size());
  }
  return {from.name, ColumnType::kStringList, std::move(lists), from.valid};
}

Result<Column> split_floats(const Column& from, const std::string& where) {
  const Column tokens = split_tokens(from);
  const StringLists& texts = tokens.string_lists();
  FloatLists lists;
  lists.offsets = texts.offsets;
  std::size_t row = 0;
  for (std::size_t i = 0; i < texts.values.size(); ++i) {
    while (texts.offsets[row + 1] <= i) ++row;
    const std::string_view text = texts.values[i];
    float value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || stop != text.data() + text.size()) {
      return invalid("{}: expected numbers, found text in row {} (\"{}\")", where, row + 1,
                     text.substr(0, 80));
    }
    lists.values.push_back(value);
  }
  return Column{from.name, ColumnType::kFloatList, std::move(lists), from.valid};
}

// Columns that say :float must have been understood as numbers.
Result<Column> as_float(Column column, const std::string& where) {
  if (column.type == ColumnType::kInt64 || column.type == ColumnType::kFloat64) return column;
  if (column.null_count() == column.size()) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    return Column{column.name, ColumnType::kFloat64, std::vector<double>(column.size(), nan),
                  column.valid};
  }
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (column.is_null(row)) continue;
    const std::string text = column.text_at(row);
    double value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && stop == text.data() + text.size()) continue;
    return invalid(
        "{}: expected a number, found {} in row {} (\"{}\"); correct it, add it to "
        "data.null_values, or declare the column as :token",
        where, type_name(column.type), row + 1, text.substr(0, 80));
  }
  return invalid("{}: expected numbers, found {}", where, type_name(column.type));
}

// One task: the whole file.
class CsvReader final : public PartReader {
 public:
  explicit CsvReader(const PartJob& job) : job_(job) {}

  Result<void> open() override {
    TORII_TRY(plan_, make_plan(job_));
    return {};
  }
  Result<void> plan() override {
    TORII_TRY(places_, select_columns(plan_.names, job_.options, job_.part.label));
    return {};
  }
  [[nodiscard]] const std::vector<std::string>& names() const override { return plan_.names; }
  [[nodiscard]] std::size_t tasks() const override { return 1; }
  void run(std::size_t) override { table_ = read(); }
  Result<PartTable> finish() override { return std::move(table_); }

 private:
  Result<PartTable> read() const;
  Result<Column> read_column(const std::shared_ptr<arrow::ChunkedArray>& array, std::size_t place,
                             PartTable& table) const;

  PartJob job_;
  Plan plan_;
  std::vector<int> places_;
  Result<PartTable> table_ = PartTable{};
};

Result<PartTable> CsvReader::read() const {
  PartTable table;
  if (places_.empty()) return table;
  if (plan_.no_rows) {
    for (const int place : places_) {
      table.columns.push_back(
          {plan_.names[static_cast<std::size_t>(place)], ColumnType::kString, StringArray{}, {}});
    }
    return table;
  }
  TORII_TRY(const auto whole, read_arrow(job_, plan_, places_));
  table.rows = static_cast<std::size_t>(whole->num_rows());
  for (std::size_t i = 0; i < places_.size(); ++i) {
    TORII_TRY(Column column, read_column(whole->column(static_cast<int>(i)),
                                         static_cast<std::size_t>(places_[i]), table));
    table.columns.push_back(std::move(column));
  }
  return table;
}

Result<Column> CsvReader::read_column(const std::shared_ptr<arrow::ChunkedArray>& array,
                                      std::size_t place, PartTable& table) const {
  const std::string& name = plan_.names[place];
  const std::string where = fmt::format("{}: column '{}'", job_.part.label, name);
  TORII_TRY(Converted converted,
            from_arrow(*array, {.name = name,
                                .where = where,
                                .ill_formed = is_named(job_.options, name) ? IllFormed::kRefuse
                                                                           : IllFormed::kRepair}));
  if (converted.repaired > 0) table.repaired[name] = converted.repaired;
  const AtomicType type = plan_.atomic ? (*plan_.atomic)[place].type : AtomicType::kToken;
  if (type == AtomicType::kTokenSeq) return split_tokens(converted.column);
  if (type == AtomicType::kFloatSeq) return split_floats(converted.column, where);
  if (type == AtomicType::kFloat) return as_float(std::move(converted.column), where);
  return std::move(converted.column);
}

}  // namespace

std::unique_ptr<PartReader> csv_reader(const PartJob& job) {
  return std::make_unique<CsvReader>(job);
}

}  // namespace torii::data

#include <arrow/buffer.h>
#include <arrow/chunked_array.h>
#include <arrow/csv/api.h>
#include <arrow/io/compressed.h>
#include <arrow/io/file.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <arrow/util/compression.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <system_error>
#include <unordered_set>

#include "data/arrow_convert.h"
#include "data/csv_header.h"
#include "data/quote_watch.h"
#include "data/table_source.h"

namespace torii::data {
namespace {

using Stream = std::shared_ptr<arrow::io::InputStream>;

constexpr std::int64_t kHeaderBytesMax = 1 << 24;

Result<Stream> open_stream(const std::filesystem::path& path) {
  auto file = arrow::io::ReadableFile::Open(path.string());
  if (!file.ok()) return from_status(file.status(), path.string(), ErrorCode::kIo);
  if (path.extension() != ".gz") return Stream(*file);
  auto codec = arrow::util::Codec::Create(arrow::Compression::GZIP);
  if (!codec.ok()) return from_status(codec.status(), path.string(), ErrorCode::kUnsupported);
  // The codec must outlive the stream: one for the process.
  static const std::shared_ptr<arrow::util::Codec> gzip = std::move(*codec);
  auto stream = arrow::io::CompressedInputStream::Make(gzip.get(), *file);
  if (!stream.ok()) return from_status(stream.status(), path.string(), ErrorCode::kCorrupt);
  return Stream(*stream);
}

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
Result<std::uint64_t> line_at(const std::filesystem::path& path, std::uint64_t offset) {
  TORII_TRY(const Stream stream, open_stream(path));
  std::uint64_t line = 1;
  while (offset > 0) {
    auto piece = stream->Read(1 << 20);
    if (!piece.ok()) return from_status(piece.status(), path.string(), ErrorCode::kIo);
    if ((*piece)->size() == 0) break;
    const auto size = std::min(offset, static_cast<std::uint64_t>((*piece)->size()));
    const auto* bytes = (*piece)->data();
    line += static_cast<std::uint64_t>(std::count(bytes, bytes + size, std::uint8_t{'\n'}));
    offset -= size;
  }
  return line;
}

char delimiter_of(const std::filesystem::path& path, const ReadOptions& options,
                  FileFormat format) {
  if (options.delimiter != 0) return options.delimiter;
  std::filesystem::path name = path.filename();
  if (name.extension() == ".gz") name.replace_extension();
  return format == FileFormat::kAtomic || name.extension() == ".tsv" ? '\t' : ',';
}

struct Header {
  std::vector<std::string> names;  // as they stand in the file
  bool alone = false;              // the file ends with it, without a line end
};

Result<Header> read_header(const std::filesystem::path& path, char delimiter, bool quoting) {
  TORII_TRY(const Stream stream, open_stream(path));
  std::string text;
  while (!has_whole_record(text, quoting)) {
    auto piece = stream->Read(1 << 14);
    if (!piece.ok()) return from_status(piece.status(), path.string(), ErrorCode::kCorrupt);
    if ((*piece)->size() == 0) break;
    text += (*piece)->ToString();
    if (static_cast<std::int64_t>(text.size()) > kHeaderBytesMax) {
      return invalid("{}: the first line is longer than {} bytes; expected column names",
                     path.string(), kHeaderBytesMax);
    }
  }
  if (text.empty()) {
    return invalid("{}: the file is empty; expected a line with column names", path.string());
  }
  const bool alone = !has_whole_record(text, quoting);
  if (alone && text.find('\n') != text.npos) {
    return invalid("{}: a quote in the first line is never closed", path.string());
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

Result<Plan> make_plan(const std::filesystem::path& path, const ReadOptions& options,
                       FileFormat format) {
  Plan plan;
  plan.delimiter = delimiter_of(path, options, format);
  // Atomic files know no quoting: a title may start with a quote that never ends.
  plan.quoting = format != FileFormat::kAtomic;
  TORII_TRY(Header header, read_header(path, plan.delimiter, plan.quoting));
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
                                           const ReadOptions& options) {
  auto convert = arrow::csv::ConvertOptions::Defaults();
  convert.null_values = options.null_values;
  convert.null_values.push_back("");
  convert.strings_can_be_null = true;
  convert.check_utf8 = false;  // from_arrow() does, and names the column
  for (const int place : places) {
    const auto i = static_cast<std::size_t>(place);
    const std::string key = std::to_string(i);
    convert.include_columns.push_back(key);
    const bool text = contains(options.text_columns, plan.names[i]) ||
                      (plan.atomic && (*plan.atomic)[i].type != AtomicType::kFloat);
    if (text) convert.column_types[key] = arrow::large_utf8();
  }
  return convert;
}

struct BadRow {
  std::int64_t number = 0;
  std::int32_t expected = 0, found = 0;
};

Result<std::shared_ptr<arrow::Table>> read_arrow(const std::filesystem::path& path,
                                                 const Plan& plan, const std::vector<int>& places,
                                                 const ReadOptions& options) {
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
  const auto convert = convert_options(plan, places, options);

  // A record must fit into a block; blocks grow until the longest does.
  constexpr std::int32_t kBlockFirst = 1 << 22;
  constexpr std::int32_t kBlockLast = 1 << 30;
  for (std::int32_t block = kBlockFirst;; block *= 16) {
    read.block_size = block;
    TORII_TRY(Stream file, open_stream(path));
    const auto stream = std::make_shared<WatchedStream>(std::move(file), plan.delimiter);
    auto reader = arrow::csv::TableReader::Make(arrow::io::default_io_context(), stream, read,
                                                parse, convert);
    auto table = reader.ok() ? (*reader)->Read() : reader.status();
    if (plan.quoting && stream->watch().open() && (table.ok() || bad)) {
      TORII_TRY(const std::uint64_t line, line_at(path, *stream->watch().open()));
      return invalid("{}: the quote that opens in line {} is never closed; close it or double it",
                     path.filename().string(), line);
    }
    if (table.ok()) return *table;
    if (bad) {
      const std::string row =
          bad->number > 0 ? fmt::format("row {}", bad->number - 1) : std::string("a row");
      return invalid(
          "{}: {}: expected {} fields, found {}; quote fields that hold the delimiter, or set "
          "data.delimiter",
          path.filename().string(), row, bad->expected, bad->found);
    }
    const bool too_long = table.status().message().find("straddl") != std::string::npos;
    if (!too_long) {
      return from_status(table.status(), path.filename().string(), ErrorCode::kInvalidArgument);
    }
    std::error_code ignored;
    const bool whole = path.extension() != ".gz" && std::filesystem::file_size(path, ignored) <
                                                        static_cast<std::uintmax_t>(block);
    if (whole || block >= kBlockLast) {
      return invalid("{}: a quote is never closed, or a row is longer than {} bytes",
                     path.filename().string(), kBlockLast);
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

}  // namespace

Result<Table> read_csv(const std::filesystem::path& path, const ReadOptions& options,
                       FileFormat format) {
  const std::string source = path.filename().string();
  TORII_TRY(const Plan plan, make_plan(path, options, format));
  TORII_TRY(const std::vector<int> places, select_columns(plan.names, options, source));
  if (places.empty()) return Table({}, source);
  if (plan.no_rows) {
    std::vector<Column> columns;
    for (const int place : places) {
      columns.push_back(
          {plan.names[static_cast<std::size_t>(place)], ColumnType::kString, StringArray{}, {}});
    }
    return Table(std::move(columns), source);
  }
  TORII_TRY(const auto table, read_arrow(path, plan, places, options));
  std::vector<Column> columns;
  std::map<std::string, std::uint64_t> repaired;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto place = static_cast<std::size_t>(places[i]);
    const std::string where = fmt::format("{}: column '{}'", source, plan.names[place]);
    TORII_TRY(
        Converted converted,
        from_arrow(*table->column(static_cast<int>(i)), plan.names[place], where,
                   is_named(options, plan.names[place]) ? IllFormed::kRefuse : IllFormed::kRepair));
    if (converted.repaired > 0) repaired[plan.names[place]] = converted.repaired;
    Column column = std::move(converted.column);
    const AtomicType type = plan.atomic ? (*plan.atomic)[place].type : AtomicType::kToken;
    if (type == AtomicType::kTokenSeq) {
      column = split_tokens(column);
    } else if (type == AtomicType::kFloatSeq) {
      TORII_TRY(column, split_floats(column, where));
    } else if (type == AtomicType::kFloat) {
      TORII_TRY(column, as_float(std::move(column), where));
    }
    columns.push_back(std::move(column));
  }
  Table result(std::move(columns), source);
  result.set_repaired(std::move(repaired));
  return result;
}

Result<std::vector<std::string>> csv_column_names(const std::filesystem::path& path,
                                                  const ReadOptions& options, FileFormat format) {
  TORII_TRY(Plan plan, make_plan(path, options, format));
  return std::move(plan.names);
}

}  // namespace torii::data

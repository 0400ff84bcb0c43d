#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <optional>
#include <unordered_map>

#include "base/json_events.h"
#include "data/arrow_types.h"
#include "data/csv_header.h"
#include "data/input.h"
#include "data/json_column.h"
#include "data/repair_utf8.h"
#include "data/table_source.h"

namespace torii::data {
namespace {

constexpr std::size_t kLineBytesMax = std::size_t{1} << 26;
constexpr std::size_t kColumnsMax = 10'000;
constexpr std::int64_t kBlockBytes = 1 << 22;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Gives the lines of a stream, one after the other, with bounded memory.
class Lines {
 public:
  Lines(std::shared_ptr<arrow::io::InputStream> stream, const PartFile& part)
      : stream_(std::move(stream)), part_(part) {}

  // The next line without its end; nullopt behind the last. Valid until the next call.
  Result<std::optional<std::string_view>> next() {
    for (;;) {
      const std::size_t end = buffer_.find('\n', searched_);
      if (end != buffer_.npos || (done_ && begin_ < buffer_.size())) {
        const std::size_t stop = std::min(end, buffer_.size());
        std::string_view line = std::string_view(buffer_).substr(begin_, stop - begin_);
        begin_ = searched_ = std::min(stop + 1, buffer_.size());
        ++number_;
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (number_ == 1 && line.starts_with(kByteOrderMark)) {
          line.remove_prefix(kByteOrderMark.size());
        }
        return std::optional(line);
      }
      if (done_) return std::optional<std::string_view>();
      buffer_.erase(0, begin_);
      begin_ = 0;
      searched_ = buffer_.size();
      if (buffer_.size() > kLineBytesMax) {
        return invalid("{}: line {} is longer than {} bytes; expected one JSON object a line",
                       part_.label, number_ + 1, kLineBytesMax);
      }
      auto piece = stream_->Read(kBlockBytes);
      if (!piece.ok()) return from_status(piece.status(), part_.name, ErrorCode::kCorrupt);
      done_ = (*piece)->size() == 0;
      buffer_.append(reinterpret_cast<const char*>((*piece)->data()),
                     static_cast<std::size_t>((*piece)->size()));
    }
  }
  [[nodiscard]] std::uint64_t number() const { return number_; }

 private:
  std::shared_ptr<arrow::io::InputStream> stream_;
  const PartFile& part_;
  std::string buffer_;
  std::size_t begin_ = 0, searched_ = 0;
  std::uint64_t number_ = 0;
  bool done_ = false;
};

// Puts the values of one object after the other into columns.
class RowBuilder final : public JsonEvents {
 public:
  explicit RowBuilder(const PartJob& job) : job_(job) {
    all_ = job.options.columns.empty() && job.options.optional_columns.empty();
  }

  // `repaired`: bytes of the next line were replaced.
  void next_line(bool repaired) {
    repaired_ = repaired;
    depth_ = 0;
    place_ = 0;
    column_ = nullptr;
  }
  void end_row() { ++rows_; }

  bool null() override { return add({}); }
  bool boolean(bool value) override { return add(value); }
  bool integer(std::int64_t value) override { return add(value); }
  bool large_integer(std::uint64_t value) override { return add(value); }
  bool number(double value) override { return add(value); }
  bool text(std::string_view value) override {
    if (repaired_ && column_ != nullptr && value.find(kReplacement) != value.npos) {
      if (is_named(job_.options, column_->name())) {
        return fail("column '{}': expected text in UTF-8, found other bytes; convert the file",
                    column_->name());
      }
      ++repairs[column_->name()];
    }
    if (contains(job_.options.null_values, value)) return add({});
    return add(value);
  }
  bool begin_object() override {
    if (depth_++ == 0) return true;
    nest();
    return true;
  }
  bool key(std::string_view name) override { return depth_ > 1 || choose(name); }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool begin_array() override {
    if (depth_ == 0) {
      return fail(
          "expected an object, found an array; write one object a line (for example: jq -c "
          "'.[]' FILE)");
    }
    if (depth_++ == 1) {
      list_.clear();
      kept_.clear();
      in_list_ = true;
      nested_ = false;
    } else {
      nest();
    }
    return true;
  }
  bool end_array() override {
    if (--depth_ > 1) return true;
    in_list_ = false;
    if (column_ == nullptr || nested_) return true;
    return column_->add_list(rows_, list_) || refuse();
  }

  [[nodiscard]] std::size_t rows() const { return rows_; }
  [[nodiscard]] std::deque<JsonColumn>& columns() { return columns_; }
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }

  std::string why;
  std::map<std::string, std::uint64_t> repairs;

 private:
  template <class... Args>
  bool fail(fmt::format_string<Args...> format, Args&&... args) {
    why = fmt::format(format, std::forward<Args>(args)...);
    return false;
  }
  bool refuse() {
    if (column_->refused() != JsonColumn::Refused::kListAndScalar) return true;
    return fail("column '{}': lists and single values do not go together; write lists in all rows",
                column_->name());
  }

  bool add(const JsonScalar& value) {
    if (depth_ == 0) return fail("expected an object, found a single value");
    if (column_ == nullptr || nested_) return true;
    if (!in_list_) return column_->add(rows_, value) || refuse();
    list_.push_back(value);
    if (const auto* text = std::get_if<std::string_view>(&value)) {  // lives for this call only
      kept_.emplace_back(*text);
      list_.back() = std::string_view(kept_.back());
    }
    return true;
  }

  void nest() {
    if (column_ != nullptr && !nested_) column_->add_nested(rows_);
    nested_ = true;
  }

  // The column of a key: most rows have the keys in the order of the row before.
  bool choose(std::string_view name) {
    nested_ = false;
    in_list_ = false;
    if (place_ >= order_.size() || order_[place_].first != name) {
      auto found = places_.find(std::string(name));
      if (found == places_.end()) {
        if (names_.size() >= kColumnsMax) {
          return fail("more than {} different names in the objects of this file", kColumnsMax);
        }
        names_.emplace_back(name);
        found = places_.emplace(names_.back(), order_.size()).first;
        order_.emplace_back(names_.back(), make_column(names_.back()));
      }
      place_ = found->second;
    }
    column_ = order_[place_++].second;
    if (column_ != nullptr && column_->size() > rows_) {
      return fail("the name '{}' stands twice in the object", name);
    }
    return true;
  }
  JsonColumn* make_column(const std::string& name) {
    const ReadOptions& options = job_.options;
    if (!all_ && !contains(options.columns, name) && !contains(options.optional_columns, name)) {
      return nullptr;
    }
    return &columns_.emplace_back(name, contains(job_.as_text, name));
  }

  PartJob job_;
  bool all_ = true;
  bool repaired_ = false, in_list_ = false, nested_ = false;
  int depth_ = 0;
  std::size_t rows_ = 0;
  std::size_t place_ = 0;         // in order_, of the next key as a guess
  JsonColumn* column_ = nullptr;  // of the key; null: not asked for
  std::vector<JsonScalar> list_;
  std::deque<std::string> kept_;
  std::deque<JsonColumn> columns_;
  std::vector<std::string> names_;
  std::vector<std::pair<std::string, JsonColumn*>> order_;
  std::unordered_map<std::string, std::size_t> places_;
};

// One task: the whole file.
class JsonlReader final : public PartReader {
 public:
  explicit JsonlReader(const PartJob& job) : job_(job) {}

  Result<void> open() override { return {}; }
  Result<void> plan() override { return {}; }
  [[nodiscard]] const std::vector<std::string>& names() const override { return names_; }
  [[nodiscard]] std::size_t tasks() const override { return 1; }
  void run(std::size_t) override { table_ = read(); }
  Result<PartTable> finish() override { return std::move(table_); }

 private:
  Result<PartTable> read() {
    TORII_TRY(auto stream, open_stream(job_.part, job_.environment));
    Lines lines(std::move(stream), job_.part);
    RowBuilder builder(job_);
    for (;;) {
      TORII_TRY(const auto line, lines.next());
      if (!line) break;
      if (line->find_first_not_of(" \t\r") == line->npos) continue;
      TORII_TRY_VOID(read_line(*line, lines.number(), builder));
    }
    if (builder.rows() == 0) {
      return invalid("{}: the file is empty; expected one JSON object a line", job_.part.name);
    }
    names_ = builder.names();
    if (!job_.options.columns.empty()) {
      TORII_TRY_VOID(select_columns(names_, job_.options, job_.part.label));
    }
    return to_table(builder);
  }

  Result<void> read_line(std::string_view line, std::uint64_t number, RowBuilder& builder) const {
    const bool repaired = !is_utf8(line);
    builder.next_line(repaired);
    const std::string whole = repaired ? repair_utf8(line) : std::string();
    const auto done = read_json_events(repaired ? whole : line, builder);
    const auto place = [&] { return fmt::format("{}: line {}", job_.part.label, number); };
    if (!done.ok()) {
      return invalid("{}: {}; expected one JSON object a line", place(),
                     done.error().message.substr(0, 300));
    }
    if (*done == JsonRead::kStopped) return invalid("{}: {}", place(), builder.why);
    builder.end_row();
    return {};
  }

  Result<PartTable> to_table(RowBuilder& builder) const {
    PartTable table;
    table.rows = builder.rows();
    table.repaired = builder.repairs;
    for (JsonColumn& column : builder.columns()) {
      const std::string name = column.name();
      const std::string row =
          column.odd_row() ? fmt::format("row {}", *column.odd_row() + 1) : std::string();
      if (column.refused() == JsonColumn::Refused::kNested) {
        if (is_named(job_.options, name)) {
          return make_error(ErrorCode::kUnsupported,
                            "{}: column '{}': nested objects and lists are not supported, found "
                            "one in {}; write its parts as columns of their own",
                            job_.part.label, name, row);
        }
        table.skipped.emplace_back(name, "nested objects or lists");
        continue;
      }
      const bool infers_times =
          !contains(job_.options.text_columns, name) && !contains(job_.as_text, name);
      if (column.odd_row()) table.mixed[name] = fmt::format("{} of {}", row, job_.part.label);
      table.columns.push_back(std::move(column).finish(table.rows, infers_times));
    }
    return table;
  }

  PartJob job_;
  std::vector<std::string> names_;
  Result<PartTable> table_ = PartTable{};
};

}  // namespace

std::unique_ptr<PartReader> jsonl_reader(const PartJob& job) {
  return std::make_unique<JsonlReader>(job);
}

}  // namespace torii::data

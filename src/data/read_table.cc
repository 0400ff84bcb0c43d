#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_set>

#include "base/options.h"
#include "base/reporter.h"
#include "base/thread_pool.h"
#include "blob/blob.h"
#include "data/concatenate.h"
#include "data/hive_columns.h"
#include "data/parts.h"
#include "data/read_sql.h"
#include "data/table.h"
#include "data/table_source.h"
#include "sql/connection.h"

namespace torii::data {
namespace {

// Files that are open at the same time; an upper bound for systems that allow 256.
constexpr std::size_t kOpenMax = 64;

bool is_asked_for(const ReadOptions& options, const std::string& name) {
  const auto has = [&](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  return has(options.columns) || has(options.optional_columns);
}

// Reads the parts of one table.
class TableReader {
 public:
  TableReader(Parts parts, ReadOptions options, const ReadContext& context)
      : parts_(std::move(parts)),
        needed_(options.columns),
        options_(std::move(options)),
        context_(context) {
    static const Environment kNone;
    environment_ = context.environment == nullptr ? &kNone : context.environment;
    // A column may be in another part or in the folders' names: what is needed is asked at the end.
    several_ = parts_.files.size() > 1 || !parts_.files.front().keys.empty();
    all_ = options_.columns.empty() && options_.optional_columns.empty();
    if (several_) {
      options_.optional_columns.insert(options_.optional_columns.end(), options_.columns.begin(),
                                       options_.columns.end());
      options_.columns.clear();
    }
  }

  Result<Table> read() {
    TORII_TRY_VOID(find_format());
    tables_.resize(parts_.files.size());
    std::vector<std::size_t> places(parts_.files.size());
    for (std::size_t p = 0; p < places.size(); ++p) places[p] = p;
    TORII_TRY_VOID(read_parts(places, {}));
    TORII_TRY_VOID(settle_conflicts());
    return assemble();
  }

  Result<std::vector<std::string>> names() {
    TORII_TRY_VOID(find_format());
    std::vector<std::string> all;
    std::unordered_set<std::string> known;
    const std::vector<std::string> as_text;
    for (const PartFile& part : parts_.files) {
      const auto reader = make_reader(part, as_text);
      TORII_TRY_VOID(reader->open());
      if (format_ == FileFormat::kJsonl) {
        reader->run(0);
        TORII_TRY_VOID(reader->finish());
      }
      for (const std::string& name : reader->names()) {
        if (known.insert(name).second || !several_) all.push_back(name);
      }
    }
    for (const std::string& name : hive_names(parts_.files)) {
      if (known.insert(name).second) all.push_back(name);
    }
    return all;
  }

 private:
  // Steps of a pipeline are given names without an ending.
  [[nodiscard]] Result<bool> begins_as_parquet(const std::string& name) const {
    constexpr std::string_view kMagic = "PAR1";
    std::array<char, kMagic.size()> head{};
    TORII_TRY(const auto object, blob::open(name, *environment_));
    if (object->size() < head.size()) return false;
    TORII_TRY_VOID(object->read(0, std::as_writable_bytes(std::span(head))));
    return std::string_view(head.data(), head.size()) == kMagic;
  }

  // Of all files; folders of mixed formats are refused.
  Result<void> find_format() {
    for (std::size_t p = 0; p < parts_.files.size(); ++p) {
      const PartFile& part = parts_.files[p];
      auto format = file_format(part.name, options_);
      if (!format.ok()) {
        TORII_TRY(const bool is_parquet, begins_as_parquet(part.name));
        if (is_parquet) format = FileFormat::kParquet;
      }
      if (!format.ok()) {
        if (!parts_.many) return format.error();
        return invalid(
            "{}; all files of a folder count, but those whose names start with '.' or '_': move it "
            "away, or name the others by a glob",
            format.error().message);
      }
      if (p == 0) format_ = *format;
      if (*format != format_) {
        return invalid(
            "{}: the files have different formats ({} and {}); a table has one: name the files by "
            "a glob, such as *.parquet",
            parts_.source, parts_.files.front().label, part.label);
      }
    }
    return {};
  }

  [[nodiscard]] std::unique_ptr<PartReader> make_reader(
      const PartFile& part, const std::vector<std::string>& as_text) const {
    const PartJob job{part, options_, *environment_, format_, as_text};
    switch (format_) {
      case FileFormat::kParquet:
        return parquet_reader(job);
      case FileFormat::kJsonl:
        return jsonl_reader(job);
      case FileFormat::kCsv:
      case FileFormat::kAtomic:
        break;
    }
    return csv_reader(job);
  }

  void side_by_side(std::size_t tasks, const std::function<void(std::size_t)>& work) const {
    if (context_.pool != nullptr && tasks > 1) {
      context_.pool->run(tasks, [&](std::size_t task, std::size_t) { work(task); });
    } else {
      for (std::size_t task = 0; task < tasks; ++task) work(task);
    }
  }

  // Fills tables_ at those places, so many files at a time.
  Result<void> read_parts(const std::vector<std::size_t>& places,
                          const std::vector<std::string>& as_text) {
    for (std::size_t first = 0; first < places.size(); first += kOpenMax) {
      if (context_.reporter != nullptr && context_.reporter->cancelled()) {
        return make_error(ErrorCode::kCancelled, "{}: stopped while it was read", parts_.source);
      }
      const std::size_t count = std::min(kOpenMax, places.size() - first);
      std::vector<std::unique_ptr<PartReader>> readers(count);
      std::vector<Result<void>> opened(count);
      side_by_side(count, [&](std::size_t i) {
        readers[i] = make_reader(parts_.files[places[first + i]], as_text);
        opened[i] = readers[i]->open();
        if (opened[i].ok()) opened[i] = readers[i]->plan();
      });
      for (const Result<void>& each : opened) TORII_TRY_VOID(each);
      std::vector<std::pair<std::size_t, std::size_t>> tasks;
      for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t task = 0; task < readers[i]->tasks(); ++task) tasks.emplace_back(i, task);
      }
      side_by_side(tasks.size(),
                   [&](std::size_t task) { readers[tasks[task].first]->run(tasks[task].second); });
      std::vector<Result<PartTable>> done(count, PartTable{});
      side_by_side(count, [&](std::size_t i) {
        done[i] = readers[i]->finish();
        readers[i].reset();
      });
      for (std::size_t i = 0; i < count; ++i) {
        TORII_TRY(tables_[places[first + i]], std::move(done[i]));
        rows_read_ += tables_[places[first + i]].rows;
      }
      if (context_.reporter != nullptr) context_.reporter->progress(rows_read_, "");
    }
    return {};
  }

  // What a text format made of one part's values another part may disprove: then all of the column
  // is text, as if the parts were one file.
  Result<void> settle_conflicts() {
    const std::vector<Conflict> found = conflicts(tables_);
    if (found.empty()) return {};
    if (format_ == FileFormat::kParquet) {
      const Conflict& conflict = found.front();
      return invalid(
          "{}: column '{}': expected {} as in {}, found {}; write the files with one type, or name "
          "those that go together by a glob",
          parts_.files[conflict.second].label, conflict.column, type_name(conflict.first_type),
          parts_.files[conflict.first].label, type_name(conflict.second_type));
    }
    std::vector<std::string> as_text;
    for (const Conflict& conflict : found) as_text.push_back(conflict.column);
    std::vector<std::size_t> places;
    for (std::size_t p = 0; p < tables_.size(); ++p) {
      const bool typed = std::any_of(
          tables_[p].columns.begin(), tables_[p].columns.end(), [&](const Column& column) {
            return column.type != ColumnType::kString &&
                   std::find(as_text.begin(), as_text.end(), column.name) != as_text.end();
          });
      if (typed) places.push_back(p);
    }
    TORII_TRY_VOID(read_parts(places, as_text));
    for (const Conflict& conflict : found) {
      if (format_ != FileFormat::kJsonl) break;
      tables_[conflict.second].mixed.try_emplace(conflict.column,
                                                 parts_.files[conflict.second].label);
    }
    const std::vector<Conflict> left = conflicts(tables_);
    if (left.empty()) return {};
    return invalid("{}: column '{}': expected {} as in {}, found {}",
                   parts_.files[left.front().second].label, left.front().column,
                   type_name(left.front().first_type), parts_.files[left.front().first].label,
                   type_name(left.front().second_type));
  }

  Result<Table> assemble() {
    std::vector<Table::Part> places;
    std::vector<std::size_t> rows;
    std::size_t row = 0;
    for (std::size_t p = 0; p < tables_.size(); ++p) {
      places.push_back({parts_.files[p].label, row});
      rows.push_back(tables_[p].rows);
      row += tables_[p].rows;
    }
    PartTable whole =
        tables_.size() == 1 ? std::move(tables_.front()) : unify(std::move(tables_), context_.pool);
    if (several_) {
      for (Column& column : hive_columns(parts_.files, rows, options_)) {
        if (!all_ && !is_asked_for(options_, column.name)) continue;
        std::erase_if(whole.columns, [&](const Column& c) { return c.name == column.name; });
        whole.columns.push_back(std::move(column));
      }
      TORII_TRY_VOID(check_needed(whole));
    }
    Table table(std::move(whole.columns), parts_.source);
    if (parts_.many) table.set_parts(std::move(places));
    table.set_untyped(format_ == FileFormat::kCsv || format_ == FileFormat::kAtomic);
    std::vector<std::string> skipped;
    for (const auto& [name, why] : whole.skipped)
      skipped.push_back(fmt::format("{} ({})", name, why));
    table.set_skipped(std::move(skipped));
    table.set_repaired(std::move(whole.repaired));
    table.set_mixed(std::move(whole.mixed));
    return table;
  }

  Result<void> check_needed(const PartTable& whole) const {
    ReadOptions needed;
    needed.columns = needed_;
    if (needed_.empty()) return {};
    std::vector<std::string> names;
    for (const Column& column : whole.columns) names.push_back(column.name);
    TORII_TRY_VOID(select_columns(names, needed, parts_.source));
    return {};
  }

  Parts parts_;
  std::vector<std::string> needed_;
  ReadOptions options_;
  ReadContext context_;
  const Environment* environment_ = nullptr;
  bool several_ = false;
  bool all_ = true;
  FileFormat format_ = FileFormat::kParquet;
  std::vector<PartTable> tables_;
  std::uint64_t rows_read_ = 0;
};

Result<TableReader> open_table(const std::string& place, const ReadOptions& options,
                               const ReadContext& context) {
  TORII_TRY(Parts parts, find_parts(place, context.environment == nullptr ? Environment{}
                                                                          : *context.environment));
  return TableReader(std::move(parts), options, context);
}

// Null for no database; a table or query that is named without one is an error.
Result<const SqlSource*> database_of(const SqlSource& source) {
  if (sql::is_database(source.uri)) return &source;
  if (source.table.empty() && source.query.empty()) return nullptr;
  return invalid(
      "{}: a {} is named, but this is no database; expected sqlite:FILE or "
      "postgres://user@host/database",
      source.uri, source.table.empty() ? "query" : "table");
}

const Environment& environment_of(const ReadContext& context) {
  static const Environment kNone;
  return context.environment == nullptr ? kNone : *context.environment;
}

}  // namespace

Result<FileFormat> file_format(const std::string& name, const ReadOptions& options) {
  std::string_view plain = name;
  if (plain.ends_with(".gz")) plain.remove_suffix(3);
  const auto ends = [&](std::initializer_list<std::string_view> endings) {
    return std::any_of(endings.begin(), endings.end(),
                       [&](std::string_view ending) { return plain.ends_with(ending); });
  };
  const bool atomic = ends({".inter", ".user", ".item"});
  if (options.format == "parquet") return FileFormat::kParquet;
  if (options.format == "csv") return atomic ? FileFormat::kAtomic : FileFormat::kCsv;
  if (options.format == "jsonl") return FileFormat::kJsonl;
  if (!options.format.empty()) {
    return invalid("format '{}': expected parquet, csv or jsonl", options.format);
  }
  if (atomic) return FileFormat::kAtomic;
  if (ends({".csv", ".tsv"})) return FileFormat::kCsv;
  if (ends({".jsonl", ".ndjson", ".json"})) return FileFormat::kJsonl;
  if (name.ends_with(".parquet") || name.ends_with(".pq")) return FileFormat::kParquet;
  return invalid(
      "{}: cannot tell the format from the ending; expected .parquet, .csv, .tsv, .jsonl, .ndjson "
      "(the texts also with .gz) or .inter, .user, .item",
      name);
}

bool is_named(const ReadOptions& options, const std::string& name) {
  const auto& texts = options.text_columns;
  return is_asked_for(options, name) || std::find(texts.begin(), texts.end(), name) != texts.end();
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

void apply_null_values(Column& column, const std::vector<std::string>& null_values) {
  if (column.type != ColumnType::kString || null_values.empty()) return;
  const auto is_null = [&](std::string_view text) {
    return std::find(null_values.begin(), null_values.end(), text) != null_values.end();
  };
  const auto drop = [&](std::size_t row) {
    if (column.valid.empty()) column.valid.assign(column.size(), 1);
    column.valid[row] = 0;
  };
  if (!column.is_encoded()) {
    StringArray& texts = std::get<StringArray>(column.values);
    bool found = false;
    for (std::size_t row = 0; row < texts.size(); ++row) {
      if (!is_null(texts[row])) continue;
      found = true;
      drop(row);
    }
    if (!found) return;
    StringArray kept;  // a null's slot is empty
    kept.offsets.reserve(texts.offsets.size());
    for (std::size_t row = 0; row < texts.size(); ++row) {
      kept.push_back(column.is_null(row) ? std::string_view() : texts[row]);
    }
    texts = std::move(kept);
    return;
  }
  const EncodedTexts& texts = column.encoded();
  std::vector<std::uint8_t> null(texts.values.size());
  bool any = false;
  for (std::size_t i = 0; i < null.size(); ++i) {
    null[i] = is_null(texts.values[i]) ? 1 : 0;
    any = any || null[i] != 0;
  }
  for (std::size_t row = 0; any && row < texts.codes.size(); ++row) {
    if (null[texts.codes[row]] != 0) drop(row);
  }
}

Result<Table> read_table(const std::string& place, const ReadOptions& options,
                         const ReadContext& context) {
  const SqlSource source{place, options.table, options.query};
  TORII_TRY(const SqlSource* database, database_of(source));
  if (database != nullptr) {
    return read_sql(*database, options, environment_of(context), context.reporter);
  }
  TORII_TRY(TableReader reader, open_table(place, options, context));
  return reader.read();
}

Result<std::vector<std::string>> column_names(const std::string& place, const ReadOptions& options,
                                              const ReadContext& context) {
  const SqlSource source{place, options.table, options.query};
  TORII_TRY(const SqlSource* database, database_of(source));
  if (database != nullptr) return sql_column_names(*database, environment_of(context));
  TORII_TRY(TableReader reader, open_table(place, options, context));
  return reader.names();
}

}  // namespace torii::data

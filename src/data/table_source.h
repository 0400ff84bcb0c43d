#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/environment.h"
#include "base/result.h"
#include "data/parts.h"
#include "data/table.h"

// What the readers of data/ share; shows no type of Arrow.
namespace torii::data {

enum class FileFormat : std::uint8_t { kParquet, kCsv, kAtomic, kJsonl };

/// By options.format, else by the ending. Errors: kInvalidArgument naming what is understood.
[[nodiscard]] Result<FileFormat> file_format(const std::string& name, const ReadOptions& options);

/// Places in `names` of the columns to read, ascending; error if a needed one is missing or a
/// name that is asked for is there twice. `source` for messages.
[[nodiscard]] Result<std::vector<int>> select_columns(const std::vector<std::string>& names,
                                                      const ReadOptions& options,
                                                      const std::string& source);

/// Whether this column is needed as it is: asked for by name, or an id.
[[nodiscard]] bool is_named(const ReadOptions& options, const std::string& name);

/// What one file, or one piece of it, holds.
struct PartTable {
  std::vector<Column> columns;
  std::size_t rows = 0;
  std::vector<std::pair<std::string, std::string>> skipped;  ///< names, and why
  std::map<std::string, std::uint64_t> repaired;
  std::map<std::string, std::string> mixed;
};

/// Reads one file in the steps open, plan, run (each task once), finish. Failures of run() are kept
/// for finish(), so that the first in the order of the file is told. Threads: run() concurrently.
class PartReader {
 public:
  virtual ~PartReader() = default;
  virtual Result<void> open() = 0;
  /// Chooses the columns to read.
  virtual Result<void> plan() = 0;
  /// Column names, behind open(); of JSONL, which has no header, after all tasks ran.
  [[nodiscard]] virtual const std::vector<std::string>& names() const = 0;
  [[nodiscard]] virtual std::size_t tasks() const = 0;
  virtual void run(std::size_t task) = 0;
  virtual Result<PartTable> finish() = 0;
};

/// `as_text`: columns that become text whatever they hold (CSV and JSONL). The arguments must
/// outlive the reader.
struct PartJob {
  const PartFile& part;
  const ReadOptions& options;
  const Environment& environment;
  FileFormat format;
  const std::vector<std::string>& as_text;
};
[[nodiscard]] std::unique_ptr<PartReader> parquet_reader(const PartJob& job);
[[nodiscard]] std::unique_ptr<PartReader> csv_reader(const PartJob& job);
[[nodiscard]] std::unique_ptr<PartReader> jsonl_reader(const PartJob& job);

/// Texts of `null_values` become null in text columns (lists stay as they are).
void apply_null_values(Column& column, const std::vector<std::string>& null_values);

}  // namespace torii::data

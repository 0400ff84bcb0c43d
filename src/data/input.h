#pragma once

#include <arrow/io/type_fwd.h>

#include <memory>

#include "base/environment.h"
#include "base/result.h"
#include "data/parts.h"

// Bytes of blob/ as Arrow's readers take them. Only *.cc files of data/ include this.
namespace torii::data {

/// The bytes of one part of a table. Threads: ReadAt may run concurrently.
[[nodiscard]] Result<std::shared_ptr<arrow::io::RandomAccessFile>> open_input(
    const PartFile& part, const Environment& environment);

/// The same from the start on, uncompressed if the name ends in .gz.
[[nodiscard]] Result<std::shared_ptr<arrow::io::InputStream>> open_stream(
    const PartFile& part, const Environment& environment);

/// kCorrupt if the object was written to while it was read.
[[nodiscard]] Result<void> check_unchanged(const PartFile& part,
                                           const arrow::io::RandomAccessFile& file);

}  // namespace torii::data

#include "data/table.h"
#include "fuzz/scratch.h"
#include "fuzz/target.h"

namespace torii::fuzz {

// Input: one byte that chooses the options, then a file of one object a line.
void run_jsonl(std::string_view input) {
  if (input.empty()) return;
  static MemoryFile file;
  const auto choice = static_cast<unsigned char>(input.front());
  data::ReadOptions options;
  options.format = "jsonl";
  if ((choice & 1U) != 0) options.null_values = {"n/a", "-"};
  if ((choice & 2U) != 0) options.columns = {"user_id"};
  if ((choice & 4U) != 0) options.text_columns = {"user_id", "item_id"};
  if ((choice & 8U) != 0) options.encoded_columns = {"user_id", "item_id"};
  const auto& path = file.hold(input.substr(1));
  (void)data::column_names(path, options);
  const auto table = data::read_table(path, options);
  if (!table.ok()) return;
  std::size_t bytes = 0;
  for (const data::Column& column : table->columns()) {
    for (std::size_t row = 0; row < column.size(); ++row) {
      if (!column.is_null(row)) bytes += column.text_at(row).size();
    }
  }
  (void)bytes;
}

}  // namespace torii::fuzz

#include "cli/demo_data.h"

#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "data/table.h"

namespace torii::cli {
namespace {

using data::Column;
using data::ColumnType;

Column renamed(Column column, const char* name) {
  column.name = name;
  return column;
}

// A column of numbers out of texts; what is no whole number is null.
Column as_integers(const Column& texts, const char* name) {
  std::vector<std::int64_t> numbers(texts.size(), 0);
  Column column;
  column.name = name;
  column.type = ColumnType::kInt64;
  column.valid.assign(texts.size(), 0);
  for (std::size_t row = 0; row < texts.size(); ++row) {
    const std::string text = texts.text_at(row);
    const char* end = text.data() + text.size();
    const auto [stop, failure] = std::from_chars(text.data(), end, numbers[row]);
    column.valid[row] = failure == std::errc{} && stop == end && !text.empty();
  }
  column.values = std::move(numbers);
  return column;
}

// The package splits titles into lists of words; here they are texts again.
Column as_texts(const Column& words, const char* name) {
  StringArray texts;
  for (std::size_t row = 0; row < words.size(); ++row) {
    if (words.type != ColumnType::kStringList) {
      texts.push_back(words.text_at(row));
      continue;
    }
    const data::StringLists& lists = words.string_lists();
    std::string text;
    for (std::uint64_t i = lists.offsets[row]; i < lists.offsets[row + 1]; ++i) {
      text += text.empty() ? "" : " ";
      text += lists.values[i];
    }
    texts.push_back(text);
  }
  Column column;
  column.name = name;
  column.type = ColumnType::kString;
  column.values = std::move(texts);
  return column;
}

Result<void> write(const std::filesystem::path& path, std::vector<Column> columns) {
  return data::write_parquet(path, data::Table(std::move(columns), path.filename().string()));
}

}  // namespace

Result<void> write_demo_data(const std::filesystem::path& source,
                             const std::filesystem::path& out) {
  TORII_TRY(const data::Table users, data::read_table(source / "ml-100k.user"));
  TORII_TRY(const Column* user_id, users.column("user_id"));
  TORII_TRY(const Column* age, users.column("age"));
  TORII_TRY(const Column* gender, users.column("gender"));
  TORII_TRY(const Column* occupation, users.column("occupation"));
  TORII_TRY_VOID(write(out / "users.parquet", {as_integers(*user_id, "user_id"),
                                               as_integers(*age, "age"), *gender, *occupation}));

  TORII_TRY(const data::Table items, data::read_table(source / "ml-100k.item"));
  TORII_TRY(const Column* item_id, items.column("item_id"));
  TORII_TRY(const Column* title, items.column("movie_title"));
  TORII_TRY(const Column* year, items.column("release_year"));
  TORII_TRY(const Column* genres, items.column("class"));
  TORII_TRY_VOID(
      write(out / "items.parquet", {as_integers(*item_id, "item_id"), as_texts(*title, "title"),
                                    as_integers(*year, "year"), renamed(*genres, "genres")}));

  TORII_TRY(const data::Table rows, data::read_table(source / "ml-100k.inter"));
  TORII_TRY(const Column* who, rows.column("user_id"));
  TORII_TRY(const Column* what, rows.column("item_id"));
  TORII_TRY(const Column* rating, rows.column("rating"));
  TORII_TRY(const Column* when, rows.column("timestamp"));
  TORII_TRY_VOID(write(out / "interactions.parquet",
                       {as_integers(*who, "user_id"), as_integers(*what, "item_id"), *rating,
                        renamed(*when, "timestamp")}));
  return write_file_durably(out / "TERMS.txt",
                            std::string(kDemoTerms) + "\n" + kDemoCitation + "\n");
}

}  // namespace torii::cli

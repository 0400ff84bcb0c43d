#include "publish/candidate_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_set>

#include "base/printable.h"
#include "data/table.h"
#include "recommend/rank.h"

namespace torii::publish {
namespace {

using data::Column;
using data::ColumnType;

std::optional<std::uint8_t> source_of(std::string_view name) {
  for (std::uint8_t source = 0; source < 4; ++source) {
    if (name == recommend::source_name(static_cast<recommend::Source>(source))) return source;
  }
  return std::nullopt;
}

Result<const Column*> column_of(const data::Table& table, const char* name, ColumnType type) {
  TORII_TRY(const Column* column, table.column(name));
  if (column->type == type && column->null_count() == 0) return column;
  return invalid("{}: column '{}': expected {} without nulls, as `torii candidates` writes it",
                 table.source(), name, data::type_name(type));
}

// The rows of one file into `lists`.
class FileReader {
 public:
  FileReader(const data::Dataset& dataset, CandidateLists& lists, std::vector<std::uint8_t>& found)
      : dataset_(dataset), lists_(lists), found_(found) {}

  Result<void> read(const data::Table& table, const std::string& file) {
    TORII_TRY(const Column* users, column_of(table, "user_id", ColumnType::kString));
    TORII_TRY(const Column* items, column_of(table, "item_ids", ColumnType::kStringList));
    TORII_TRY(const Column* scores, column_of(table, "scores", ColumnType::kFloatList));
    TORII_TRY(const Column* sources, column_of(table, "source", ColumnType::kString));
    for (std::size_t row = 0; row < table.rows(); ++row) {
      const std::string id = users->text_at(row);
      auto added =
          add(id, items->string_lists(), scores->float_lists(), row, sources->text_at(row));
      if (!added.ok()) {
        return with_context(std::move(added).error(),
                            fmt::format("{}: user '{}'", file, visible(id)));
      }
    }
    return {};
  }

 private:
  Result<void> add(const std::string& id, const data::StringLists& items,
                   const data::FloatLists& scores, std::size_t row, std::string_view source) {
    const auto user = dataset_.users.find(id);
    if (!user) return invalid("is not in the data; were the lists made from other data?");
    if (found_[*user] != 0) return invalid("has a list already; is a file named twice?");
    const std::uint64_t begin = items.offsets[row];
    const std::uint64_t count = items.offsets[row + 1] - begin;
    const std::uint64_t first_score = scores.offsets[row];
    if (scores.offsets[row + 1] - first_score != count) {
      return invalid("has {} items and {} scores", count, scores.offsets[row + 1] - first_score);
    }
    const auto known_source = source_of(source);
    if (!known_source) return invalid("source: expected live, cold or fallback");
    lists_.begins[*user] = lists_.items.size();
    once_.clear();
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto item = dataset_.items.find(items.values[begin + i]);
      if (!item) {
        return invalid("item '{}' is not in the data; were the lists made from other data?",
                       visible(items.values[begin + i]));
      }
      if (!once_.insert(*item).second) {
        return invalid("item '{}' is listed twice", visible(items.values[begin + i]));
      }
      const float score = scores.values[first_score + i];
      if (!std::isfinite(score)) return invalid("a score is not finite");
      lists_.items.push_back(*item);
      lists_.scores.push_back(score);
    }
    lists_.counts[*user] = static_cast<std::uint32_t>(count);
    lists_.sources[*user] = *known_source;
    lists_.k = std::max<std::size_t>(lists_.k, count);
    found_[*user] = 1;
    return {};
  }

  const data::Dataset& dataset_;
  CandidateLists& lists_;
  std::vector<std::uint8_t>& found_;
  std::unordered_set<std::uint32_t> once_;
};

}  // namespace

Result<CandidateLists> read_candidate_files(const std::vector<std::string>& files,
                                            const data::Dataset& dataset,
                                            const Environment& environment, ThreadPool& pool,
                                            Reporter& reporter) {
  const std::size_t users = dataset.users.size();
  CandidateLists lists;
  lists.begins.assign(users, 0);
  lists.counts.assign(users, 0);
  lists.sources.assign(users, 0);
  std::vector<std::uint8_t> found(users, 0);
  FileReader reader(dataset, lists, found);
  data::ReadOptions options;
  options.columns = {"user_id", "item_ids", "scores", "source"};
  options.text_columns = {"user_id"};
  for (const std::string& file : files) {
    if (reporter.cancelled()) return make_error(ErrorCode::kCancelled, "interrupted");
    TORII_TRY(const data::Table table,
              data::read_table(file, options, {.environment = &environment, .pool = &pool}));
    TORII_TRY_VOID(reader.read(table, file));
  }
  const auto missing = std::ranges::find(found, 0);
  if (missing == found.end()) return lists;
  const auto count = static_cast<std::uint64_t>(std::ranges::count(found, 0));
  return invalid(
      "--candidates: {} of {} users of the data have no list, for example '{}'; name the files of "
      "all shards, made from this data",
      grouped(count), grouped(users),
      visible(dataset.users[static_cast<std::size_t>(missing - found.begin())]));
}

}  // namespace torii::publish

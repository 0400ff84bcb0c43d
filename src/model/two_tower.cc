#include "model/two_tower.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/check.h"

namespace torii::model {
namespace {
constexpr std::size_t kRowsPerTask = 256;
}

Matrix embed(const EntityTower& tower, const features::EncodedTable& table,
             std::span<const std::int32_t> ids, ThreadPool& pool) {
  TORII_CHECK(ids.empty() || ids.size() == table.rows, "one id per row, or none");
  const std::size_t width = tower.shape().width;
  Matrix out(table.rows, width);
  if (table.rows == 0) return out;

  struct Scratch {
    std::vector<std::uint32_t> rows;
    features::Batch batch;
    EntityTower::WorkspacePtr workspace;
  };
  const std::size_t capacity = std::min(table.rows, kRowsPerTask);
  std::vector<Scratch> scratch;
  for (int i = 0; i < pool.threads(); ++i) {
    scratch.push_back({{}, {}, tower.make_workspace(capacity)});
  }
  pool.run((table.rows + kRowsPerTask - 1) / kRowsPerTask, [&](std::size_t task, std::size_t w) {
    Scratch& mine = scratch[w];
    const std::size_t first = task * kRowsPerTask;
    const std::size_t count = std::min(kRowsPerTask, table.rows - first);
    mine.rows.resize(count);
    std::iota(mine.rows.begin(), mine.rows.end(), static_cast<std::uint32_t>(first));
    features::gather(table, mine.rows, ids.empty() ? ids : ids.subspan(first, count),
                     tower.text_layout(), mine.batch);
    tower.infer(mine.batch, *mine.workspace, out.view().middle_rows(first, count));
  });
  return out;
}

}  // namespace torii::model

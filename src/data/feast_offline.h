#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "data/table.h"
#include "feast/service.h"

namespace torii::data {

/// All rows of a view's source from the offline server that the repository names (`feast
/// serve_offline`, Arrow Flight), with these columns. Errors: kIo (no server, its message),
/// kUnsupported (the library that speaks Flight is not there).
[[nodiscard]] Result<Table> read_feast_offline(const feast::Repo& repo,
                                               const feast::ServiceView& view,
                                               const std::vector<std::string>& columns,
                                               const ReadContext& context);

}  // namespace torii::data

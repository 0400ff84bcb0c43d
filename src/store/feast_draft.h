#pragma once

#include <memory>

#include "store/feast_writer.h"

namespace torii::store {

/// A publication on its way into a Feast repository: rows wait in a file until commit() writes all.
[[nodiscard]] Result<std::unique_ptr<Draft>> make_feast_draft(
    FeastWriter& writer, const std::vector<FeastTarget>& targets, const OpenOptions& options,
    FeastOutcome& outcome);

}  // namespace torii::store

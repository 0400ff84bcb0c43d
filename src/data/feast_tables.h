#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "data/table.h"
#include "feast/service.h"

// Tables of what the services of a Feast repository offer, read from where its sources lie: Parquet
// files (local, s3://, folders), tables and queries of PostgreSQL, or an offline server.
namespace torii::data {

/// All rows of a view's source, as a service shows them: `table` has the join keys and the features
/// under their names; no row is left out. times: ms since 1970 UTC of each row (a row without one
/// comes before all others); created: likewise, empty if the source has no such column.
struct FeastRows {
  Table table;
  std::vector<std::int64_t> times, created;
};
/// Errors: those of read_table(); kInvalidArgument (a column of another type than the registry
/// says, naming both), kUnsupported (a source that torii cannot read).
[[nodiscard]] Result<FeastRows> read_feast_rows(const feast::Repo& repo,
                                                const feast::ServiceView& view,
                                                const ReadContext& context);

/// One row for each entity of a service of one join key: the newest one that is not after `as_of`
/// (ms), as Feast's online store would hold it; of equal times that with the newest created time,
/// then the last. Time to live is not looked at: a user does not end with it. Several views are
/// joined by the key; what one lacks is null.
struct FeastEntities {
  Table table;  ///< the key, under `key`, first
  std::string key;
  std::uint64_t older = 0;  ///< rows that a newer one replaced
  std::uint64_t later = 0;  ///< rows after as_of
};
[[nodiscard]] Result<FeastEntities> read_feast_entities(const feast::Repo& repo,
                                                        const std::string& service,
                                                        std::int64_t as_of,
                                                        const ReadContext& context);

/// What people did: every row of the one view of the service that has the keys of users and items;
/// nothing collapses. The event time is the column `timestamp`, unless a feature has that name.
struct FeastEventNames {
  std::string user_key, item_key, timestamp;
};
[[nodiscard]] Result<Table> read_feast_events(const feast::Repo& repo, const std::string& service,
                                              const FeastEventNames& names,
                                              const ReadContext& context);

/// The events of a service with the features of all its views as they were at each event:
/// Feast's point-in-time join. A feature's row counts if its time is in [event - ttl, event], both
/// ends included (ttl 0: any time before); the newest wins, then the newest created time, then the
/// last. Every event is kept, once, in its order; what has no row is null.
[[nodiscard]] Result<Table> join_feast_service(const feast::Repo& repo, const std::string& service,
                                               const ReadContext& context);

}  // namespace torii::data

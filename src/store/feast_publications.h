#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sql/connection.h"
#include "store/feast_writer.h"

// What a Feast online store remembers of torii's publications, beside its rows.
namespace torii::store {

/// First column of the first row; nullopt if there is none. Runs to the end.
[[nodiscard]] Result<std::optional<std::int64_t>> first_integer(
    sql::Statement& statement, const std::vector<sql::Value>& values);

/// So many stay, the newest ones.
inline constexpr std::size_t kFeastPublicationsMax = 100;

/// A publication as it is kept: publication_text() with the numbers of items and users.
struct KeptPublication {
  std::uint64_t version = 0;
  std::string info;
};
[[nodiscard]] std::string kept_text(const Publication& info);
/// Newest first. Errors: kCorrupt.
[[nodiscard]] Result<std::vector<Publication>> publications_of(std::vector<KeptPublication> kept,
                                                               const std::string& where);

/// Where a publication comes among those that there are.
struct FeastPlace {
  std::uint64_t version = 0;
  bool is_there = false;                ///< an earlier attempt committed it and did not hear of it
  std::vector<std::uint64_t> outlived;  ///< versions that go
};
/// Errors: kCheckFailed (there is a newer one, made until now), kCorrupt.
[[nodiscard]] Result<FeastPlace> place_publication(const std::vector<KeptPublication>& kept,
                                                   const FeastCommit& commit,
                                                   const std::string& where);

/// The table of a SQL store: "project_torii_publications".
class FeastPublicationTable {
 public:
  /// `schema` is empty for SQLite.
  FeastPublicationTable(std::string_view schema, std::string_view project, std::string where);
  /// Nothing if there is no table.
  [[nodiscard]] Result<std::vector<KeptPublication>> read(sql::Connection& connection) const;
  /// In a transaction of the caller: makes the table if need be.
  [[nodiscard]] Result<void> make(sql::Connection& connection) const;
  /// In a transaction of the caller, as its last deed: no other may add one until it ends.
  [[nodiscard]] Result<FeastPlace> add(sql::Connection& connection,
                                       const FeastCommit& commit) const;

 private:
  [[nodiscard]] Result<bool> exists(sql::Connection& connection) const;

  std::string name_, quoted_, where_;
};

}  // namespace torii::store

#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "cli/session.h"
#include "store/store.h"

namespace torii::cli {

/// `torii store verify --url`: the answers of a running server beside what was published.
struct SkewCheck {
  std::string url;  ///< "http://127.0.0.1:8080"
  std::string key;  ///< of the API, with the scope read; may be empty
  std::string tenant;
  std::int64_t users = 1000;
  std::int64_t items = 1000;
};

/// Sends users and items of the current publication, spread evenly over it, through HTTP: vectors
/// (POST /v1/embed) must be equal in every byte, lists (POST /v1/recommend) entry by entry. Users
/// and items that a live record has changed since are left out: the server answers for how they are
/// now. Returns the document of --json; "differences" says how many, with the first ones as
/// examples. Errors: kIo, kNotFound (nothing is published), kCorrupt (an answer that is none).
[[nodiscard]] Result<Json> check_skew(Session& session, store::Store& store,
                                      const SkewCheck& check);

}  // namespace torii::cli

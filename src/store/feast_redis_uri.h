#pragma once

#include "base/environment.h"
#include "base/json.h"
#include "base/result.h"
#include "store/redis_uri.h"

namespace torii::store {

/// Where the Redis online store of a feature_store.yaml is: its map with redis_type and
/// connection_string, "host:port,db=1,password=...,ssl=true". A password that it does not have
/// comes from TORII_REDIS_PASSWORD. `where` names the map in messages. Errors: kInvalidArgument;
/// kUnsupported (TLS, clusters, sentinels, a socket's path). None holds a password.
[[nodiscard]] Result<RedisUri> parse_feast_redis(const Json& store, const std::string& where,
                                                 const Environment& environment);

}  // namespace torii::store

#pragma once

/// Every change of a Redis store is one of these scripts: atomic, and all or nothing (the server
/// refuses one for want of memory before its first write, never later). KEYS[1] is the prefix of
/// the tenant's keys, "torii:t:<tenant>:". Keys: docs/formats/store.md.
namespace torii::store::redis_scripts {

/// -> {version, restoring}. ARGV: the version and the identity that an empty place gets.
inline constexpr const char* kOpen = R"lua(
if redis.call('EXISTS', KEYS[1] .. 'schema') == 0 then
  redis.call('HSET', KEYS[1] .. 'schema', 'version', ARGV[1], 'identity', ARGV[2])
end
return redis.call('HMGET', KEYS[1] .. 'schema', 'version', 'restoring')
)lua";

/// From version 0, which did not remember who made what current. ARGV: the new version.
inline constexpr const char* kMigrate = R"lua(
if redis.call('HGET', KEYS[1] .. 'schema', 'version') ~= '0' then return 0 end
for _, tenant in ipairs(redis.call('SMEMBERS', KEYS[1] .. 'tenants')) do
  local current = redis.call('GET', KEYS[1] .. 't:' .. tenant .. ':current')
  if current then
    redis.call('RPUSH', KEYS[1] .. 't:' .. tenant .. ':activations', current .. ' 0 ')
  end
end
redis.call('HSET', KEYS[1] .. 'schema', 'version', ARGV[1])
return 1
)lua";

/// ARGV: tenant, then for each record its kind (e, u, i; U: a deleted user), id, user id, bytes.
/// -> {seq, "101..."}
inline constexpr const char* kAppend = R"lua(
local p = KEYS[1]
local first = tonumber(redis.call('GET', p .. 'seq') or '0')
local seq = first
local new = {}
for i = 2, #ARGV, 4 do
  local kind, id, user, bytes = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  if kind == 'e' then
    if redis.call('HSETNX', p .. 'events', id, bytes) == 1 then
      seq = seq + 1
      redis.call('ZADD', p .. 'log', seq, 'e' .. id)
      redis.call('ZADD', p .. 'of:' .. user, seq, id)
      new[#new + 1] = '1'
    else
      new[#new + 1] = '0'
    end
  else
    seq = seq + 1
    if kind == 'i' then
      redis.call('HSET', p .. 'items', id, bytes)
      redis.call('ZADD', p .. 'log', seq, 'i' .. id)
    else
      -- Whoever was erased and is told anew: the tombstone stays as an erasure (kind 3, 'x').
      local since = redis.call('ZSCORE', p .. 'erased', id)
      if kind == 'U' then
        redis.call('HDEL', p .. 'erasures', id)
        redis.call('ZREM', p .. 'log', 'x' .. id)
        redis.call('ZADD', p .. 'erased', seq, id)
      elseif since and redis.call('HEXISTS', p .. 'erasures', id) == 0 then
        local tombstone = redis.call('HGET', p .. 'users', id)
        redis.call('HSET', p .. 'erasures', id, string.char(3) .. string.sub(tombstone, 2))
        redis.call('ZADD', p .. 'log', since, 'x' .. id)
      end
      redis.call('HSET', p .. 'users', id, bytes)
      redis.call('ZADD', p .. 'log', seq, 'u' .. id)
    end
    new[#new + 1] = '1'
  end
end
local text = string.format('%.0f', seq)
if seq > first then
  redis.call('SET', p .. 'seq', text)
  redis.call('SADD', 'torii:tenants', ARGV[1])
end
return {text, table.concat(new)}
)lua";

/// ARGV: after, limit -> {seq, bytes, seq, bytes, ...}
inline constexpr const char* kReadRecords = R"lua(
local p = KEYS[1]
local hash = {e = p .. 'events', u = p .. 'users', i = p .. 'items', x = p .. 'erasures'}
local found = redis.call('ZRANGEBYSCORE', p .. 'log', '(' .. ARGV[1], '+inf', 'WITHSCORES',
                         'LIMIT', 0, ARGV[2])
local out = {}
for i = 1, #found, 2 do
  out[#out + 1] = found[i + 1]
  out[#out + 1] = redis.call('HGET', hash[string.sub(found[i], 1, 1)], string.sub(found[i], 2))
end
return out
)lua";

/// ARGV: user -> as above
inline constexpr const char* kReadEventsOf = R"lua(
local p = KEYS[1]
local found = redis.call('ZRANGE', p .. 'of:' .. ARGV[1], 0, -1, 'WITHSCORES')
local out = {}
for i = 1, #found, 2 do
  out[#out + 1] = found[i + 1]
  out[#out + 1] = redis.call('HGET', p .. 'events', found[i])
end
return out
)lua";

/// ARGV: name of the hash, letter, id -> {seq, bytes}
inline constexpr const char* kFindRecord = R"lua(
local bytes = redis.call('HGET', KEYS[1] .. ARGV[1], ARGV[3])
if not bytes then return {} end
return {redis.call('ZSCORE', KEYS[1] .. 'log', ARGV[2] .. ARGV[3]), bytes}
)lua";

/// ARGV: tenant, user, bytes of the tombstone, then for each publication that has the user: its
/// number, the checksum that it must have, the one without the user.
/// -> {seq, user, events, lists}, or {-1}: the publications have changed, look again.
inline constexpr const char* kErase = R"lua(
local p, user = KEYS[1], ARGV[2]
local given = {}
for i = 4, #ARGV, 3 do given[ARGV[i]] = {ARGV[i + 1], ARGV[i + 2]} end
local rows = {}
for _, list in ipairs({redis.call('HVALS', p .. 'versions'),
                       redis.call('ZRANGE', p .. 'drafts', 0, -1)}) do
  for _, number in ipairs(list) do
    local key = 'torii:p:' .. number
    local place = redis.call('HGET', key .. ':places', user)
    if place then
      local want = given[number]
      if not want or redis.call('HGET', key, 'users_sum') ~= want[1] then return {-1} end
      rows[#rows + 1] = {key, place, want[2]}
    end
  end
end
if #rows ~= (#ARGV - 3) / 3 then return {-1} end
for _, row in ipairs(rows) do
  redis.call('HDEL', row[1] .. ':users', row[2])
  redis.call('HDEL', row[1] .. ':places', user)
  redis.call('HSET', row[1], 'users_sum', row[3])
  redis.call('HINCRBY', row[1], 'users', -1)
end
local events = redis.call('ZRANGE', p .. 'of:' .. user, 0, -1)
for _, id in ipairs(events) do
  redis.call('HDEL', p .. 'events', id)
  redis.call('ZREM', p .. 'log', 'e' .. id)
end
redis.call('DEL', p .. 'of:' .. user)
local known = 0
local returned = redis.call('HDEL', p .. 'erasures', user)
redis.call('ZREM', p .. 'log', 'x' .. user)
if redis.call('HEXISTS', p .. 'users', user) == 1 and
   (returned == 1 or not redis.call('ZSCORE', p .. 'erased', user)) then known = 1 end
local seq = tonumber(redis.call('GET', p .. 'seq') or '0') + 1
local text = string.format('%.0f', seq)
redis.call('SET', p .. 'seq', text)
redis.call('HSET', p .. 'users', user, ARGV[3])
redis.call('ZADD', p .. 'log', seq, 'u' .. user)
redis.call('ZADD', p .. 'erased', seq, user)
redis.call('SADD', 'torii:tenants', ARGV[1])
return {text, known, #events, #rows}
)lua";

/// ARGV: now, the checksum of nothing -> the number of a new draft
inline constexpr const char* kBegin = R"lua(
local number = string.format('%.0f', redis.call('INCR', 'torii:publication'))
redis.call('ZADD', KEYS[1] .. 'drafts', ARGV[1], number)
redis.call('HSET', 'torii:p:' .. number, 'users', 0, 'users_sum', ARGV[2], 'places', 0)
return number
)lua";

/// ARGV: number, now, count of items, then place and bytes of each; then place, id and bytes of
/// each user -> 1, or 0: there is no such draft any more.
inline constexpr const char* kAddRows = R"lua(
local touched = redis.call('ZSCORE', KEYS[1] .. 'drafts', ARGV[1])
if not touched then return 0 end
redis.call('ZADD', KEYS[1] .. 'drafts', ARGV[2], ARGV[1])
local key = 'torii:p:' .. ARGV[1]
local at = 4
for _ = 1, tonumber(ARGV[3]) do
  redis.call('HSET', key .. ':items', ARGV[at], ARGV[at + 1])
  at = at + 2
end
for i = at, #ARGV, 3 do
  redis.call('HSET', key .. ':users', ARGV[i], ARGV[i + 2])
  redis.call('HSET', key .. ':places', ARGV[i + 1], ARGV[i])
  redis.call('HSET', key, 'places', ARGV[i] + 1)
end
return 1
)lua";

/// Takes users out of a draft. ARGV: number, the checksum that it must have, the one without them,
/// the users -> 1, or 0: it has changed, look again.
inline constexpr const char* kLeaveOut = R"lua(
local key = 'torii:p:' .. ARGV[1]
if redis.call('HGET', key, 'users_sum') ~= ARGV[2] then return 0 end
for i = 4, #ARGV do
  local place = redis.call('HGET', key .. ':places', ARGV[i])
  redis.call('HDEL', key .. ':users', place)
  redis.call('HDEL', key .. ':places', ARGV[i])
end
redis.call('HSET', key, 'users_sum', ARGV[3])
redis.call('HINCRBY', key, 'users', 3 - #ARGV)
return 1
)lua";

/// ARGV: tenant, number, version ('' = the next one, which becomes current), description, when, by,
/// items, their checksum, the checksum of users that it must have, users, their checksum
/// -> the version; 0: no such draft any more; -1: it has changed, look again.
inline constexpr const char* kCommit = R"lua(
local p, number = KEYS[1], ARGV[2]
if not redis.call('ZSCORE', p .. 'drafts', number) then return 0 end
local key = 'torii:p:' .. number
if redis.call('HGET', key, 'users_sum') ~= ARGV[9] then return -1 end
local version = ARGV[3]
if version == '' then version = string.format('%.0f', redis.call('INCR', p .. 'version')) end
redis.call('HSET', key, 'info', ARGV[4], 'items', ARGV[7], 'items_sum', ARGV[8],
           'users', ARGV[10], 'users_sum', ARGV[11])
redis.call('HSET', p .. 'versions', version, number)
redis.call('ZREM', p .. 'drafts', number)
if ARGV[3] == '' then
  redis.call('SET', p .. 'current', version)
  redis.call('RPUSH', p .. 'activations', version .. ' ' .. ARGV[5] .. ' ' .. ARGV[6])
end
redis.call('SADD', 'torii:tenants', ARGV[1])
return version
)lua";

/// ARGV: version, when, by -> 1, or 0: no such version
inline constexpr const char* kActivate = R"lua(
if redis.call('HEXISTS', KEYS[1] .. 'versions', ARGV[1]) == 0 then return 0 end
redis.call('SET', KEYS[1] .. 'current', ARGV[1])
redis.call('RPUSH', KEYS[1] .. 'activations', ARGV[1] .. ' ' .. ARGV[2] .. ' ' .. ARGV[3])
return 1
)lua";

/// ARGV: versions -> those that are gone: all but the current one
inline constexpr const char* kRemoveVersions = R"lua(
local p = KEYS[1]
local current = redis.call('GET', p .. 'current')
local gone = {}
for _, version in ipairs(ARGV) do
  local number = redis.call('HGET', p .. 'versions', version)
  if number and version ~= current then
    local key = 'torii:p:' .. number
    redis.call('HDEL', p .. 'versions', version)
    redis.call('UNLINK', key, key .. ':items', key .. ':users', key .. ':places')
    gone[#gone + 1] = version
  end
end
return gone
)lua";

/// ARGV: number, and the latest touch at which it goes ('+inf' at any) -> 1 if it went
inline constexpr const char* kRemoveDraft = R"lua(
local touched = redis.call('ZSCORE', KEYS[1] .. 'drafts', ARGV[1])
if not touched or (ARGV[2] ~= '+inf' and tonumber(touched) > tonumber(ARGV[2])) then return 0 end
local key = 'torii:p:' .. ARGV[1]
redis.call('ZREM', KEYS[1] .. 'drafts', ARGV[1])
redis.call('UNLINK', key, key .. ':items', key .. ':users', key .. ':places')
return 1
)lua";

/// ARGV: id and user of each event -> how many were there
inline constexpr const char* kRemoveEvents = R"lua(
local p, removed = KEYS[1], 0
for i = 1, #ARGV, 2 do
  removed = removed + redis.call('HDEL', p .. 'events', ARGV[i])
  redis.call('ZREM', p .. 'log', 'e' .. ARGV[i])
  redis.call('ZREM', p .. 'of:' .. ARGV[i + 1], ARGV[i])
end
return removed
)lua";

/// ARGV: id, description, tenant
inline constexpr const char* kPutKey = R"lua(
redis.call('HSET', KEYS[1] .. 'keys', ARGV[1], ARGV[2])
redis.call('INCR', KEYS[1] .. 'keys:revision')
redis.call('SADD', KEYS[1] .. 'tenants', ARGV[3])
return 1
)lua";

/// -> 1, or 0: there is something
inline constexpr const char* kBeginRestore = R"lua(
if redis.call('EXISTS', KEYS[1] .. 'tenants', KEYS[1] .. 'publication', KEYS[1] .. 'keys') > 0 then
  return 0
end
redis.call('HSET', KEYS[1] .. 'schema', 'restoring', 1)
return 1
)lua";

/// ARGV: for each record its seq, kind (e, u, i, U, x: an erasure), id, user id, bytes
inline constexpr const char* kRestoreRecords = R"lua(
local p = KEYS[1]
for i = 1, #ARGV, 5 do
  local seq, kind, id, user, bytes = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  if kind == 'e' then
    redis.call('HSET', p .. 'events', id, bytes)
    redis.call('ZADD', p .. 'of:' .. user, seq, id)
  elseif kind == 'i' then
    redis.call('HSET', p .. 'items', id, bytes)
  elseif kind == 'x' then
    redis.call('HSET', p .. 'erasures', id, bytes)
    redis.call('ZADD', p .. 'erased', seq, id)
  else
    redis.call('HSET', p .. 'users', id, bytes)
    if kind == 'U' then redis.call('ZADD', p .. 'erased', seq, id) end
  end
  redis.call('ZADD', p .. 'log', seq, string.lower(kind) .. id)
end
return 1
)lua";

/// ARGV: tenant, seq, last version, current ('0' = none), then the activations
inline constexpr const char* kRestoreState = R"lua(
local p = KEYS[1]
redis.call('SET', p .. 'seq', ARGV[2])
redis.call('SET', p .. 'version', ARGV[3])
if ARGV[4] ~= '0' then
  if redis.call('HEXISTS', p .. 'versions', ARGV[4]) == 0 then return 0 end
  redis.call('SET', p .. 'current', ARGV[4])
end
for i = 5, #ARGV do redis.call('RPUSH', p .. 'activations', ARGV[i]) end
redis.call('SADD', 'torii:tenants', ARGV[1])
return 1
)lua";

}  // namespace torii::store::redis_scripts

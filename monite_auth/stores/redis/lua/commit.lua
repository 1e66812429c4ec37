#!lua flags=allow-oom
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'foreign' end
local user, queue, records, spent = KEYS[2], KEYS[5], KEYS[6], KEYS[10]
local place, id, fingerprint, sealed = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local now = clock()
local expires = now + ARGV[6]
local signed = string.format('%-16.16s', id) -- a void lease's ID may have any length
local kept = kept_until(ARGV[6], now)
local times = struct.pack('>dddd', expires, now + ARGV[7], kept, now + ARGV[8])
local token = times .. fingerprint .. signed .. sealed

-- Its value was revoked in this place, or is about to be: Monite has given the same token again.
local name = fingerprint .. place
if redis.call('ZSCORE', queue, name) or lasts(spent, name, now) then
  local pending = redis.call('HGET', user, 'l' .. place)
  return pending and lease_id(pending) == id and 2 or 0
end

local lease = redis.call('HGET', user, 'l' .. place)
local stored = redis.call('HGET', user, 't' .. place)
local same = stored and fingerprint_of(stored) == fingerprint
if not lease or lease_id(lease) ~= id then
  local older = redis.call('HGET', user, 'o' .. fingerprint .. place)
  local known = same and stored or older
  -- The command was sent twice, since the first answer was lost: the token is stored, and must not be revoked.
  if known and lease_of(known) == id then return 1 end
  if same then redis.call('HDEL', user, 't' .. place) end
  if older then redis.call('HDEL', user, 'o' .. fingerprint .. place) end
  revoke(queue, records, ARGV[1], place, token, now)
  return 0
end
redis.call('HDEL', user, 'l' .. place)
if is_fenced(lease) then
  revoke(queue, records, ARGV[1], place, token, now)
  return 0
end
if stored and not same then
  redis.call('HSET', user, 'o' .. fingerprint_of(stored) .. place, stored)
end
redis.call('HDEL', user, 'r' .. place, 'o' .. fingerprint .. place)
redis.call('HSET', user, 't' .. place, token)
local left, older = sweep(user, now), {}
for _, each in ipairs(left.o) do
  if place_in(each.field) == place then older[#older + 1] = each end
end
revoke_oldest(KEYS, ARGV[1], older, MOST_SUPERSEDED, now)
revoke_oldest(KEYS, ARGV[1], left.o, MOST_SLOTS, now)
revoke_oldest(KEYS, ARGV[1], left.t, MOST_SLOTS, now)
keep(user, now, expires + SAFETY)
index(KEYS, now, kept + SAFETY)
return 1

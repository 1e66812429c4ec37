#!lua flags=allow-oom
-- Say how a session stands: 'ended', 'old', 'alive' as far as its name or its date tells, or 'unknown'. It writes nothing, and is
-- not marked as read-only for the same reason as `peek`. A shard that nobody has used yet knows of no session.
local data_key = redis.call('GET', KEYS[1])
if data_key and data_key ~= ARGV[1] then return 'foreign' end
local session, by, now = ARGV[2], ARGV[4], clock()
if is_set(now) then return 'set' end
local who = { session = session, date = ARGV[3], by = by, at = ARGV[5] }
local over = ending(KEYS, who, tonumber(ARGV[6]), now)
if over then return over end
if session == '' or by ~= '' or lasts(KEYS[3], session, now) then return 'alive' end
return 'unknown'

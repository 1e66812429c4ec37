#!lua flags=allow-oom
-- Take a revocation off the list. ARGV[2]: its value was revoked, and must not be stored in its place again.
local queue, records, spent, name, revoked = KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2]
local record = redis.call('HGET', records, name)
redis.call('ZREM', queue, name)
if record and revoked ~= '' then
  local now, moment = clock(), struct.unpack('>d', record)
  redis.call('ZREMRANGEBYSCORE', spent, '-inf', text(now))
  redis.call('ZADD', spent, text(moment), name)
  keep(spent, now, moment)
end
return redis.call('HDEL', records, name, '@' .. name)

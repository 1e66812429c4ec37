#!lua flags=allow-oom
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'foreign' end
local user = KEYS[2]
local place, id, seconds, sealed = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local lease = redis.call('HGET', user, 'l' .. place)
if not lease or lease_id(lease) ~= id then return 0 end
redis.call('HDEL', user, 'l' .. place)
if seconds ~= '' then
  local now = clock()
  sweep(user, now)
  redis.call('HSET', user, 'r' .. place, struct.pack('>dd', now + seconds, now) .. store_of(ARGV[1]) .. sealed)
  keep(user, now, now + seconds)
end
return 1

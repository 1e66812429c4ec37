#!lua flags=allow-oom
-- Return which account owns the data from before there were accounts, its envelope, and all accounts that are here. ARGV[1]: an
-- account that takes that data, unless another one has. ARGV[2]: an account that is new here, and is added to the list.
if ARGV[1] ~= '' and redis.call('HLEN', KEYS[1]) > 0 and not redis.call('GET', KEYS[2]) then
  redis.call('SET', KEYS[2], ARGV[1])
end
if ARGV[2] ~= '' then redis.call('ZADD', KEYS[3], 0, ARGV[2]) end
return { redis.call('GET', KEYS[2]), redis.call('HGETALL', KEYS[1]), redis.call('ZRANGE', KEYS[3], 0, -1) }

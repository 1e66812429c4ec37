#!lua
-- Whose is what lies here from before there were accounts? With ARGV[1], an account takes it if nobody has. With ARGV[2], an account
-- is new here: it is added to the others, which are told.
if ARGV[1] ~= '' and redis.call('HLEN', KEYS[1]) > 0 and not redis.call('GET', KEYS[2]) then
  redis.call('SET', KEYS[2], ARGV[1])
end
if ARGV[2] ~= '' then redis.call('ZADD', KEYS[3], 0, ARGV[2]) end
return { redis.call('GET', KEYS[2]), redis.call('HGETALL', KEYS[1]), redis.call('ZRANGE', KEYS[3], 0, -1) }

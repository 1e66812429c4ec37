#!lua
-- Whose is what lies here from before there were accounts? With ARGV[1], an account takes it if nobody has.
if ARGV[1] ~= '' and redis.call('HLEN', KEYS[1]) > 0 and not redis.call('GET', KEYS[2]) then
  redis.call('SET', KEYS[2], ARGV[1])
end
return { redis.call('GET', KEYS[2]), redis.call('HGETALL', KEYS[1]) }

#!lua
-- Add a wrapping to the envelope if it still is as it was seen, which is empty at first; return all that it holds.
local id, wrapped = ARGV[1], ARGV[2]
local as_seen = redis.call('HLEN', KEYS[1]) == (#ARGV - 2) / 2
for i = 3, #ARGV, 2 do
  as_seen = as_seen and redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1]
end
if as_seen then redis.call('HSET', KEYS[1], id, wrapped) end
return redis.call('HGETALL', KEYS[1])

#!lua
-- Put an account's envelope in the place of the one that was seen, if it still is as it was; return what it holds then.
-- ARGV[1] is how many pairs were seen; they follow, and then the new ones.
local envelope, seen = KEYS[1], tonumber(ARGV[1])
local last = 1 + 2 * seen
local as_seen = redis.call('HLEN', envelope) == seen
for i = 2, last, 2 do
  as_seen = as_seen and redis.call('HGET', envelope, ARGV[i]) == ARGV[i + 1]
end
if as_seen then
  for i = 2, last, 2 do redis.call('HDEL', envelope, ARGV[i]) end
  for i = last + 1, #ARGV, 2 do redis.call('HSET', envelope, ARGV[i], ARGV[i + 1]) end
end
return redis.call('HGETALL', envelope)

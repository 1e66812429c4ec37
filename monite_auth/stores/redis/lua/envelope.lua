#!lua flags=allow-oom
-- Replace an account's envelope, if it is still as it was seen; return its content after that.
-- ARGV[1] is the number of pairs that were seen. They follow, and then the new ones.
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

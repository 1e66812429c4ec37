#!lua flags=allow-oom
-- A place does not hand the value out any more; unless it has come to hold it anew since it was seen.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])

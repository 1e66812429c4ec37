#!lua flags=allow-oom
-- Note that a place does not hand the value out any more, unless the place has come to hold it again since it was seen.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])

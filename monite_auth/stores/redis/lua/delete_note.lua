#!lua flags=allow-oom
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'foreign' end
return redis.call('HDEL', KEYS[2], 'n' .. ARGV[2])

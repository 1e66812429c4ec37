#!lua flags=allow-oom
-- Note in a shard which data key is in force.
redis.call('SET', KEYS[1], ARGV[1])

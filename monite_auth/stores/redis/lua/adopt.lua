#!lua flags=allow-oom
-- Note in a shard which data key is in force (ARGV[2]), with a copy of the envelope (ARGV[3]), if the shard still bears the stamp that was
-- seen (ARGV[1], '' for none). Return its stamp and its copy after that. Without arguments they are only read.
local stamp, copy = KEYS[1], KEYS[2]
if ARGV[1] and (redis.call('GET', stamp) or '') == ARGV[1] then
  redis.call('SET', stamp, ARGV[2])
  redis.call('SET', copy, ARGV[3])
end
return { redis.call('GET', stamp), copy_in(copy) }

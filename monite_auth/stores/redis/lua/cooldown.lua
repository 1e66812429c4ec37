#!lua flags=allow-oom
-- Write a cooldown of everyone to the shards whose keys are given.
local seconds, sealed = tonumber(ARGV[2]), ARGV[3]
local now = clock()
local record = struct.pack('>dd', now + seconds, now) .. store_of(ARGV[1]) .. sealed
for _, key in ipairs(KEYS) do
  redis.call('SET', key, record, 'PX', string.format('%.0f', math.ceil(seconds * 1000)))
end
return #KEYS

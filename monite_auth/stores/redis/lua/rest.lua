#!lua flags=allow-oom
-- A rest of everyone, for the shards whose keys are given.
local seconds, sealed = tonumber(ARGV[2]), ARGV[3]
local rest = struct.pack('>d', clock() + seconds) .. store_of(ARGV[1]) .. sealed
for _, key in ipairs(KEYS) do
  redis.call('SET', key, rest, 'PX', string.format('%.0f', math.ceil(seconds * 1000)))
end
return #KEYS

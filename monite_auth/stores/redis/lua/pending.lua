#!lua flags=allow-oom
-- The pending revocations of a shard, whether they are due or not: name and record of each, behind the time. KEYS: queue, records.
local found = { text(clock()) }
for _, name in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local record = redis.call('HGET', KEYS[2], name)
  if record then
    found[#found + 1] = name
    found[#found + 1] = record
  end
end
return found

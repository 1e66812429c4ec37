#!lua flags=allow-oom
-- The users of some shards that there is something of, each name behind the number of its shard; none if they are more than ARGV[1].
-- KEYS: the users of each shard.
local total, found = 0, {}
for _, users in ipairs(KEYS) do total = total + redis.call('ZCARD', users) end
if total > tonumber(ARGV[1]) then return { total, found } end
for i, users in ipairs(KEYS) do
  for _, name in ipairs(redis.call('ZRANGE', users, 0, -1)) do
    found[#found + 1] = i - 1
    found[#found + 1] = name
  end
end
return { total, found }

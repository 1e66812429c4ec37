#!lua flags=allow-oom
-- End all sessions from before now, or from before ARGV[3] seconds ago. KEYS: four for each shard (stamp, when everything ended, users,
-- clock).
-- Return the users that there is something of, each name behind the number of its shard.
local now, memory, ago = clock(), tonumber(ARGV[2]), tonumber(ARGV[3])
local found = {}
if is_set(now) then return { 'set', 0 } end
for i = 1, #KEYS, 4 do
  local stamp = redis.call('GET', KEYS[i])
  if stamp and stamp ~= ARGV[1] then return { 'foreign', (i - 1) / 4 } end
  redis.call('SET', KEYS[i + 1], ended_before(now - ago, redis.call('GET', KEYS[i + 1]) or nil, now, KEYS[i + 3]))
  keep(KEYS[i + 1], now, now + memory)
  for _, name in ipairs(redis.call('ZRANGE', KEYS[i + 2], 0, -1)) do
    found[#found + 1] = (i - 1) / 4
    found[#found + 1] = name
  end
end
return { 'users', found }

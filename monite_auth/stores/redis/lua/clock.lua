#!lua flags=allow-oom
-- Return this server's time, and by how much its clock was set in all, as processes have noticed. ARGV[1]: what a process has found
-- that to be. KEYS: the clocks of all shards that lie here.
local now = clock()
if ARGV[1] ~= '' then
  for _, key in ipairs(KEYS) do redis.call('SET', key, ARGV[1] .. ' ' .. text(now)) end
end
return { text(now), text((set_in_all(KEYS[1]))) }

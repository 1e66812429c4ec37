#!lua flags=allow-oom
local pending = 0
for _, queue in ipairs(KEYS) do pending = pending + redis.call('ZCARD', queue) end
return pending

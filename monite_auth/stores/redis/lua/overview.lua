#!lua flags=allow-oom
-- How many revocations are pending, and for how many seconds the oldest of them has been. KEYS: two for each shard (queue, records).
local MOST = 1000 -- looks per shard, so that a long queue cannot keep the server from others
local now, pending, oldest = clock(), 0, ''
for i = 1, #KEYS, 2 do
  pending = pending + redis.call('ZCARD', KEYS[i])
  for _, name in ipairs(redis.call('ZRANGE', KEYS[i], 0, MOST - 1)) do
    local since = redis.call('HGET', KEYS[i + 1], '@' .. name) -- an older version has written none
    if since and #since == 8 then oldest = math.max(oldest == '' and 0 or oldest, now - struct.unpack('>d', since)) end
  end
end
return { pending, oldest == '' and '' or text(oldest) }

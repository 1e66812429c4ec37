#!lua flags=allow-oom
-- How many tokens of some users are handed out. KEYS: their hashes.
local now, live = clock(), 0
for _, user in ipairs(KEYS) do
  local fields = redis.call('HGETALL', user)
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 1) == 't' and #fields[i + 1] >= 16 and left_of(fields[i + 1], now) > 0 then live = live + 1 end
  end
end
return live

#!lua flags=allow-oom
-- How many tokens of the user are handed out, and when the last of them ends.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'foreign' end
local now, live, last = clock(), 0, 0
local fields = redis.call('HGETALL', KEYS[2])
for i = 1, #fields, 2 do
  if string.sub(fields[i], 1, 1) == 't' then
    local left = left_of(fields[i + 1], now)
    if left > 0 then live, last = live + 1, math.max(last, now + left) end
  end
end
return { live, text(last - now) }

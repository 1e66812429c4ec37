#!lua flags=allow-oom
-- Which of some users have tokens or leases: their numbers. KEYS: the hash of each user.
local found = {}
for i, user in ipairs(KEYS) do
  local fields = redis.call('HGETALL', user)
  for n = 1, #fields, 2 do
    local kind = string.sub(fields[n], 1, 1)
    if kind == 't' or kind == 'o' or kind == 'l' then
      found[#found + 1] = i - 1
      break
    end
  end
end
return found

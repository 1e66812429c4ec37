#!lua flags=allow-oom
-- Return the token, or nothing. The script writes nothing, and yet it is not marked as read-only: a replica would run such a
-- script, and a replica may not know of a logout yet.
local data_key = redis.call('GET', KEYS[1])
if not data_key then return false end -- nobody has used this shard yet: the first claim adopts it, once for all that peek
if data_key ~= ARGV[1] then return 'foreign' end
local user, known = KEYS[2], KEYS[3]
local place, session, date = ARGV[2], ARGV[3], ARGV[4]
local token = redis.call('HGET', user, 't' .. place)
if not token then return false end
local now = clock()
if left_of(token, now) <= 0 then return false end
if session ~= '' and not lasts(known, session, now) then return false end
if date ~= '' then
  if is_set(now) then return false end -- the claim that comes next looks at the clock
  local who = { session = '', date = date, by = ARGV[5], at = ARGV[6] }
  if ending(KEYS, who, tonumber(ARGV[7]), now) then return false end
end
return struct.pack('>d', now) .. token -- one string: a list of two takes clients twice the time to read

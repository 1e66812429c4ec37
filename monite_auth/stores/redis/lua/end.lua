#!lua flags=allow-oom
-- Fence the mints and make the tokens pending, in the places within reach (ARGV[2]). 'session' also ends one session; without
-- an ID but with a date, it ends that date and all sessions from before now. 'user' also ends all, 'relink' ends none.
-- What happened some time ago (ARGV[7], in seconds) does not end sessions that began since.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'foreign' end
local user, known, ended, queue, records = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local reach, session, date, memory = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local LEEWAY = tonumber(ARGV[6])
local now = clock()
if is_set(now) then return 'set' end
local ago = tonumber(ARGV[7])
local moment = now - ago

local sessions, is_marked = 0, false
local function mark(name)
  is_marked = true
  redis.call('ZADD', ended, text(now + memory + LEEWAY), name)
  sessions = sessions + redis.call('ZREM', known, name)
  redis.call('ZREM', known, '+' .. name)
  keep(ended, now, now + memory + LEEWAY)
end

if reach == 'session' and session ~= '' then mark(session) end
local by_date = reach == 'session' and session == '' and date ~= ''
if by_date then mark(date) end
if reach == 'user' then
  -- What ended was known before, so all sessions that were let go are older than these.
  if has_sessions(known, MOST_SESSIONS - redis.call('ZCARD', ended)) then mark(undated(KEYS)) end
  for _, name in ipairs(redis.call('ZRANGE', known, 0, -1)) do
    -- One that seems to begin later than now was dated before the clock was set back.
    local began = ago > 0 and began_at(known, name)
    local goes_on = began and began > moment and began <= now
    if string.sub(name, 1, 1) ~= '+' and not goes_on then mark(name) end
  end
end
-- Beyond so many endings dates tell which sessions have ended. The one that was just written stays, even if others, of processes that
-- remember for longer, are older.
local latest = reach == 'session' and (session ~= '' and session or date)
local too_many = redis.call('ZCARD', ended) - MOST_ENDINGS
local oldest = too_many > 0 and redis.call('ZRANGE', ended, 0, too_many, 'WITHSCORES') or {}
local over = (reach == 'user' or by_date) and moment or 0
for i = 1, #oldest, 2 do
  if oldest[i] ~= latest and too_many > 0 then
    redis.call('ZREM', ended, oldest[i])
    too_many = too_many - 1
    over = math.max(over, math.min(now, oldest[i + 1] - memory - LEEWAY))
  end
end
if #oldest > 0 then mark(undated(KEYS)) end
if over > 0 then
  redis.call('HSET', user, 'before', ended_before(over, redis.call('HGET', user, 'before') or nil, now, KEYS[11]))
  keep(user, now, now + memory + LEEWAY)
end

if is_marked or over > 0 then index(KEYS, now, now + memory + LEEWAY) end -- whoever copies the store has to find it

local pending = 0
local fields = redis.call('HGETALL', user)
for i = 1, #fields, 2 do
  local field, value = fields[i], fields[i + 1]
  local kind = string.sub(field, 1, 1)
  local place = place_in(field)
  local its_session = string.sub(place, 23)
  if reach ~= 'session' or its_session == '' or its_session == session then
    if kind == 't' or kind == 'o' then
      redis.call('HDEL', user, field)
      pending = pending + revoke(queue, records, ARGV[1], place, value, now)
    elseif kind == 'r' and reach == 'relink' then
      redis.call('HDEL', user, field) -- Monite refused the entity user that was
    elseif kind == 'l' then
      redis.call('HSET', user, field, string.sub(value, 1, 16) .. '\1' .. string.sub(value, 18))
    end
  end
end
sweep(user, now)
return { pending, sessions }

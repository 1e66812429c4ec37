#!lua flags=allow-oom
-- A session has begun some time ago (ARGV[4], in seconds): it is known from now on, unless it has ended already. Return whether all
-- sessions of the user have ended since it began.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'foreign' end
local known, ended, session, memory = KEYS[3], KEYS[4], ARGV[2], tonumber(ARGV[3])
local ago = tonumber(ARGV[4])
local now = clock()
if is_set(now) then return 'set' end
if lasts(ended, session, now) then return 0 end
know(known, session, now, memory, now)
index(KEYS, now, now + memory)
if ago <= 0 then return 0 end
local began = began_at(known, session)
if began and began > now - ago then redis.call('ZADD', known, text(FAR + now - ago), '+' .. session) end
local of_user, of_all = redis.call('HGET', KEYS[2], 'before'), redis.call('GET', KEYS[8])
return now - ago < math.max(before(of_user, now, KEYS[11]), before(of_all, now, KEYS[11])) and 1 or 0

#!lua flags=allow-oom
-- A session has begun: it is known from now on, unless it has ended already.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'foreign' end
local known, ended, session, memory = KEYS[3], KEYS[4], ARGV[2], tonumber(ARGV[3])
local now = clock()
if lasts(ended, session, now) then return 0 end
know(known, session, now, memory, now)
index(KEYS, now, now + memory)
return 1

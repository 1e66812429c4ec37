#!lua
-- A session has begun: it is known from now on.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'foreign' end
local known, session, memory = KEYS[3], ARGV[2], tonumber(ARGV[3])
local now = clock()
redis.call('ZADD', known, text(now + memory), session)
keep(known, now, now + memory)
return 1

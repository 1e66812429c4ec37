#!lua
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'foreign' end
local user = KEYS[2]
local note, seconds, sealed = ARGV[2], tonumber(ARGV[3]), ARGV[4]
local now = clock()
sweep(user, now)
redis.call('HSET', user, 'n' .. note, struct.pack('>d', now + seconds) .. sealed)
keep(user, now, now + seconds)
return 1

#!lua flags=allow-oom
-- Make a token that is in no place a pending revocation.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'foreign' end
local queue, records = KEYS[5], KEYS[6]
local place, fingerprint, sealed, now = ARGV[2], ARGV[3], ARGV[4], clock()
local times = struct.pack('>dddd', now + ARGV[5], now, kept_until(ARGV[5], now), now)
return revoke(queue, records, ARGV[1], place, times .. fingerprint .. string.rep(' ', 16) .. sealed, now)

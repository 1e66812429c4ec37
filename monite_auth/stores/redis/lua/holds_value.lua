#!lua flags=allow-oom
-- Return 1 if a place hands out the token with this fingerprint, or a mint is under way there that may bring it.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'foreign' end
local user, place, fingerprint = KEYS[2], ARGV[2], ARGV[3]
if redis.call('HGET', user, 'l' .. place) then return 1 end
local token = redis.call('HGET', user, 't' .. place)
return token and fingerprint_of(token) == fingerprint and 1 or 0

#!lua flags=allow-oom
-- Stop handing a token out; with ARGV[4], delete it.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'foreign' end
local user = KEYS[2]
local place, fingerprint, forget = ARGV[2], ARGV[3], ARGV[4]
local token = redis.call('HGET', user, 't' .. place)
if not token or fingerprint_of(token) ~= fingerprint then return 0 end
redis.call('HDEL', user, 't' .. place)
if forget == '' then redis.call('HSET', user, 'o' .. fingerprint .. place, token) end
return 1

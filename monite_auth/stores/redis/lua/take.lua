#!lua flags=allow-oom
-- Take a token out of its place and make it pending; return 0 if it was not there.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'foreign' end
local user, queue, records = KEYS[2], KEYS[5], KEYS[6]
local place, fingerprint, now = ARGV[2], ARGV[3], clock()
local token = redis.call('HGET', user, 't' .. place)
if not token or fingerprint_of(token) ~= fingerprint then return 0 end
redis.call('HDEL', user, 't' .. place)
revoke(queue, records, ARGV[1], place, token, now)
return 1

#!lua flags=allow-oom
-- Note that a value is about to be stored in a place (ARGV[1]) of a user (ARGV[3]); return 0 if the value is condemned.
-- KEYS[1] is a hash of the value: by place, until when it may be handed out there (d), and the user; and until when it is
-- 'condemned' (d).
local value, place, now = KEYS[1], ARGV[1], clock()
local condemned = redis.call('HGET', value, 'condemned')
if condemned and struct.unpack('>d', condemned) > now then return 0 end
local moment = now + ARGV[2]
redis.call('HSET', value, place, struct.pack('>d', moment) .. ARGV[3])
keep(value, now, moment)
return 1

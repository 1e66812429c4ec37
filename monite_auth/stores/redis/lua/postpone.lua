#!lua flags=allow-oom
local queue, records, name = KEYS[1], KEYS[2], ARGV[1]
local record = redis.call('HGET', records, name)
if not record then return 0 end
local moment, attempts = struct.unpack('>dI4', record)
redis.call('HSET', records, name, struct.pack('>dI4', moment, attempts + 1) .. string.sub(record, 13))
redis.call('ZADD', queue, text(clock() + ARGV[2]), name)
return 1

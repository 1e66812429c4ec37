#!lua flags=allow-oom
local queue, records, name = KEYS[1], KEYS[2], ARGV[1]
local record = redis.call('HGET', records, name)
if not record then return 0 end
local moment, by_wall, attempts = struct.unpack('>ddI4', record)
redis.call('HSET', records, name, struct.pack('>ddI4', moment, by_wall, attempts + 1) .. string.sub(record, 21))
redis.call('ZADD', queue, text(clock() + ARGV[2]), name)
return 1

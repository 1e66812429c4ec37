#!lua flags=allow-oom
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'foreign' end
local note = redis.call('HGET', KEYS[2], 'n' .. ARGV[2])
if not note or struct.unpack('>d', note) <= clock() then return false end
return string.sub(note, 9)
